"""Laws that hold for all complaints: more harm never makes one lighter, and money meets no float."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Channel
from shared.policy import Counter, Entry, FactRule, Pack, Run, build, draft_of, facts_from, verdicts
from shared.policy.reading import trials

ROUNDINGS = ["floor", "ceil", "proportional"]
CLASSES = ["a", "b", "c"]
GRADED = [
    "cn-packaging-abcd",
    "base",
    "cn-retail-4level",
    "cn-quality-deduction",
    "cn-dealer-abc",
    "cn-ecommerce-upgrade",
]
GRADES = ["serious", "ordinary", "minor"]

cents = st.integers(0, 6_000_000).map(lambda cents: Decimal(cents) / 100)
pieces = st.integers(0, 1200) | st.integers(0, 400_000)
batches = st.none() | st.integers(0, 2000) | st.integers(0, 200_000_000)


@cache
def pack(name: str, **bind: Any) -> Pack:
    draft = draft_of(name, 1)
    return build(draft, name, trials(draft) | bind)


def gravity(name: str, facts: dict[str, Any]) -> int:
    """The place of the grade among its scheme's: 0 is the gravest."""
    used = pack(name)
    scheme = next(iter(used.schemes))
    return list(used.schemes[scheme].grades).index(verdicts(used, facts_from(used, facts), {})[scheme].grade)


def points(rounding: str, facts: dict[str, Any]) -> Decimal:
    found = facts_from(pack("cn-quality-deduction", unit_rounding=rounding), facts)["points"]
    assert isinstance(found, Decimal)
    return found


@pytest.mark.parametrize("name", ["cn-packaging-abcd", "base", "cn-retail-4level"])
@given(
    losses=st.tuples(cents, cents),
    others=st.fixed_dictionaries({}, optional={"demand": cents, "cycle": st.integers(1, 3)}),
)
def test_a_higher_loss_never_lowers_a_grade(
    name: str, losses: tuple[Decimal, Decimal], others: dict[str, Any]
) -> None:
    low, high = sorted(losses)
    assert gravity(name, others | {"loss": high}) <= gravity(name, others | {"loss": low})
    assert gravity(name, others | {"loss": low}) <= gravity(name, others)


@given(cents=st.integers(0, 600_000))
def test_packaging_grades_losses_to_the_cent(cents: int) -> None:
    said = 0 + (cents < 500_000) + (cents < 100_000) + 1
    for loss in (
        f"{cents // 100}.{cents % 100:02}",
        cents / 100,
        {"value": f"{cents / 100:.2f}", "currency": "CNY"},
    ):
        assert gravity("cn-packaging-abcd", {"loss": loss}) == said


@given(number=st.decimals(0, 10**9, places=4), name=st.sampled_from(["loss", "cost", "points", "rate_a"]))
def test_numbers_of_a_json_text_become_decimals(number: Decimal, name: str) -> None:
    told = json.loads(json.dumps({name: float(number)}))
    facts = facts_from(pack("cn-quality-deduction"), told | {"faulty_b": 7, "batch_size": 3})
    assert facts[name] == number
    assert not any(isinstance(value, float) for value in facts.values())


