"""History of complaints that went through all five services: it verifies, and gives the complaints."""

import asyncio
import os
import sys

from deploy.local.stage import Stage
from deploy.provision import AUDITOR
from tests.kit.desk import desks
from tests.kit.toy import admin_of


async def redress_verify(played: Stage, *words: str) -> tuple[int | None, list[str]]:
    """The exit code and the lines of the command, as an auditor without any secret runs it."""
    named = {
        "REDRESS_AUDITOR_MONGO_URL": played.servers.mongo_url(AUDITOR),
        "REDRESS_PUBLIC_KEY": played.system.public_key,
    }
    command = [sys.executable, "-c", "from deploy.cli import main; main()", "verify", *words]
    running = await asyncio.create_subprocess_exec(
        *command, env=os.environ | named, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await running.communicate()
    return running.returncode, said.decode().splitlines()


async def test_an_auditor_finds_what_was_bent_and_nothing_else(played: Stage) -> None:
    async with desks(played) as (staff, _, partner):
        ids = [await partner.made() for _ in range(5)]
        carried = await staff.at_proposed()
        for step in ("offer", "agree", "implement", "audit"):
            await staff.step(carried, step)
        await staff.step(carried, "answer", text="We replaced it.")
        await staff.until(carried, "fed_back")
        for id in ids:
            await staff.until(id, "dispatched")
        code, lines = await redress_verify(played, "--rebuild")
        assert (code, len(lines)) == (0, 1), lines
        assert int(lines[0].split()[0].removeprefix("verified=")) >= 6
        number = (await staff.get(f"complaints/{carried}")).json()["number"]
    async with admin_of(played.servers) as client:
        bent = client["intake"]["complaints"]
        which = {"number": number, "journal.type": "complaint.graded.v1"}
        was = await bent.find_one(which, {"journal.$": 1})
        assert was is not None
        await bent.update_one(which, {"$set": {"journal.$.data.grade": "critical"}})
        code, lines = await redress_verify(played)
        await bent.update_one(which, {"$set": {"journal.$": was["journal"][0]}})
    assert code == 1
    assert lines[0].startswith(f"{number} {carried} entry ")
    assert "(complaint.graded.v1, " in lines[0]
    assert " faults=1 " in lines[1]
    assert (await redress_verify(played))[0] == 0
