"""Roles that must know at once: of an emergency, a safety gate, an adverse event; each once, in any order."""

from itertools import permutations
from typing import Any, get_args
from uuid import UUID, uuid5

import pytest

from services.notify.channels.wording import words
from services.notify.domain import notices, recipients
from services.notify.domain.notices import hear
from services.notify.domain.record import Notices
from services.notify.domain.sending import finish
from shared.envelope import Cause
from shared.events import (
    AdverseEventRecorded,
    ComplaintEscalated,
    ContactErased,
    ContactRecorded,
    EmergencyDeclared,
    Fact,
    Language,
)
from shared.policy import NoticeKind, Pack, pack_of
from tests.kit.complaint import COMPLAINT, NUMBER, START, plain, registered

CONTACT = ContactRecorded(name="Ann Secret", email="ann@secret.example", phone="1380000")
EMERGENCY = EmergencyDeclared(cycle=1, roles=("general_manager", "spokesperson"))
GATE = ComplaintEscalated(cycle=2, gate="fire", roles=("general_manager", "emergency_team"))
EVENT = AdverseEventRecorded(cycle=1, occurred=True)
TO_ROLE: tuple[NoticeKind, ...] = ("escalation", "emergency", "adverse_event")
ALL: list[Fact] = [registered(), CONTACT, EMERGENCY, GATE, EVENT]


def after(*facts: Fact) -> Notices:
    state: Notices | None = None
    for fact in facts:
        cause: Cause[Any] = Cause(uuid5(COMPLAINT, repr(fact)), COMPLAINT, NUMBER, START, "test", fact)
        state, owed = hear(state, cause, START)
        assert {fact.type for fact in owed} <= {"notice.queued.v1", "notice.suppressed.v1"}
    assert state is not None
    return state


def told(state: Notices) -> list[tuple[str, str | None, str]]:
    return sorted((e.kind, e.route, e.address) for e in state.notices if e.kind in TO_ROLE)


def without(monkeypatch: pytest.MonkeyPatch, **roles: Any) -> None:
    """The pack with other roles: None takes one away."""

    def other(*given: Any) -> Pack:
        pack = pack_of(*given)
        left = {name: role for name, role in (pack.roles | roles).items() if role is not None}
        return pack.model_copy(update={"roles": left})

    for each in (notices, recipients):
        monkeypatch.setattr(each, "pack_of", other)


def test_each_role_is_written_to_at_once() -> None:
    state = after(*ALL)
    assert told(state) == [
        ("adverse_event", "email", "quality-manager@departments.invalid"),
        ("emergency", "email", "general-manager@departments.invalid"),
        ("emergency", "email", "spokesperson@departments.invalid"),
        ("escalation", "email", "emergency-team@departments.invalid"),
        ("escalation", "email", "general-manager@departments.invalid"),
    ]
    assert {e.next_at for e in state.notices} == {START}
    assert {e.cycle for e in state.notices if e.kind == "escalation"} == {2}


def test_the_same_event_tells_a_role_once_and_another_one_tells_it_again() -> None:
    assert told(after(*ALL, EMERGENCY, GATE, EVENT)) == told(after(*ALL))
    again = EMERGENCY.model_copy(update={"cycle": 2})
    assert len(told(after(*ALL, again))) == len(told(after(*ALL))) + 2


def test_the_order_of_news_does_not_matter() -> None:
    for order in permutations(ALL):
        assert plain(after(*order)) == plain(after(*ALL))


@pytest.mark.parametrize(
    "event",
    [
        AdverseEventRecorded(cycle=1, occurred=False),
        AdverseEventRecorded(cycle=1, occurred=True, assessed=True),
        AdverseEventRecorded(cycle=1, occurred=False, assessed=True),
        EmergencyDeclared(cycle=1, roles=()),
    ],
)
def test_where_there_is_nothing_to_do_nobody_is_told(event: Fact) -> None:
    assert told(after(event, registered())) == []


def test_for_a_role_without_an_address_somebody_is_told_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    role = pack_of(registered(), None).roles["spokesperson"].model_copy(update={"email": None})
    without(monkeypatch, spokesperson=role, general_manager=None)
    state = after(EMERGENCY, registered())
    assert told(state) == [("emergency", "call", ""), ("emergency", "call", "")]
    calls = [each for each in state.notices if each.state == "task"]
    assert [each.details["recipient"] for each in calls] == ["general_manager", "Spokesperson"]
    done: Cause[UUID] = Cause(COMPLAINT, COMPLAINT, NUMBER, START, "desk", calls[1].id)
    _, said = finish(state, done)
    assert [(fact.type, fact.model_dump()["kind"]) for fact in said] == [("notice.sent.v1", "emergency")]


def test_where_nobody_judges_adverse_events_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, quality_manager=None)
    for order in permutations([registered(), EVENT]):
        state = after(*order)
        assert (told(state), [each.kind for each in state.wishes]) == ([], ["acknowledgement"])


def test_an_erased_customer_does_not_keep_a_role_from_being_told() -> None:
    state = after(*ALL, ContactErased(reason="requested"))
    assert told(state) == told(after(*ALL))
    assert {each.state for each in state.notices if each.kind in TO_ROLE} == {"queued"}


@pytest.mark.parametrize("language", get_args(Language))
def test_the_words_name_role_and_number_and_nobody_else(language: Any) -> None:
    state = after(registered(language=language), *ALL[1:])
    pack = pack_of(registered(), None)
    for notice in (each for each in state.notices if each.kind in TO_ROLE):
        said = words(state, notice)
        text = said.subject + said.body
        assert NUMBER in said.subject
        assert [role for role in pack.roles.values() if role.title[language] in text]
        assert "ecret" not in text
        assert (pack.safety[1].title[language] in text) is (notice.kind == "escalation")
