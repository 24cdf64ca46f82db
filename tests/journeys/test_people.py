"""A person is erased from the running system: nothing of theirs is found anywhere, and every figure stays."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from deploy.local.stage import Stage, stage
from tests.faults.state import settle
from tests.kit.desk import desks
from tests.kit.one_person import (
    DIGITS,
    EMAIL,
    NAME,
    PUBLIC,
    SAID,
    SECRETS,
    WHO,
    House,
    answers,
    figures,
    handed_in,
)
from tests.kit.search import Sought, in_broker, in_databases, in_files
from tests.kit.servers import servers_for_tests

OTHERS = 5
ITS_OWN = {
    "admin.system.keys", "config.system.indexBuilds", "local.system.rollback.id", "local.system.views",
    "local.replset.initialSyncId", "local.replset.oplogTruncateAfterPoint",
}  # fmt: skip
"""What the database keeps of itself, and lets nobody read."""


@dataclass
class Story:
    """What was found before and after everything of one person was erased."""

    at: House
    mine: list[str]
    others: list[str]
    told: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    said: bytes
    later: dict[str, bytes]


@pytest.fixture(scope="module")
async def calm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A system of its own in which time passes as it does outside: no figure moves by itself."""
    async with (
        servers_for_tests(tmp_path_factory.mktemp("calm")) as found,
        stage(found, tmp_path_factory.mktemp("calm-services"), traces=True) as set_up,
    ):
        yield set_up


@pytest.fixture(scope="module")
async def story(calm: Stage) -> AsyncIterator[Story]:
    async with desks(calm) as (staff, approver, _):
        at = House(calm, staff, approver)
        who = [{"name": f"Somebody {n}", "email": f"somebody-{n}@elsewhere.example"} for n in range(OTHERS)]
        others = [await staff.made(complainant=each, product={"name": PUBLIC}) for each in who]
        mine = await handed_in(at)
        refused = await staff.post("complaints", {"complainant": WHO, "channel": NAME, EMAIL: SAID["note"]})
        assert refused.status_code == 422
        await at_rest(calm)
        everything = mine + others
        before, said = await figures(at, everything), b"".join((await answers(at, mine)).values())
        told = (await approver.post("people:erase", {"email": EMAIL, "linked": True})).json()
        await at_rest(calm)
        after, later = await figures(at, everything), await answers(at, mine)
        yield Story(at, mine, others, told, before, after, said, later)


async def at_rest(calm: Stage) -> None:
    assert not (await settle(cast(Any, calm.servers), 60, closed=False)).restless


async def test_before_the_erasure_the_words_are_there(story: Story) -> None:
    for secret in set(SECRETS):
        assert Sought([secret]).found_in("answers", story.said), secret


async def test_no_figure_changes(story: Story) -> None:
    assert story.told["complaints"] == len(story.mine)
    assert story.before.keys() == story.after.keys()
    for name in story.before:
        assert story.after[name] == story.before[name], name
    assert len(story.before["ledger"].splitlines()) == 1 + len(story.mine) + OTHERS


async def test_nothing_of_theirs_is_left_anywhere(story: Story) -> None:
    servers, system = story.at.at.servers, story.at.at.system
    folders = [system.folder, *([servers.folder] if hasattr(servers, "folder") else [])]
    for texts, is_there in (([*SECRETS, *DIGITS], False), ([PUBLIC], True)):
        sought = Sought(texts)
        places = {
            "databases": await in_databases(sought, servers),
            "broker": await in_broker(sought, servers),
            "answers": {
                f"{name}: {hit}"
                for name, each in story.later.items()
                for hit in sought.found_in("answers", each)
            },
        }

        assert {name: bool(hits) for name, hits in places.items()} == dict.fromkeys(places, is_there), places
    assert sought.refused <= ITS_OWN
    logs = Sought(SECRETS)
    assert in_files(logs, *folders) == set()
    assert in_files(Sought([*story.mine, "database there"]), *folders), "the same search finds what is there"
    assert logs.seen["lines"] > 1_000
    assert sought.seen["documents"] > 100


async def test_an_open_complaint_of_theirs_is_handled_to_its_end(story: Story) -> None:
    staff, letter = story.at.staff, story.mine[1]
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("propose", {"measure": "replace", "department": "quality"}), ("offer", {}), ("agree", {}),
        ("implement", {"report": SAID["report"]}), ("audit", {"findings": SAID["audit"]}),
        ("answer", {"text": SAID["reply"]}),
    )  # fmt: skip
    for step, said in steps:
        await staff.step(letter, step, **said)
    closed = (await staff.get(f"complaints/{letter}", personal=True)).json()
    assert (closed["stage"], closed["outcome"]) == ("closed", "resolved")
    await at_rest(story.at.at)
    notices = (await staff.client.get(f"{story.at.at.system.url('notify')}/v1/notices/{letter}")).json()
    assert {each["state"] for each in notices["notices"] if each["kind"] == "result"} <= {"suppressed"}
    sought = Sought([SAID["report"], SAID["audit"], SAID["reply"]])
    assert await in_databases(sought, story.at.at.servers) == set()
    assert await in_broker(sought, story.at.at.servers) == set()


async def test_whoever_complains_again_is_somebody_new(story: Story) -> None:
    again = await story.at.made("email", "phone", channel="email")
    assert (await story.at.approver.post("people:erase", {"complaint": story.mine[0]})).json()[
        "complaints"
    ] == 0
    await at_rest(story.at.at)
    seen = (await story.at.staff.get(f"complaints/{again}", personal=True)).json()["complaint"]
    assert seen["given"]["complainant"]["name"] == NAME
    for id in story.others:
        seen = (await story.at.staff.get(f"complaints/{id}", personal=True)).json()["complaint"]
        assert seen["given"]["complainant"]["name"].startswith("Somebody")
