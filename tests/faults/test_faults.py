"""A short run of the faults inside the suite, and the proof that its audit sees a broken safety."""

import asyncio
import re
import sys

import pytest

from deploy.local.system import ROOT

pytestmark = pytest.mark.timeout(400)  # a kill in the middle of a mail costs a minute

ZEROS = "lost=0 duplicate_effects=0 orphan=0 out_of_order=0 timers_missed=0 timers_double=0 "
ZEROS += "timers_early=0 parked=0"


async def faults(*arguments: str) -> tuple[int, str]:
    """Exit code and words of one run."""
    command = [sys.executable, "-m", "tests.faults", "--quiet", *arguments]
    pipe = asyncio.subprocess.PIPE
    run = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await run.communicate()
    return run.returncode or 0, said.decode()


def count(said: str, category: str) -> int:
    found = re.search(rf"\b{category}=(\d+)", said.splitlines()[-1])
    assert found, said
    return int(found[1])


async def test_nothing_is_lost_or_done_twice_while_everything_is_killed_once() -> None:
    code, said = await faults("--n", "40", "--kills", "0", "--seed", "1")
    assert f"accepted=40 {ZEROS}" in said.splitlines()[-1], said
    assert code == 0, said


async def test_the_audit_sees_causes_handled_twice() -> None:
    code, said = await faults("--n", "30", "--kills", "0", "--mutant", "inbox_off")
    assert code != 0
    assert count(said, "duplicate_effects") > 0, said


async def test_the_audit_sees_debts_struck_out_before_the_confirm() -> None:
    code, said = await faults(
        *(
            "--n",
            "30",
            "--kills",
            "0",
            "--mutant",
            "outbox_cleared_first",
            "--patience",
            "20",
            "--settle",
            "5",
        )
    )
    assert code != 0
    assert count(said, "out_of_order") > 0, said
