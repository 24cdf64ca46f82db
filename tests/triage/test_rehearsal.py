"""A changed pack played over the record: the same as grading each anew, and nothing moves by itself."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain import outcome, progress
from services.triage.domain.case import Case
from services.triage.domain.rehearsal import Rehearsal, results
from shared.events import ComplaintAccepted, ComplaintFedBack
from shared.policy import activate, draft_from, load
from tests.kit.triage import House, money

CHANGED = """
pack: base
version: 2
extends: base/1
schemes:
  severity:
    title: {zh-CN: 严重程度, en: Severity}
    grades:
      critical: {title: {zh-CN: 重大, en: Critical}}
      serious: {title: {zh-CN: 严重, en: Serious}}
      ordinary: {title: {zh-CN: 一般, en: Ordinary}}
      minor: {title: {zh-CN: 轻微, en: Minor}}
    rows: [{rule: a sum, grade: serious, when: {loss: {at_least: 500}}}]
    otherwise: minor
vectors: [{name: a sum, facts: {loss: 500}, expect: {grade: serious}}]
"""
PACK = activate(draft_from(CHANGED, "changed"), "changed")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9_000), st.booleans()), min_size=1, max_size=8))
def test_a_rehearsal_says_what_grading_each_anew_says(complaints: list[tuple[int, bool]]) -> None:
    house, rehearsal = House(), Rehearsal(PACK)
    for loss, urgent in complaints:
        house.complain(loss=money(str(loss)), facts={"urgent": urgent})
    changed = 0
    for id, state in house.gradings.items():
        rehearsal.play(id, state)
        anew = outcome.graded(Case.of(state, 1, PACK))
        changed += results(anew) != results(house.judged(id))
    assert (rehearsal.told.gradings, rehearsal.told.changed) == (len(complaints), changed)
    assert sum(each.complaints for each in rehearsal.told.changes) >= changed


def moved(house: House, pack: Any) -> tuple[int, int]:
    rehearsal = Rehearsal(pack)
    for id, state in house.gradings.items():
        rehearsal.play(id, state)
    return rehearsal.told.deadlines_open, rehearsal.told.deadlines_moved


def test_the_same_pack_moves_no_deadline_and_a_changed_one_those_of_other_grades() -> None:
    house = House()
    house.complain(loss=money("10"))
    other = house.complain(loss=money("600"))
    assert moved(house, load("base", 1)) == (6, 0)
    assert moved(house, PACK) == (6, 3), "three clocks of the one that becomes serious"
    house.change(other, progress.reach, ComplaintAccepted(cycle=1, department="service_desk"))
    assert moved(house, PACK) == (5, 2)
    house.change(other, progress.reach, ComplaintFedBack(cycle=1))
    assert moved(house, PACK) == (4, 1)


def test_complaints_in_series_that_the_changed_pack_forms_anew_are_named() -> None:
    house = House()
    house.complain(prints=("p",), class_="service")
    text = (
        CHANGED
        + """
counters:
  repeats: {title: {zh-CN: 次数, en: Times}, same: [customer], counts: all}
"""
    )
    rehearsal = Rehearsal(activate(draft_from(text, "changed"), "changed"))
    for id, state in house.gradings.items():
        rehearsal.play(id, state)
    assert rehearsal.told.alone == 1
