"""Grading with the base pack: the gravest row wins, every matching row is kept."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.domain.classification import Reading, classify, read
from services.triage.domain.grading import grade
from shared.events import Channel, ComplaintRegistered, Money
from shared.policy import Condition, load
from tests.kit.complaint import registered

PACK = load("base", 1)
GRADES = list(PACK.grades)


def graded(text: str = "", cycle: int = 1, channel: Channel = "email", **given: Any) -> str:
    return grade(registered(channel, **given), read(text, PACK), cycle, PACK).grade


def money(value: str, currency: str = "CNY") -> Money:
    return Money(value=Decimal(value), currency=currency)


TABLE: list[tuple[str, dict[str, Any]]] = [
    ("minor", {}),
    ("minor", {"loss": money("199.99")}),
    ("ordinary", {"loss": money("200")}),
    ("ordinary", {"loss": money("4999.99")}),
    ("serious", {"loss": money("5000")}),
    ("serious", {"loss": money("49999.99")}),
    ("critical", {"loss": money("50000")}),
    ("serious", {"loss": money("1000", "USD")}),
    ("minor", {"loss": money("1000000", "XTS")}),
    ("ordinary", {"class_": "service", "demand": {"type": "apologise"}}),
    ("minor", {"class_": "usage", "demand": {"type": "explain"}}),
    ("serious", {"channel": "regulator"}),
    ("serious", {"channel": "consumer_association"}),
    ("critical", {"channel": "media"}),
    ("serious", {"facts": {"urgent": True}}),
    ("critical", {"facts": {"injured": 1}}),
    ("critical", {"facts": {"deaths": 1}}),
    ("critical", {"facts": {"fire": True}}),
    ("critical", {"facts": {"food_safety": True}}),
    ("minor", {"facts": {"affected_customers": 9}}),
    ("critical", {"facts": {"affected_customers": 10}}),
    ("critical", {"text": "My child was injured"}),
    ("critical", {"text": "电池冒烟，差点着火"}),
    ("serious", {"cycle": 2}),
    ("critical", {"facts": {"injured": 1}, "loss": money("10")}),
]


@pytest.mark.parametrize(("expected", "given"), TABLE, ids=range(len(TABLE)))
def test_the_table(expected: str, given: dict[str, Any]) -> None:
    assert graded(**given) == expected


def test_every_matching_row_is_kept_with_its_comparison() -> None:
    complaint = registered("regulator", loss=money("6000"), facts={"fire": True})
    decision = grade(complaint, Reading(), 1, PACK)
    assert decision.grade == "critical"
    assert {match.rule for match in decision.matches} == {
        "fire",
        "large sum",
        "authority or association",
        "noticeable sum",
    }
    assert {(m.fact, m.value, m.comparison) for m in decision.matches} >= {("loss", "6000", ">= 5000")}


amounts = st.decimals(min_value=0, max_value=10**6, places=2)


@given(amounts, amounts, st.booleans())
def test_a_higher_loss_never_lowers_the_grade(one: Decimal, other: Decimal, fire: bool) -> None:
    low, high = sorted((one, other))
    facts = {"fire": fire}
    lower, higher = (graded(loss=Money(value=value, currency="CNY"), facts=facts) for value in (low, high))
    assert GRADES.index(higher) <= GRADES.index(lower)


@given(st.permutations(PACK.grading), amounts, st.sampled_from(["email", "media", "regulator"]))
def test_the_order_of_rows_is_irrelevant(rows: list[Any], loss: Decimal, channel: Channel) -> None:
    shuffled = PACK.model_copy(update={"grading": tuple(rows)})
    complaint = registered(channel, loss=Money(value=loss, currency="CNY"))
    one, other = (grade(complaint, Reading(), 1, pack) for pack in (PACK, shuffled))
    assert one.grade == other.grade
    assert set(one.matches) == set(other.matches)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The kettle leaks and is broken", "product_quality"),
        ("用了一周就坏了，质量太差", "product_quality"),
        ("说明书看不懂，不知道怎么设置", "usage"),
        ("店员态度恶劣，让我等了两个小时", "service"),
        ("The chocolate was nice", "other"),
        ("", "other"),
    ],
)
def test_the_class_is_read_off_the_text(text: str, expected: str) -> None:
    assert classify(None, read(text, PACK), PACK) == (expected, True)


def test_a_class_that_was_given_stands() -> None:
    assert classify("usage", read("it is broken", PACK), PACK) == ("usage", False)


def test_the_reading_keeps_no_text() -> None:
    kept = read("Zhang San's kettle is broken", PACK).model_dump_json()
    assert "Zhang" not in kept
    assert "kettle" not in kept


def test_a_condition_takes_exactly_one_operator() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Condition.model_validate({"fact": "loss", "at_least": 1, "above": 1})
    assert not Condition.model_validate({"fact": "loss", "above": 5}).holds(5)
    assert Condition.model_validate({"fact": "loss", "at_least": 5}).holds(5)


def test_registration_is_aware_of_its_offset() -> None:
    assert registered().received_at == datetime(2026, 9, 18, 9, 59, tzinfo=UTC)
    assert isinstance(registered(), ComplaintRegistered)
