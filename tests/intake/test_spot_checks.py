"""Spot checks: lots that favour nobody and can be drawn again, and findings by whoever had no part."""

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.ledger import Filters
from services.intake.domain.roles import Actor
from services.intake.domain.spot_checks import (
    Answer,
    Drawn,
    Finding,
    Lot,
    SpotCheck,
    answers,
    check_may_find,
    find,
    put,
    rate,
)
from services.intake.domain.steps import WriteNote
from shared.events import SpotCheckCompleted, SpotCheckDrawn
from shared.problems import Conflict, Forbidden, Invalid
from tests.kit.complaint import COMPLAINT, START
from tests.kit.intake import STAFF, actor, at_proposed, cause

SUPERVISOR = actor("sun", "supervisors")
IDS = [uuid5(COMPLAINT, str(number)) for number in range(40)]
SEEDS = range(2_000)
WORST_OF_A_THOUSAND = 72.05
"""The 99.9th percentile of chi-square with 39 degrees of freedom."""


def drawn(seed: str, ids: list[UUID], size: int) -> list[UUID]:
    lot = Lot(seed, size)
    lot.pass_by(ids)
    return lot.drawn


@given(st.text("0123456789abcdef", min_size=1), st.lists(st.uuids(), unique=True), st.integers(1, 50))
def test_a_draw_is_what_its_rule_says(seed: str, ids: list[UUID], size: int) -> None:
    by_rule = sorted(ids, key=lambda each: sha256(f"{seed}{each}".encode()).hexdigest())[:size]
    assert drawn(seed, ids, size) == by_rule


@given(st.lists(st.uuids(), unique=True, min_size=1), st.randoms(use_true_random=False), st.data())
def test_neither_order_nor_portions_change_a_draw(ids: list[UUID], chance: Any, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(ids)))
    other = chance.sample(ids, len(ids))
    lot = Lot("s", 5)
    lot.pass_by(other[:cut])
    lot.pass_by(other[cut:])
    assert lot.drawn == drawn("s", ids, 5)
    assert lot.population == len(ids)


def test_everybody_is_drawn_as_often() -> None:
    counts = dict.fromkeys(IDS, 0)
    for seed in SEEDS:
        for id in drawn(str(seed), IDS, 8):
            counts[id] += 1
    share = 8 / len(IDS)
    expected = len(SEEDS) * share  # without replacement, counts vary less by 1 - share
    chi_square = sum((count - expected) ** 2 for count in counts.values()) / (expected * (1 - share))
    assert sum(counts.values()) == 8 * len(SEEDS)
    assert chi_square < WORST_OF_A_THOUSAND


def test_a_digest_tells_one_population_from_another() -> None:
    digests = set()
    for ids in (IDS, IDS[:-1], IDS[1:]):
        lot = Lot("s", 5)
        lot.pass_by(ids)
        digests.add(lot.digest)
    assert len(digests) == 3


# findings


def check(count: int = 2) -> SpotCheck:
    return SpotCheck(
        digest="",
        filters=Filters(),
        size=count,
        seed="s",
        seed_given=False,
        reason="monthly",
        population=40,
        population_digest="",
        drawn=[Drawn(complaint=id, number=f"RC-{id}", departments=("quality",)) for id in IDS[:count]],
        by="sun",
        at=START,
    )


def finding(followed: Answer = "yes", by: str = "sun", **more: Any) -> Finding:
    plain: dict[str, Any] = {"result_as_agreed": "no", "satisfaction_reached": "not_applicable", "at": START}
    return Finding(process_followed=followed, by=by, **plain | more)


def test_a_draw_from_nothing_is_none() -> None:
    assert isinstance(put(None, cause(check()))[1][0], SpotCheckDrawn)
    with pytest.raises(Conflict, match="nothing to draw from"):
        put(None, cause(check(0)))


def test_it_is_complete_once_all_have_findings() -> None:
    first, told = find(check(), cause({IDS[0]: finding()}))
    assert (first.completed_at, told) == (None, [])
    last, told = find(first, cause({IDS[1]: finding("no")}))
    [event] = told
    assert isinstance(event, SpotCheckCompleted)
    assert (event.drawn, event.process_followed.yes, event.process_followed.no) == (2, 1, 1)
    assert last.completed_at == START


def test_the_same_again_changes_nothing_and_another_is_refused() -> None:
    done, _ = find(check(), cause({IDS[0]: finding()}))
    assert find(done, cause({IDS[0]: finding(at=START.replace(year=2027))})) == (done, [])
    for other in (finding("no"), finding(by="wu"), finding(remark="sealed")):
        with pytest.raises(Conflict, match="as it was recorded"):
            find(done, cause({IDS[0]: other}))


def test_findings_are_for_what_was_drawn() -> None:
    with pytest.raises(Invalid, match="drawn"):
        find(check(), cause({IDS[9]: finding()}))


def test_no_rate_where_nothing_applies() -> None:
    done, _ = find(check(), cause({IDS[0]: finding(), IDS[1]: finding("no")}))
    counted = answers(done)
    assert rate(counted["process_followed"]) == 0.5
    assert rate(counted["result_as_agreed"]) == 0
    assert rate(counted["satisfaction_reached"]) is None


@pytest.mark.parametrize("part", ["step", "handler", "respondent", "recorder", "staff name"])
def test_nobody_checks_what_they_had_a_part_in(part: str) -> None:
    record = at_proposed(recorder="Rita").do("assign").revise(respondents=["Wang"])
    name = {
        "step": STAFF.name, "handler": "Li", "respondent": "Wang", "recorder": "Rita",
        "staff name": "staff:Li",
    }[part]  # fmt: skip
    with pytest.raises(Forbidden, match="somebody else"):
        check_may_find(record.state, Actor(name, SUPERVISOR.roles))
    check_may_find(record.state, SUPERVISOR)


def test_a_note_is_no_part_in_the_handling() -> None:
    record = at_proposed().ask(WriteNote(text="Looks odd."), SUPERVISOR)
    check_may_find(record.state, SUPERVISOR)
