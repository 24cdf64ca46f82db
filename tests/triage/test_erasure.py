"""Erasure: what points to a customer goes, what was counted and judged stays, whatever the order of news."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain import grading
from shared.events import ContactErased, Fact, FactsRevised, SolutionAudited, StatementRecorded
from tests.kit.complaint import START, registered
from tests.kit.triage import House, money

PACKS = ["base", "cn-ecommerce-upgrade", "cn-packaging-abcd", "cn-dealer-abc"]
ERASED = ContactErased(reason="requested")
PRINTS = ("phone-7f3a", "mail-7f3a")
FORGOTTEN = {"erased", "fingerprints", "remembered"}


def crowd(pack: str) -> tuple[House, list[UUID]]:
    """Five complaints of one customer, a few hours apart, on several channels."""
    house = House(pack)
    given: list[dict[str, Any]] = [
        {"channel": channel, "loss": money("2000"), "verified": True, "department": "printing"}
        for channel in ("hotline", "email", "website", "hotline", "email")
    ]
    ids = [
        house.complain(START + timedelta(hours=number), prints=PRINTS[number % 2 :], **each)
        for number, each in enumerate(given)
    ]
    house.change(ids[1], grading.hear, SolutionAudited(cycle=1, passed=True))
    return house, ids


def judged(house: House) -> tuple[Any, Any, int]:
    """All that was judged and counted, and how much was said."""
    states = {id: state.model_dump(exclude=FORGOTTEN) for id, state in house.gradings.items()}
    series = {id: saved.state for id, saved in house.series.documents.items()}
    return states, series, len(house.said)


@pytest.mark.parametrize("pack", PACKS)
def test_nothing_is_judged_anew_and_no_count_changes(pack: str) -> None:
    house, ids = crowd(pack)
    before = judged(house)
    for id in (ids[3], ids[0], ids[4], ids[1]):
        house.change(id, grading.hear, ERASED)
    assert judged(house) == before
    assert {house.gradings[id].fingerprints for id in ids} == {(), PRINTS}
    assert "7f3a" not in house.gradings[ids[0]].model_dump_json()


@pytest.mark.parametrize("pack", PACKS)
def test_what_comes_later_is_counted_as_if_nobody_were_erased(pack: str) -> None:
    (house, ids), (other, others) = crowd(pack), crowd(pack)
    for id in ids[:4]:
        house.change(id, grading.hear, ERASED)
    found = []
    for where, whose in ((house, ids), (other, others)):
        where.revise(whose[0], loss=money("9000"), verified=True, department="printing")
        late = where.complain(START + timedelta(hours=9), prints=PRINTS[:1], loss=money("2000"))
        numbers = {id: number for number, id in enumerate([*whose, late])}
        graded = [where.judged(id) for id in numbers]
        links = [[numbers[each] for each in where.gradings[id].linked] for id in numbers]
        found.append((graded, links, [fact.type for _, fact in where.said]))
    assert found[0] == found[1]


NEWS: list[Fact] = [
    registered(channel="website", loss=money("10")),
    StatementRecorded(pack="base", pack_version=1, text="-", fingerprints=PRINTS),
    FactsRevised(revision=1, loss=money("6000"), verified=True),
    SolutionAudited(cycle=1, passed=True),
    ERASED,
]


def told(order: list[Fact]) -> tuple[Any, Any, Any]:
    """How a complaint ends whose customer complained before."""
    house, id = House(), uuid4()
    first = house.complain(START - timedelta(hours=1), prints=PRINTS[1:])
    for fact in order:
        house.change(id, grading.hear, fact)
    state = house.gradings[id]
    assert not state.unsettled
    graded = house.judged(id).model_copy(update={"revision": 0, "reason": "facts"})
    return graded, state.linked == [first], (state.erased, state.fingerprints, len(state.joined))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(NEWS), max_size=4).flatmap(lambda more: st.permutations(NEWS + more)))
def test_the_erasure_wins_whatever_the_order_of_news(order: list[Fact]) -> None:
    found = told(order)
    assert found == told(NEWS)
    assert found[0].repeats == 2
    assert found[2] == (True, (), 2), "one series for each way to reach the customer"


def test_peoples_words_go_and_what_they_decided_stays() -> None:
    house = House()
    id = house.complain(loss=money("10"))
    house.decide(id, "grade", "severity", "serious")
    assert house.change(id, grading.hear, ERASED) == []
    state = house.gradings[id]
    kept = [*state.decided, *(each.decided for each in state.records if each.decided)]
    assert {(each.why, each.by, each.choice) for each in kept} == {("", "Li", "serious")}
    assert house.decide(id, "grade", "severity", "serious") == [], "the same again"
    assert len(house.gradings[id].decided) == 1
    house.decide(id, "grade", "severity", "ordinary")
    assert {each.why for each in house.gradings[id].decided} == {""}
    assert house.judged(id).reason == "decision"
    house.revise(id, facts={"deaths": 1})
    assert (house.judged(id).grade, house.judged(id).reason) == ("critical", "facts")


def test_another_matter_leaves_the_series_of_the_first_and_joins_none_of_that_customer() -> None:
    house = House()
    first = house.complain(prints=PRINTS, class_="service")
    second = house.complain(START + timedelta(hours=1), prints=PRINTS, class_="service")
    house.change(first, grading.hear, ERASED)
    house.revise(first, class_="usage")
    assert house.judged(second).repeats == 1
    house.revise(first, revision=2, class_="service")
    assert house.judged(second).repeats == 2, "taken back, it counts again"
