"""A customer's score comes once they were answered: what is graded by it moves no clock that has stopped."""

from itertools import permutations

import pytest

from shared.events import ComplaintAccepted, ComplaintClosed, ComplaintFedBack, Fact
from tests.kit.clocks import Case, dispatched, graded
from tests.kit.complaint import registered

NEWS: list[tuple[Fact, float]] = [
    (registered(pack="cn-dealer-abc"), 0),
    (graded("grievance_b"), 0),
    (dispatched("service_desk"), 0),
    (ComplaintAccepted(cycle=1, department="service_desk"), 5),
    (ComplaintFedBack(cycle=1), 100),
    (ComplaintClosed(cycle=1), 110),
]
WORSE = [(graded("grievance_a", 2), 111.0), (graded("complaint_a", 3), 112.0)]
"""A complaint A would have had to be accepted within two hours, and answered within three days."""


def clocks(case: Case) -> list[tuple[str, str, str]]:
    return [(each.name, each.status, each.due.isoformat()) for each in case.state.clocks]


def heard(news: list[tuple[Fact, float]]) -> Case:
    case = Case()
    for fact, hours in news:
        case.hears(fact, hours)
    case.passes(5_000)
    return case


def test_a_regrade_after_the_end_changes_no_clock_and_says_nothing() -> None:
    case = heard(NEWS)
    before, said = clocks(case), [*case.said]
    assert {name: status for name, status, _ in before} == {
        "accept": "met",
        "acknowledge": "missed",
        "resolve": "met",
    }
    for fact, hours in WORSE:
        assert case.hears(fact, hours) == []
    assert case.passes(6_000) == []
    assert (clocks(case), case.said) == (before, said)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_nor_does_one_that_is_heard_of_before_the_end(order: tuple[int, ...]) -> None:
    last = [NEWS[4], NEWS[5], WORSE[1]]
    case = heard([*NEWS[:4], *(last[each] for each in order)])
    assert clocks(case) == clocks(heard(NEWS))
    assert "missed accept" not in case.said
    assert "missed resolve" not in case.said
