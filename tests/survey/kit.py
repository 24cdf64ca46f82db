"""What the survey's tests share: a survey that is open, and a pack with a survey of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.survey.domain import questionnaire
from services.survey.domain.record import Surveys
from shared import policy
from shared.envelope import Cause
from shared.events import ComplaintFedBack, Fact
from shared.policy import shelf
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered


def cause(data: Any, at: datetime = START) -> Cause[Any]:
    return Cause(uuid4(), COMPLAINT, NUMBER, at, "test", data)


def link(survey: UUID, expires: datetime) -> str:
    return f"https://survey.invalid/s/{survey}"


def heard(state: Surveys | None, *facts: Fact) -> tuple[Surveys, list[Fact]]:
    """The state after these events, and all that was said of them."""
    said: list[Fact] = []
    known = state or Surveys()
    for fact in facts:
        known, more = questionnaire.hear(known, cause(fact), COMPLAINT, link)
        said += more
    return known, said


def told(facts: Sequence[Fact]) -> list[str]:
    return [fact.type for fact in facts]


def opened() -> Surveys:
    """A survey that waits for its answer."""
    state, said = heard(None, registered(), ComplaintFedBack(cycle=1))
    assert told(said) == ["survey.opened.v1", "survey.invited.v1"]
    return state


@contextmanager
def piloted(**rule: Any) -> Iterator[dict[str, Any]]:
    """A pack like base, but for its survey; what a registration names of it."""
    name = f"pilot-{uuid4().hex[:8]}"
    survey = {"expires_days": 14, "reopen_below": 6} | rule
    policy.publish({**policy.draft_of("base", 1).content, "pack": name, "survey": survey})
    yield {"pack": name, "pack_version": 1}
    shelf._published.pop((name, 1))
