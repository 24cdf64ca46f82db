"""A complaint's events in any order, with repetitions, end in one and the same state in every service."""

from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.complaint import Complaint
from services.intake.domain.handling import Request, allowed, take
from services.intake.domain.hearing import hear
from services.intake.domain.registration import register
from services.intake.listeners import inbox as intake_inbox
from services.notify.domain import notices
from services.notify.listeners import inbox as notify_inbox
from services.notify.listeners import on_event
from services.sla.domain import deadlines
from services.sla.listeners import inbox as sla_inbox
from services.survey.domain import questionnaire
from services.survey.listeners import inbox as survey_inbox
from services.triage.domain import grading, progress
from services.triage.listeners import inbox as triage_inbox
from shared.documents import Change, Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintReopened,
    ComplaintScreened,
    ContactErased,
    Fact,
    SolutionProposed,
)
from shared.inbox import Inbox
from tests.kit.complaint import COMPLAINT, NUMBER, START, decide, events, plain, said, whole_way
from tests.kit.intake import FORMS, STAFF, STEP, registration

SCREENED = ComplaintScreened(cycle=1, decision="in_scope")
ERASED = events([*whole_way(3, 9), SCREENED, ContactErased(reason="requested")])
WAY = ERASED[:-1]


def link(survey: UUID, expires: Any) -> str:
    return f"https://survey.invalid/s/{survey}"


PROGRESS = (ComplaintAccepted, SolutionProposed, ComplaintFedBack, ComplaintClosed)


def triage(state: Any, cause: Cause[Any]) -> Any:
    how: Any = progress.reach if isinstance(cause.data, PROGRESS) else grading.hear
    return how(state, cause)


CHANGES: dict[str, tuple[Inbox, Change[Any, Any]]] = {
    "triage": (triage_inbox, triage),
    "sla": (sla_inbox, deadlines.hear),
    "notify": (notify_inbox, partial(notices.hear, now=START)),
    "survey": (survey_inbox, partial(questionnaire.hear, complaint=COMPLAINT, link=link)),
}


IN_TIME = {"survey": {ComplaintReopened.type, ContactErased.type}}
"""News that comes too late to keep it from speaking; tests/survey/test_laws.py says what holds then."""


def of(service: str, way: list[Cause[Fact]]) -> list[Cause[Fact]]:
    """The events that change a service's documents, and whose order must not matter to it.

    What notify only hands over to webhooks changes none.
    """
    inbox, late = CHANGES[service][0], IN_TIME.get(service, set())
    heard = {kind.type for kind, listener in inbox._handlers.items() if listener is not on_event} - late
    return [event for event in way if event.type in heard]


def shuffled(heard: list[Cause[Fact]]) -> st.SearchStrategy[list[Cause[Fact]]]:
    """Events in any order, some of them up to three times."""
    repeats = st.lists(st.sampled_from(heard), max_size=2 * len(heard))
    return repeats.flatmap(lambda more: st.permutations(heard + more))


def after(service: str, order: list[Cause[Fact]]) -> tuple[Any, list[str]]:
    """The state, and what was said; what an erasure stops was queued before or it was not."""
    draft: Draft[Any] = Draft(COMPLAINT)
    for event in order:
        decide(draft, CHANGES[service][1], event, service)
    facts = [each for each in said(draft) if not each.startswith("notice.queued.v1")]
    return plain(draft.state), facts


@pytest.mark.parametrize("way", [WAY, ERASED], ids=["the whole way", "erased"])
@pytest.mark.parametrize("service", CHANGES)
def test_any_order_ends_in_the_same_state(service: str, way: list[Cause[Fact]]) -> None:
    heard = of(service, way)
    expected = after(service, heard)

    @settings(max_examples=300, deadline=None)
    @given(shuffled(heard))
    def same(order: list[Cause[Fact]]) -> None:
        assert after(service, order) == expected

    same()


STEPS = ("accept", "investigate", "propose", "offer", "agree", "implement", "audit", "answer")


def people(draft: Draft[Complaint]) -> None:
    """Everybody does at once what can be done."""
    while draft.state and (steps := [step for step in allowed(draft.state) if step in STEPS]):
        step = max(steps, key=STEPS.index)
        asked = STEP.validate_python({"step": step} | FORMS.get(step, {}))
        name = f"{draft.state.cycle} {step}"
        cause = Cause(
            uuid5(COMPLAINT, name),
            COMPLAINT,
            NUMBER,
            START,
            "desk",
            Request(asked, STAFF, words=dict(zip(asked.words, asked.words, strict=True))),
        )
        decide(draft, take, cause, "intake")


def handled(order: list[Cause[Fact]]) -> tuple[Any, list[str]]:
    draft: Draft[Any] = Draft(COMPLAINT)
    asked = registration(by="front-end")
    decide(draft, register, Cause(COMPLAINT, COMPLAINT, NUMBER, START, "front-end", asked), "intake")
    for event in order:
        decide(draft, hear, event, "intake")
        people(draft)
    return plain(draft.state), said(draft)


def test_intake_ends_closed_in_the_same_state_in_any_order() -> None:
    heard = [event for event in WAY if event.type in intake_inbox.types]
    expected = handled(heard)
    assert expected[0]["stage"] == "closed"
    assert sum("complaint.reopened.v1" in line for line in expected[1]) == 1

    @settings(max_examples=300, deadline=None)
    @given(shuffled(heard))
    def same(order: list[Cause[Fact]]) -> None:
        assert handled(order) == expected

    same()
