"""What a complaint must have left behind: each stage once a cycle, by a key that tells effects apart."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.faults.ledger import Entry
from tests.faults.witness import Told

Key = tuple[str, str, int, str]
"""Complaint, event type, cycle, and what else tells one effect from another."""

ONCE_A_CYCLE = [
    "complaint.graded.v1", "complaint.dispatched.v1", "complaint.accepted.v1", "complaint.investigated.v1",
    "complaint.solution_proposed.v1", "complaint.solution_offered.v1", "complaint.solution_agreed.v1",
    "complaint.solution_implemented.v1", "complaint.solution_audited.v1", "complaint.answered.v1",
    "reply.recorded.v1", "complaint.fed_back.v1", "survey.opened.v1", "survey.invited.v1",
    "survey.answered.v1",
]  # fmt: skip
ONCE = ["complaint.registered.v1", "contact.recorded.v1", "statement.recorded.v1"]
UNATTENDED = ["complaint.graded.v1", "complaint.dispatched.v1"]
"""What becomes of a complaint that nobody takes up."""
STOPPED_BY = {
    "acknowledged": "notice.sent.v1",
    "accepted": "complaint.accepted.v1",
    "proposed": "complaint.solution_proposed.v1",
    "fed_back": "complaint.fed_back.v1",
}
REVISION = "revision"
ENDS = ("met", "missed", "cancelled")


def key_of(each: Told) -> Key:
    """A judgement that a neighbour's late news made anew is an effect of its own, by its revision."""
    revision = int(each.data.get("revision", 1))
    anew = f"{REVISION} {revision}" if revision > 1 else ""
    about = each.data.get("clock", "") or each.data.get("notice", "") or anew
    return each.complaint, each.type, int(each.data.get("cycle", 0)), about


def kind_of(each: Told) -> str:
    return str(each.data.get("kind", ""))


def expected_of(entry: Entry) -> Iterable[Key]:
    yield from ((entry.id, type, 0, "") for type in ONCE)
    if not entry.scores:
        yield from ((entry.id, type, 1, "") for type in UNATTENDED)
        return
    for cycle in range(1, entry.cycles + 1):
        yield from ((entry.id, type, cycle, "") for type in ONCE_A_CYCLE)
        if cycle > 1:
            yield entry.id, "complaint.reopened.v1", cycle, ""
    yield entry.id, "complaint.closed.v1", entry.cycles, ""


def instant(text: Any) -> datetime:
    return datetime.fromisoformat(text)
