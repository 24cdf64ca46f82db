"""What the customer is told on the way: the words of an offer and of a question, in no public event."""

import pytest

from services.intake.domain.person import Erasure, erase
from shared.events import ComplaintPaused, InformationRequested, OfferRecorded, SolutionOffered
from shared.problems import Forbidden, Invalid
from tests.kit.intake import STAFF, Record, actor, at_dispatched, at_proposed, cause

OFFER = "We send you a new pan, and pay the postage for the old one."
QUESTION = "Please send us a photo of the type plate."


def erased(record: Record) -> Record:
    record.state = record.decide(erase, record.state, cause(Erasure(why="requested")))
    return record


def test_an_offer_is_put_in_words_of_its_own_which_the_record_keeps_sealed() -> None:
    record = at_proposed().do("offer", text=OFFER)
    assert record.facts[-2:] == [
        SolutionOffered(cycle=1),
        OfferRecorded(cycle=1, number=1, text=OFFER),
    ]
    (name,) = record.state.actions[-1].words.values()
    assert record.state.personal[name] == OFFER


def test_without_them_it_is_put_as_the_measure_is_called_and_the_second_is_another() -> None:
    record = at_proposed().do("offer").do("negotiate")
    record.do("propose", measure="money back").do("offer")
    told = [fact for fact in record.facts if isinstance(fact, OfferRecorded)]
    assert [(each.number, each.text) for each in told] == [(1, "replace it"), (2, "money back")]


def test_a_question_goes_with_the_wait_for_the_customer() -> None:
    record = at_dispatched().do("pause", question=QUESTION)
    assert record.facts[-2:] == [
        ComplaintPaused(cycle=1, number=1, waits_for="customer"),
        InformationRequested(cycle=1, number=1, text=QUESTION),
    ]
    record.do("resume").do("pause", question="And of the lid?")
    assert record.facts[-1] == InformationRequested(cycle=1, number=2, text="And of the lid?")
    (name,) = record.state.actions[-1].words.values()
    assert record.state.personal[name] == "And of the lid?"


def test_whoever_waits_without_a_question_asks_nothing() -> None:
    assert at_dispatched().do("pause").said[-1] == "complaint.paused"


def test_only_the_customer_is_asked() -> None:
    record = at_dispatched()
    with pytest.raises(Invalid) as refusal:
        record.do("pause", waits_for="third_party", question=QUESTION)
    assert [each.pointer for each in refusal.value.errors] == ["#/question"]
    assert record.do("pause", waits_for="third_party").said[-1] == "complaint.paused"


def test_who_was_erased_is_told_nothing_more() -> None:
    offered = erased(at_proposed()).do("offer", text=OFFER)
    assert offered.said[-1] == "complaint.solution_offered"
    asked = erased(at_dispatched()).do("pause", question=QUESTION)
    assert asked.said[-1] == "complaint.paused"
    assert OFFER not in offered.state.personal.values()
    assert QUESTION not in asked.state.personal.values()


def test_under_an_emergency_plan_one_person_speaks() -> None:
    record = Record().graded("critical").dispatched().do("emergency")
    with pytest.raises(Forbidden):
        record.do("pause", STAFF, question=QUESTION)
    record.do("pause", actor("Zhao", "spokesperson", *STAFF.roles), question=QUESTION)
    assert record.said[-1] == "information.requested"
