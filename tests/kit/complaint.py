"""A complaint's whole way as plain events, in the order in which they happen, for tests without servers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel

from shared.documents import Change, Draft
from shared.envelope import Cause, from_cloudevent, open_batch, write
from shared.events import (
    Channel,
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintRegistered,
    ComplaintReopened,
    ContactRecorded,
    DeadlineBreached,
    DeadlineWarned,
    Fact,
    NoticeSent,
    ReplyRecorded,
    SolutionProposed,
    StatementRecorded,
    SurveyAnswered,
    SurveyInvited,
)

COMPLAINT = UUID("018f0000-0000-7000-8000-000000000001")
NUMBER = "RC-TESTTESTAA"
START = datetime(2026, 9, 18, 9, 59, tzinfo=UTC)


def registered(channel: Channel = "email", **given: Any) -> ComplaintRegistered:
    """A registration with the base pack."""
    common: dict[str, Any] = {"pack": "base", "pack_version": 1, "language": "en", "received_at": START}
    return ComplaintRegistered(channel=channel, **(common | given))


def cycle_of(cycle: int, score: int) -> list[Fact]:
    """Everything that the services say about one cycle, from the grade to the score."""
    notice = {"channel": "email", "cycle": cycle}
    expires = START + timedelta(days=20)
    due = START + timedelta(days=1)
    return [
        ComplaintGraded(cycle=cycle, class_="product_quality", suggested=False, grade="serious", matches=()),
        ComplaintDispatched(cycle=cycle, lead="quality", departments=("quality", "production")),
        ComplaintAccepted(cycle=cycle, department="quality"),
        DeadlineWarned(cycle=cycle, clock="propose", due=due),
        DeadlineBreached(cycle=cycle, clock="propose", due=due),
        SolutionProposed(cycle=cycle, measure="replace", department="quality"),
        ComplaintAnswered(cycle=cycle),
        ReplyRecorded(cycle=cycle, text="We replaced it."),
        NoticeSent(notice=f"result {cycle}", kind="result", **notice),
        ComplaintFedBack(cycle=cycle),
        SurveyInvited(cycle=cycle, link="https://survey.invalid/s/x", expires=expires),
        NoticeSent(notice=f"survey {cycle}", kind="survey", **notice),
        SurveyAnswered(cycle=cycle, score=score),
    ]


def whole_way(*scores: int) -> list[Fact]:
    """A complaint from registration to closing, with a cycle for each score."""
    facts: list[Fact] = [
        registered(),
        ContactRecorded(name="Ann Example", email="ann@example.com"),
        StatementRecorded(pack="base", pack_version=1, text="The kettle is broken."),
        NoticeSent(notice="acknowledgement", kind="acknowledgement", channel="email", cycle=1),
    ]
    for cycle, score in enumerate(scores, 1):
        if cycle > 1:
            facts.append(ComplaintReopened(cycle=cycle, score=scores[cycle - 2]))
        facts += cycle_of(cycle, score)
    return [*facts, ComplaintClosed(cycle=len(scores), score=scores[-1])]


def events(facts: Sequence[Fact]) -> list[Cause[Fact]]:
    """The facts as events, an hour apart, numbered by their owners."""
    counts: dict[str, int] = {}
    made = []
    for hours, fact in enumerate(facts):
        counts[fact.owner] = counts.get(fact.owner, 0) + 1
        cause = Cause(uuid5(COMPLAINT, f"cause {hours}"), COMPLAINT, NUMBER, START, fact.owner, None)
        made.append(
            write(
                fact,
                service=fact.owner,
                position=0,
                sequence=counts[fact.owner],
                now=START + timedelta(hours=hours),
                cause=cause,
            )
        )
    return made


def decide(draft: Draft[Any], change: Change[Any, Any], cause: Cause[Any], service: str) -> None:
    """One update, without a database."""
    draft.decide(change, cause, service, journal=None)


def said(draft: Draft[Any]) -> list[str]:
    """Types and contents of what a document owes, in no order, without ids and times of writing."""
    found = [from_cloudevent(open_batch(b"[" + owed.body + b"]")[0]) for owed in draft.owed]
    return sorted(f"{event.type} {event.data.model_dump_json()}" for event in found)


WHEN = ("at", "since", "held_since", "stays", "fed_back_at", "closed_at", "edition")


def plain(state: BaseModel | None) -> Any:
    """A state without the order of its lists, and without the time at which news came."""
    return _sorted(state.model_dump(mode="json", context=COMPLAINT) if state else None)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items() if key not in WHEN}
    if isinstance(value, list):
        return sorted((_sorted(each) for each in value), key=repr)
    return value
