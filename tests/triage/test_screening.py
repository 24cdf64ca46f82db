"""Screening: a complaint is graded at once, and sent once it was found to be ours, where a pack asks that."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain import grading
from services.triage.domain.rehearsal import running
from shared.documents import Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintReopened,
    ComplaintScreened,
    Fact,
    StatementRecorded,
)
from shared.policy import draft_of, in_box, load
from tests.kit.complaint import COMPLAINT, START, decide, events, plain, registered, said
from tests.kit.triage import House

PACK = "cn-samr"
OURS = ComplaintScreened(cycle=1, decision="in_scope")


def routed(facts: list[Fact]) -> list[int]:
    return [each.cycle for each in facts if isinstance(each, ComplaintDispatched)]


def test_it_is_graded_at_once_and_sent_when_it_was_found_to_be_ours() -> None:
    house = House(PACK)
    id = house.complain()
    assert [type(fact) for _, fact in house.said] == [ComplaintGraded]
    assert routed(house.change(id, grading.hear, OURS)) == [1]
    assert house.change(id, grading.hear, OURS) == [], "twice found is found"


@pytest.mark.parametrize("decision", ["refused", "transferred", "referred"])
def test_what_is_not_ours_goes_nowhere_until_somebody_finds_otherwise(decision: Any) -> None:
    house = House(PACK)
    id = house.complain()
    assert house.change(id, grading.hear, ComplaintScreened(cycle=1, decision=decision)) == []
    house.change(id, grading.hear, ComplaintReopened(cycle=2))
    assert house.gradings[id].routes == {}
    found = house.change(id, grading.hear, ComplaintScreened(cycle=2, decision="in_scope"))
    assert routed(found) == [2], "the round before stays as it ended"


def test_what_was_ours_once_is_ours_in_every_round() -> None:
    house = House(PACK)
    id = house.complain()
    house.change(id, grading.hear, OURS)
    assert routed(house.change(id, grading.hear, ComplaintReopened(cycle=2))) == [2]


def test_a_regulation_without_a_screening_waits_for_nobody() -> None:
    house = House()
    id = house.complain()
    assert [*house.gradings[id].routes] == [1]
    assert house.change(id, grading.hear, ComplaintScreened(cycle=1, decision="refused")) == []


def test_the_regulations_that_screen_and_those_where_a_person_closes() -> None:
    whole = {
        pack: found for pack, version in in_box()
        if not (found := draft_of(pack, version).content).get("abstract")
    }  # fmt: skip
    assert {pack for pack, found in whole.items() if "screen" not in found["without"]} == {
        "cn-samr", "cn-petition", "cn-retail-4level", "cn-after-sales-24h",
    }  # fmt: skip
    assert {pack for pack, found in whole.items() if "close" not in found["without"]} == {
        "cn-retail-4level", "cn-kpi-95", "cn-vehicle-1wd", "iso13485-feedback", "cn-cleaning-1h",
    }  # fmt: skip


def test_what_runs_from_the_dispatch_waits_for_it_in_a_rehearsal() -> None:
    house, later = House(PACK), START + timedelta(hours=5)
    id = house.complain()

    def clocks() -> dict[str, datetime]:
        return dict(running(house.gradings[id], load(PACK, 1)))

    assert "accept" not in clocks()
    house.change(id, grading.hear, OURS, later)
    assert clocks()["accept"] == later


NEWS = events(
    [
        registered(pack=PACK),
        StatementRecorded(pack=PACK, pack_version=1, text="The kettle is broken."),
        OURS,
        ComplaintReopened(cycle=2),
        ComplaintScreened(cycle=2, decision="refused"),
        ComplaintReopened(cycle=3),
    ]
)


def after(order: list[Cause[Fact]]) -> tuple[Any, list[str]]:
    draft: Draft[Any] = Draft(COMPLAINT)
    for event in order:
        decide(draft, grading.hear, event, "triage")
    return plain(draft.state), said(draft)


@settings(deadline=None)
@given(st.lists(st.sampled_from(NEWS), max_size=6).flatmap(lambda more: st.permutations(NEWS + more)))
def test_the_order_of_news_does_not_matter(order: list[Cause[Fact]]) -> None:
    found = after(order)
    assert found == after(NEWS)
    assert sorted(found[0]["routes"]) == ["1", "2", "3"]


def test_news_of_an_unknown_complaint_is_kept() -> None:
    house, id = House(PACK), uuid4()
    assert house.change(id, grading.hear, OURS) == []
    assert house.gradings[id].in_scope == 1
