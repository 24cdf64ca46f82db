"""A complaint's events in any order, with repetitions, end in one and the same state in every service."""

from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import handling
from services.intake.domain.complaint import Complaint, NewComplaint, Registration
from services.intake.domain.registration import register
from services.intake.domain.stages import possible
from services.intake.listeners import inbox as intake_inbox
from services.notify.domain import notices
from services.notify.listeners import inbox as notify_inbox
from services.sla.domain import deadlines
from services.sla.listeners import inbox as sla_inbox
from services.survey.domain import questionnaire
from services.survey.listeners import inbox as survey_inbox
from services.triage.domain import grading
from services.triage.listeners import inbox as triage_inbox
from shared.bus import Inbox
from shared.documents import Change, Draft
from shared.envelope import Cause
from shared.events import ComplaintAccepted, ComplaintClosed, ComplaintFedBack, Fact, SolutionProposed
from tests.kit.complaint import COMPLAINT, NUMBER, START, decide, events, plain, said, whole_way

WAY = events(whole_way(3, 9))


def link(survey: UUID, expires: Any) -> str:
    return f"https://survey.invalid/s/{survey}"


PROGRESS = (ComplaintAccepted, SolutionProposed, ComplaintFedBack, ComplaintClosed)


def triage(state: Any, cause: Cause[Any]) -> Any:
    how: Any = grading.reach if isinstance(cause.data, PROGRESS) else grading.hear
    return how(state, cause)


CHANGES: dict[str, tuple[Inbox, Change[Any, Any]]] = {
    "triage": (triage_inbox, triage),
    "sla": (sla_inbox, deadlines.hear),
    "notify": (notify_inbox, partial(notices.hear, now=START)),
    "survey": (survey_inbox, partial(questionnaire.hear, complaint=COMPLAINT, link=link)),
}


def shuffled(inbox: Inbox) -> st.SearchStrategy[list[Cause[Fact]]]:
    """The events that a service hears, in any order, some of them up to three times."""
    heard = [event for event in WAY if event.type in inbox.types]
    repeats = st.lists(st.sampled_from(heard), max_size=2 * len(heard))
    return repeats.flatmap(lambda more: st.permutations(heard + more))


def after(service: str, order: list[Cause[Fact]]) -> tuple[Any, list[str]]:
    draft: Draft[Any] = Draft(COMPLAINT)
    for event in order:
        decide(draft, CHANGES[service][1], event, service)
    return plain(draft.state), said(draft)


@pytest.mark.parametrize("service", CHANGES)
def test_any_order_ends_in_the_same_state(service: str) -> None:
    inbox, _ = CHANGES[service]
    expected = after(service, [event for event in WAY if event.type in inbox.types])

    @settings(max_examples=300, deadline=None)
    @given(shuffled(inbox))
    def same(order: list[Cause[Fact]]) -> None:
        assert after(service, order) == expected

    same()


STEPS = {
    "accept": handling.Accept(step="accept"),
    "investigate": handling.Investigate(step="investigate", cause="material"),
    "propose": handling.Propose(step="propose", measure="replace", department="quality"),
    "offer": handling.Offer(step="offer"),
    "agree": handling.Agree(step="agree"),
    "implement": handling.Implement(step="implement"),
    "audit": handling.Audit(step="audit"),
    "answer": handling.Answer(step="answer", text="We replaced it."),
}


def people(draft: Draft[Complaint]) -> None:
    """Everybody does at once what can be done."""
    while draft.state and (steps := [step for step in possible(draft.state.stage) if step in STEPS]):
        name = f"{draft.state.cycle} {steps[0]}"
        cause = Cause(
            uuid5(COMPLAINT, name), COMPLAINT, NUMBER, START, "desk", handling.Request(STEPS[steps[0]])
        )
        decide(draft, handling.take, cause, "intake")


def new_complaint() -> Draft[Any]:
    given = NewComplaint.model_validate(
        {
            "channel": "email",
            "description": "The kettle is broken.",
            "complainant": {"name": "Ann Example", "email": "ann@example.com"},
        }
    )
    asked = Registration(
        given=given, caller="front-end", request="", keyed=True, digest="", pack="base", pack_version=1
    )
    draft: Draft[Any] = Draft(COMPLAINT)
    decide(draft, register, Cause(COMPLAINT, COMPLAINT, NUMBER, START, "front-end", asked), "intake")
    return draft


def handled(order: list[Cause[Fact]]) -> tuple[Any, list[str]]:
    draft = new_complaint()
    for event in order:
        decide(draft, handling.hear, event, "intake")
        people(draft)
    return plain(draft.state), said(draft)


def test_intake_ends_closed_in_the_same_state_in_any_order() -> None:
    expected = handled([event for event in WAY if event.type in intake_inbox.types])
    assert expected[0]["stage"] == "closed"
    assert sum("complaint.reopened.v1" in line for line in expected[1]) == 1

    @settings(max_examples=300, deadline=None)
    @given(shuffled(intake_inbox))
    def same(order: list[Cause[Fact]]) -> None:
        assert handled(order) == expected

    same()
