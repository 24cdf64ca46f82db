"""Endpoints without any server: circuits, secrets, what a change begins anew, and who wants what."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify.domain import endpoints
from services.notify.domain.endpoints import (
    FAILURES,
    GIVEN_UP,
    LONGEST,
    OVERLAP,
    SHOWN,
    Endpoint,
    Health,
    Secret,
)
from shared.envelope import Cause
from shared.events import (
    CATALOGUE,
    FOR_PARTNERS,
    ComplaintInvestigated,
    ComplaintLinked,
    ComplaintMerged,
    DeadlineSet,
    Fact,
    NoticeQueued,
    NoticeSent,
    SurveyAnswered,
    WebhookDisabled,
)
from shared.problems import Conflict, Invalid, NotFound, PreconditionFailed

START = datetime(2026, 11, 22, tzinfo=UTC)
ID = UUID(int=7)


def cause(data: Any, at: datetime = START, id: UUID | None = None) -> Cause[Any]:
    return Cause(id or uuid4(), ID, "webhooks/7", at, "test", data)


def endpoint(*types: str, of_partner: bool = False, **more: Any) -> Endpoint:
    about = {
        "owner": "shop",
        "url": "https://example.com/",
        "secrets": (Secret(text="whsec_YQ==", made_at=START, request=ID),),
    }
    return Endpoint(
        **about, of_partner=of_partner, types=types or ("*",), made_at=START, enabled_at=START, **more
    )


def after(state: Endpoint, *healths: Health, at: datetime = START) -> tuple[Endpoint, list[Fact]]:
    told: list[Fact] = []
    for health in healths:
        state, facts = endpoints.take_note(state, cause(health, at))
        told += facts
    return state, told


BAD, GOOD = Health(edition=1, delivered=False), Health(edition=1, delivered=True)
GONE = Health(edition=1, delivered=False, gone=True)


def test_a_circuit_opens_after_some_failures_in_a_row_and_pauses_grow() -> None:
    state, _ = after(endpoint(), *[BAD] * (FAILURES - 1), GOOD, *[BAD] * (FAILURES - 1))
    assert state.shut_until is None
    pauses = []
    for _ in range(12):
        state, _ = after(state, BAD)
        assert state.shut_until is not None
        pauses.append(state.shut_until - START)
    assert pauses == sorted(pauses)
    assert pauses[0] == endpoints.SHORTEST
    assert pauses[-1] == LONGEST
    assert after(state, GOOD)[0] == endpoint()


def test_one_probe_is_sent_after_the_pause() -> None:
    state, _ = after(endpoint(), *[BAD] * FAILURES)
    assert state.shut_until is not None
    early, first, second = cause(None), cause(None, state.shut_until), cause(None, state.shut_until)
    assert endpoints.take_probe(state, early)[0].probe is None
    taken, _ = endpoints.take_probe(state, first)
    assert taken.probe == first.id
    assert endpoints.take_probe(taken, second)[0].probe == first.id


def test_410_disables_at_once_and_says_so_once() -> None:
    state, told = after(endpoint(), GONE, GONE)
    assert state.state == "disabled"
    assert told == [WebhookDisabled(endpoint=ID, reason=state.disabled or "")]


def test_failing_for_five_days_on_end_disables() -> None:
    state, told = after(endpoint(), BAD)
    state, more = after(state, BAD, at=START + GIVEN_UP - timedelta(seconds=1))
    assert (state.disabled, told, more) == (None, [], [])
    well, _ = after(state, GOOD, at=START + GIVEN_UP)
    assert after(well, BAD, at=START + GIVEN_UP)[0].disabled is None, "not on end"
    gone, told = after(state, BAD, at=START + GIVEN_UP)
    assert gone.disabled
    assert len(told) == 1


def test_enabling_gives_a_clean_record() -> None:
    state, _ = after(endpoint(), BAD, GONE)
    later = START + timedelta(days=1)
    on, _ = endpoints.switch(state, cause(endpoints.Switch(edition=None, on=True), later))
    assert (on.state, on.failures, on.failing_since, on.enabled_at) == ("enabled", 0, None, later)
    assert on.held, "what waited is due"
    off, told = endpoints.switch(on, cause(endpoints.Switch(edition=None, on=False)))
    assert off.disabled
    assert isinstance(told[0], WebhookDisabled)


def test_an_old_secret_signs_for_a_day_longer() -> None:
    state, _ = endpoints.rotate(endpoint(), cause(endpoints.Rotation(edition=1, secret="whsec_Yg==")))
    assert state.signs_with(START) == ["whsec_Yg==", "whsec_YQ=="]
    assert state.signs_with(START + OVERLAP) == ["whsec_Yg=="]
    again = cause(endpoints.Rotation(edition=None, secret="whsec_Yw=="))
    while len(state.secrets) < endpoints.MOST_SECRETS:
        state, _ = endpoints.rotate(state, again)
    with pytest.raises(Conflict):
        endpoints.rotate(state, again)


def test_a_new_url_begins_with_a_clean_record_and_hears_nothing_of_the_old_one() -> None:
    state, _ = after(endpoint(), *[BAD] * FAILURES)
    later = START + timedelta(days=4)
    other = endpoints.Revision(edition=None, url="https://example.org/")
    new, _ = endpoints.revise(state, cause(other, later))
    assert (new.state, new.shut_until, new.failing_since) == ("enabled", None, None)
    assert (new.enabled_at, new.held) == (later, True)
    assert after(new, BAD, GONE, at=later) == (new, []), "of attempts at the old URL"
    same, _ = endpoints.revise(state, cause(endpoints.Revision(edition=None, description="x", url=state.url)))
    assert (same.failures, same.enabled_at, same.held) == (FAILURES, START, False)


def test_what_was_held_is_made_due_once_for_each_time_that_it_is_enabled() -> None:
    state = endpoint(held=True)
    assert not endpoints.make_due(state, cause(START))[0].held
    again = state.model_copy(update={"enabled_at": START + timedelta(hours=1)})
    assert endpoints.make_due(again, cause(START))[0].held


def test_a_secret_is_shown_to_the_request_that_asked_for_it_and_to_no_older_one() -> None:
    state = endpoint()
    assert state.shown_to(ID, START) == "whsec_YQ=="
    assert state.shown_to(ID, START + SHOWN) is None
    asked = cause(endpoints.Rotation(edition=1, secret="whsec_Yg=="))
    renewed, _ = endpoints.rotate(state, asked)
    assert renewed.shown_to(ID, START) is None
    assert renewed.shown_to(asked.id, START) == "whsec_Yg=="


def test_nothing_that_has_changed_since_is_overwritten() -> None:
    state, _ = endpoints.revise(endpoint(), cause(endpoints.Revision(edition=1, description="x")))
    assert (state.edition, state.description, state.url) == (2, "x", "https://example.com/")
    with pytest.raises(PreconditionFailed):
        endpoints.revise(state, cause(endpoints.Revision(edition=1, url="https://example.org/")))
    gone, _ = endpoints.remove(state, cause(None))
    assert (gone.url, gone.secrets) == ("", ())
    with pytest.raises(NotFound):
        endpoints.remove(gone, cause(None))


def test_a_key_is_for_one_endpoint() -> None:
    made, _ = endpoints.establish(None, cause(endpoint(digest="a")))
    assert endpoints.establish(made, cause(endpoint(digest="a")))[0] == made
    with pytest.raises(Invalid):
        endpoints.establish(made, cause(endpoint(digest="b")))


# types


def test_a_star_stands_for_any_text_and_a_dot_for_a_dot() -> None:
    types = ["complaint.accepted.v1", "complaint.closed.v1", "complaintsxaccepted.v1", "deadline.met.v1"]
    assert endpoints.matching(["complaint.*.v1"], types) == types[:2]
    assert endpoints.matching(["*.met.v1", "complaint.accepted.v1"], types) == [types[0], types[3]]
    assert endpoints.matching(["complaint"], types) == []
    assert endpoints.matching(["*"], types) == types


def test_no_private_event_is_ever_on_offer_and_partners_get_those_of_complaints() -> None:
    for partner in (True, False):
        offered = endpoints.on_offer(partner)
        assert offered
        assert [type for type in offered if CATALOGUE[type].private] == []
    assert set(endpoints.on_offer(True)) == FOR_PARTNERS
    assert {each.partition(".")[0] for each in FOR_PARTNERS} == {"complaint", "notice", "survey"}


def test_the_manual_names_all_that_partners_get() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (told,) = [each for each in manual.split("\n\n") if each.startswith("An endpoint of a partner gets")]
    named = set(re.findall(r"`([a-z_.]+)`", told)) - {"complaint", "survey"}
    types = {type.removesuffix(".v1") for type in FOR_PARTNERS}
    assert {each.removeprefix("notice.") for each in named} == {each.partition(".")[2] for each in types}


def test_partners_learn_neither_what_staff_is_told_nor_how_the_house_found_its_answer() -> None:
    about = {"notice": "n", "kind": "deadline_warning", "channel": "email", "cycle": 1}
    inside: tuple[Fact, ...] = (
        NoticeSent.model_validate(about | {"to": "supervisors"}),
        NoticeQueued.model_validate(about),
        ComplaintInvestigated(cycle=1, cause="a loose screw"),
        ComplaintLinked(cycle=1, complaints=(uuid4(),)),
        ComplaintMerged(cycle=1, into=uuid4()),
        DeadlineSet(cycle=1, clock="accept", due=START, started=START),
    )
    assert [endpoints.for_partners(each) for each in inside] == [None] * len(inside)
    sent = NoticeSent.model_validate(about)
    assert endpoints.for_partners(sent) == sent
    answered = SurveyAnswered(cycle=1, score=3, answers={"friendly": False})
    assert endpoints.for_partners(answered) == SurveyAnswered(cycle=1, score=3)


def test_an_endpoint_does_not_hear_of_itself() -> None:
    assert endpoints.is_about(ID, WebhookDisabled(endpoint=ID, reason="x"))
    assert not endpoints.is_about(uuid4(), WebhookDisabled(endpoint=ID, reason="x"))