@st.composite
def complaints(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Facts that the pack's rules ask for, known or not."""
    rules = pack(name).fact_rules.items()
    known = {key: values(rule) for key, rule in rules if rule.type not in ("text", "instant")}
    known |= {key: st.integers(1, 4) for key in pack(name).counters}
    known |= {"channel": st.sampled_from(get_args(Channel)), "tier": st.sampled_from(["key", "ordinary"])}
    return draw(st.fixed_dictionaries({}, optional=known))


def values(rule: FactRule) -> st.SearchStrategy[Any]:
    match rule.type:
        case "choices":
            return st.lists(st.sampled_from(list(rule.options)))
        case "choice":
            return st.sampled_from(list(rule.options))
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(0, 1200)
        case "decimal":
            return st.integers(-100, 1100).map(lambda hundredths: Decimal(hundredths) / 100)
    return cents


@pytest.mark.parametrize("name", GRADED)
@given(data=st.data())
def test_the_order_of_rows_is_irrelevant(name: str, data: st.DataObject) -> None:
    used = pack(name)
    facts = facts_from(used, data.draw(complaints(name)))
    key, scheme = next(iter(used.schemes.items()))
    mixed = scheme.model_copy(update={"rows": tuple(data.draw(st.permutations(scheme.rows)))})
    one = verdicts(used, facts, {})[key]
    two = verdicts(used.model_copy(update={"schemes": {key: mixed}}), facts, {})[key]
    assert (one.grade, set(one.pending), one.provisional) == (two.grade, set(two.pending), two.provisional)
    assert {each.row.rule for each in one.matched} == {each.row.rule for each in two.matched}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("kind", CLASSES)
@given(faulty=st.lists(pieces, min_size=2), batch=batches)
def test_more_faulty_pieces_of_a_batch_never_take_points_off(
    kind: str, rounding: str, faulty: list[int], batch: int | None
) -> None:
    """The regulation's own law: no band begins below the end of the last, a failed batch lies above all."""
    found = [points(rounding, {f"faulty_{kind}": each, "batch_size": batch}) for each in sorted(faulty)]
    assert all(fewer <= more for fewer, more in pairwise(found))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("kind", CLASSES)
@given(faulty=pieces, batch_sizes=st.tuples(st.integers(1, 200_000_000), st.integers(1, 200_000_000)))
def test_a_larger_batch_and_an_unknown_one_never_add_points(
    kind: str, rounding: str, faulty: int, batch_sizes: tuple[int, int]
) -> None:
    """The rate alone sees the batch: to learn its size can only add points, the smaller the more."""
    small, large = (
        points(rounding, {f"faulty_{kind}": faulty, "batch_size": size}) for size in sorted(batch_sizes)
    )
    assert small >= large >= points(rounding, {f"faulty_{kind}": faulty})


@given(
    facts=st.fixed_dictionaries({"faulty_a": pieces}, optional={"faulty_c": pieces, "batch_size": batches})
)
def test_roundings_stand_in_order(facts: dict[str, Any]) -> None:
    floor, ceil, proportional = (points(rounding, facts) for rounding in ROUNDINGS)
    assert floor <= proportional <= ceil


@given(a=pieces, b=pieces, c=pieces)
def test_the_sum_of_classes_is_never_less_than_the_worst(a: int, b: int, c: int) -> None:
    given_ = {"faulty_a": a, "faulty_b": b, "faulty_c": c}
    total = facts_from(pack("cn-quality-deduction"), given_)["points"]
    worst = facts_from(pack("cn-quality-deduction", several_classes="worst"), given_)["points"]
    assert isinstance(total, Decimal)
    assert isinstance(worst, Decimal)
    assert total >= worst


@pytest.mark.parametrize("counts_on", ["base", "effective"])
@pytest.mark.parametrize("broken_by", ["other_grade", "lighter_grade"])
@given(bases=st.lists(st.sampled_from(GRADES), max_size=30), after=st.integers(1, 4))
def test_runs_never_make_lighter(counts_on: Any, broken_by: Any, bases: list[str], after: int) -> None:
    becomes = {"minor": "ordinary", "ordinary": "serious"}
    run = Run(same=("product",), after=after, becomes=becomes, counts_on=counts_on, broken_by=broken_by)
    found = run.effective(bases, GRADES)
    assert all(GRADES.index(ours) <= GRADES.index(base) for ours, base in zip(found, bases, strict=True))
    assert found[:after] == bases[:after]
    assert all(
        found[: len(part)] == run.effective(part, GRADES)
        for part in (bases[:number] for number in range(len(bases)))
    )


START = datetime(2026, 3, 2, 1, tzinfo=UTC)
entries = st.lists(st.integers(0, 600_000), min_size=1, max_size=12).map(
    lambda offsets: [
        Entry(complaint=UUID(int=number), at=START + timedelta(seconds=each))
        for number, each in enumerate(offsets)
    ]
)


@pytest.mark.parametrize("retroactive", [False, True])
@given(known=entries, data=st.data())
def test_a_window_counts_some_of_the_series_in_any_order(
    retroactive: bool, known: list[Entry], data: st.DataObject
) -> None:
    title = {"zh-CN": "次数", "en": "Times"}
    counter = Counter.model_validate(
        {"title": title, "same": ["customer"], "counts": "window", "hours": 48, "retroactive": retroactive}
    )
    mine, *others = data.draw(st.permutations(known))
    found = counter.count(mine, others)
    assert 1 <= found <= len(known)
    assert found == counter.count(mine, data.draw(st.permutations(others)))
    wider = counter.model_copy(update={"hours": Decimal(49)})
    assert wider.count(mine, others) >= found
