"""A person and their key; a record without them; what a person who is complained about may see: no server."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.intake.domain.fingerprints import fingerprints
from services.intake.domain.forms import Complainant
from services.intake.domain.ledger import entry, matches
from services.intake.domain.person import (
    NOBODY,
    Erasure,
    Person,
    erase,
    forget,
    leave,
    meet,
    person_id,
    stay,
    sweep,
)
from services.intake.domain.roles import Actor
from services.intake.domain.views import view
from shared.events import ContactErased
from shared.problems import Forbidden
from shared.sealing import Unsealable, new_key, seal_text, unseal_text
from tests.kit.complaint import START
from tests.kit.intake import OTHER, STAFF, Record, at_dispatched, at_proposed, cause

KNOWN = Person(fingerprints=["a"], key="sealed")


def after(change: Any, state: Person | None, data: Any = None, hours: int = 0) -> Person:
    found, facts = change(state, cause(data, at=START + timedelta(hours=hours)))
    assert not facts
    assert isinstance(found, Person)
    return found


def test_who_is_met_again_keeps_the_key() -> None:
    assert after(meet, None, KNOWN) == KNOWN
    assert after(meet, KNOWN, Person(key="another")) == KNOWN


def test_the_same_ways_are_the_same_person_and_every_generation_another() -> None:
    one, two = uuid4(), uuid4()
    assert person_id(("a", "b"), one, 0) == person_id(("a", "b"), two, 0)
    assert len({person_id(("a",), one, each) for each in range(9)}) == 9
    assert person_id((), one, 0) != person_id((), two, 0), "whoever cannot be known again is nobody's double"


def test_erasing_destroys_the_key_and_is_looked_after_until_swept() -> None:
    others = [uuid4(), uuid4()]
    gone = after(forget, KNOWN, others)
    assert (gone.key, gone.fingerprints, gone.along) == (None, [], sorted(others))
    assert (gone.erasing_due, gone.takes_new) == (START, False)
    assert after(forget, gone, [], hours=5) == gone, "once more changes nothing"
    done = after(sweep, gone)
    assert (done.erasing_due, done.along) == (None, [])
    assert after(sweep, KNOWN) == KNOWN, "who has a key is not swept away"


def test_somebody_else_who_goes_along_is_never_lost() -> None:
    late = uuid4()
    again = after(forget, after(sweep, after(forget, KNOWN, [])), [late], hours=5)
    assert (again.along, again.swept) == ([late], False)
    assert again.erasing_due is not None


def test_a_key_without_a_record_goes_later_and_takes_nothing_new_meanwhile() -> None:
    leaving = after(leave, KNOWN)
    assert (leaving.key, leaving.takes_new, leaving.erasing_due) == ("sealed", False, START)
    assert after(leave, leaving, hours=9) == leaving
    assert after(stay, leaving) == KNOWN
    assert after(forget, leaving, []).key is None


# records


def bared(record: Record, why: str = "requested") -> list[Any]:
    state, facts = erase(record.state, cause(Erasure.model_validate({"why": why})))
    assert state is not None
    record.state = state
    return facts


def test_an_erased_record_holds_no_text_and_keeps_every_figure() -> None:
    record = at_proposed(place="Mill Lane", product={"name": "Kettle", "order": "A-17"})
    before = entry(UUID(int=1), record.state, STAFF, START)
    kept = record.state.model_dump_json()
    assert bared(record) == [ContactErased(reason="requested")]
    assert bared(record) == [], "once"
    assert entry(UUID(int=1), record.state, STAFF, START) == before
    left = record.state.model_dump_json()
    for word in ("ann@example.com", "It leaks.", "Mill Lane", "A-17"):
        assert word in kept
        assert word not in left
    assert record.state.person == NOBODY
    assert not [each for each in record.state.actions if each.words]


def test_whoever_is_erased_is_not_asked_for_more() -> None:
    record = at_proposed()
    bared(record)
    record.through("offer", "agree", "implement", "audit", "answer")
    assert record.stage == "closed"
    assert record.state.personal == {}


def test_a_record_that_was_opened_again_has_more_time() -> None:
    record = at_dispatched().do("withdraw")
    assert record.state.closed_at is not None
    record.do("reopen")
    assert bared(record, "retention") == []
    assert record.state.personal


# who sees what


def about_li() -> Record:
    """Recorded by Wang, who does much of the rest, too; about Li."""
    wang = Actor("staff:wang", STAFF.roles)
    record = at_dispatched(recorder="Wang").revise(by=wang, respondents=["li"])
    record.state = record.state.model_copy(update={"caller": "staff:wang"})
    record.do("assign", by=wang, handler="staff:wang").do("accept", by=wang)
    record.do("investigate", by=wang)
    record.do("propose", by=wang, owner="Wang", cost={"value": "6000", "currency": "CNY"})
    return record.do("approve", by=OTHER)


@pytest.mark.parametrize("name", ["li", "staff:li"])
def test_the_respondent_sees_nothing_of_who_recorded_it(name: str) -> None:
    record, li = about_li(), Actor(name, STAFF.roles)
    texts = dict(record.state.personal)
    assert "wang" in str(view(record.state, texts, OTHER)).casefold()
    seen = view(record.state, texts, li)
    assert "wang" not in str(seen).casefold()
    assert [each["by"] for each in seen["approvals"]] == ["other"], "everybody else is there"
    assert "wang" not in entry(UUID(int=1), record.state, li, START).model_dump_json()
    with pytest.raises(Forbidden):
        record.do("offer", by=li)


def test_what_is_hidden_is_not_found_by_searching() -> None:
    record = at_dispatched("cn-bank-2020", channel="branch").revise(respondents=["li"])
    texts = {"complainant": '{"name":"Zelda"}', "statement": "It sings"}
    assert matches("zelda", record.state, texts, OTHER)
    assert not matches("zelda", record.state, texts, Actor("staff:li", STAFF.roles))
    assert matches("sings", record.state, texts, Actor("staff:li", STAFF.roles))


# keys


def test_what_was_sealed_opens_with_its_key_in_its_place_only() -> None:
    key, other = new_key(), new_key()
    sealed = seal_text("the kettle sings", key, "1/statement")
    assert unseal_text(sealed, key, "1/statement") == "the kettle sings"
    flipped = ("B" if sealed[0] == "A" else "A") + sealed[1:]
    wrong = [(sealed, other, "1/statement"), (sealed, key, "2/statement"), (flipped, key, "1/statement")]
    for text in ("", "A", "====", "no base64!", sealed[:-4], sealed + "é"):
        wrong.append((text, key, "1/statement"))
    for text, own, place in wrong:
        with pytest.raises(Unsealable) as told:
            unseal_text(text, own, place)
        assert "kettle" not in str(told.value)
        assert sealed not in str(told.value)
        assert told.value.__suppress_context__


def test_ways_are_known_again_however_they_are_written() -> None:
    def known(**ways: str) -> tuple[str, ...]:
        return fingerprints(Complainant.model_validate({"name": "Ōgon 魏"} | ways), b"k")

    assert known(phone="+44 7911 555-0199") == known(phone="07911 (555) 0199")
    assert known(email="Q.F@Example.com") == known(email="q.f@example.com")
    assert known(address="9, Heron  Lane") == known(address="9 HERON LANE")
    assert known(phone="138****0199") == ()
