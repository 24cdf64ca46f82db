"""Topics mean what the broker means by them, and name public events alone."""

import aio_pika
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.subscribers.topics import PUBLIC, checked, fits, matched
from shared.bus import EVENTS
from shared.events import CATALOGUE
from shared.problems import Invalid
from tests.subscribers.gate import Gate, logged_in, taken

PRIVATE = [type for type, kind in CATALOGUE.items() if kind.private]
WORDS = st.lists(st.sampled_from(["complaint", "graded", "v1", "x"]), min_size=1, max_size=4)
PATTERNS = [
    "#", "*", "*.*", "*.*.v1", "complaint.#", "complaint.*.v1", "#.v1", "*.breached.*", "#.breached.#",
    "deadline.breached.v1", "survey.#.v1", "#.#", "complaint.closed.v1.#", "*.#.*.*",
]  # fmt: skip


async def test_a_pattern_means_what_the_broker_routes_by_it(gate: Gate) -> None:
    meant = {f"t{at}": matched(pattern) for at, pattern in enumerate(PATTERNS)}
    assert [PATTERNS[at] for at in range(len(PATTERNS)) if not meant[f"t{at}"]] == ["*", "*.*"]
    urls = {
        team: gate.add(team, pattern)
        for (team, types), pattern in zip(meant.items(), PATTERNS, strict=True)
        if types
    }
    async with logged_in(gate.servers.admin_amqp_url) as channel:
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for type in PUBLIC:
            await exchange.publish(aio_pika.Message(b"[]", type=type), type)
    routed = {team: [message.type for message in await taken(url)] for team, url in urls.items()}
    assert routed == {team: types for team, types in meant.items() if types}


@given(WORDS)
def test_a_type_is_meant_by_itself_and_by_all_that_is_wider(words: list[str]) -> None:
    type = ".".join(words)
    assert fits(type, type)
    assert fits("#", type)
    assert fits(".".join("*" for _ in words), type)
    assert not fits(f"{type}.*", type)
    assert fits(f"{type}.#", type)


@given(st.lists(st.sampled_from(["*", "#", "complaint", "v1"]), min_size=1, max_size=5), WORDS)
def test_more_any_never_means_less(pattern: list[str], words: list[str]) -> None:
    wider = ["#" if each == "*" else each for each in pattern]
    assert fits(".".join(wider), ".".join(words)) or not fits(".".join(pattern), ".".join(words))


@pytest.mark.parametrize("type", PRIVATE)
def test_what_is_private_is_refused(type: str) -> None:
    with pytest.raises(Invalid, match=f"{type} is private"):
        checked([type])
    assert all(type not in matched(pattern) for pattern in PATTERNS)


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ("complaint.*", "did you mean complaint.*.v1?"),
        ("complaint", "did you mean complaint.*.v1?"),
        ("complaint.graded", "did you mean complaint.graded.v1?"),
        ("complaint.grade.v1", "did you mean complaint.graded.v1?"),
        ("complaint.*.v9", "did you mean"),
        ("weather", "docs/schemas/"),
        ("", "small letters"),
        ("Complaint.*.v1", "small letters"),
        ("complaint.**.v1", "small letters"),
        ("complaint..v1", "small letters"),
        ("complaint.*.v1\n", "small letters"),
        (".".join(["*"] * 150), "small letters"),
    ],
)
def test_a_pattern_that_means_nothing_is_refused_with_the_mend(wrong: str, mend: str) -> None:
    with pytest.raises(Invalid, match="cannot be subscribed to") as refused:
        checked(["#", wrong])
    [fault] = refused.value.errors
    assert fault.pointer == "#/topics/1"
    assert mend in fault.detail


def test_a_topic_counts_once() -> None:
    assert checked(["#", "complaint.*.v1", "#"]) == ["#", "complaint.*.v1"]
