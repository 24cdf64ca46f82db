"""Facts: what rules may ask about a complaint, and how a given value is read."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import model_validator

from shared.events import Money, Particulars, within_reach
from shared.policy.conditions import FactValue, Section
from shared.policy.words import Option, Titles, everywhere
from shared.problems import Fault, Invalid

Kind = Literal["integer", "decimal", "money", "boolean", "text", "choice", "choices", "instant"]


class FactRule(Section):
    """A fact that a pack asks for besides the universal ones.

    A private one never leaves the record, so nothing but required fields and steps can ask for it. A text is
    private unless the pack says `private: false`: it may hold what a customer wrote.
    """

    title: Titles
    type: Kind
    options: dict[Option, Titles] = {}
    private: bool | None = None

    @property
    def stays(self) -> bool:
        """Whether it never leaves the record."""
        return self.type == "text" if self.private is None else self.private

    @model_validator(mode="after")
    def _options(self) -> "FactRule":
        if (self.type in ("choice", "choices")) != bool(self.options):
            raise ValueError("a choice has options, no other type has")
        return self

    def option(self, given: str) -> str:
        """The option of this name, or of this title in any language. Raises KeyError."""
        titled = {title: name for name, titles in self.options.items() for title in titles.values()}
        return given if given in self.options else titled[given]


class Rates(Section):
    """The currency in which rules name sums, and what one unit of another is worth in it."""

    currency: str
    rates: dict[Option, Decimal] = {}

    def worth(self, money: Money | None) -> Decimal | None:
        """The amount in the pack's currency; None if there is none, or no rate for it."""
        if money is None:
            return None
        rate = Decimal(1) if money.currency == self.currency else self.rates.get(money.currency)
        return None if rate is None else money.value * rate


def _fact(type: Kind, zh: str, en: str) -> FactRule:
    return FactRule(type=type, title=everywhere(zh, en))


UNIVERSAL: dict[str, FactRule] = {
    "channel": _fact("text", "来源渠道", "Channel"),
    "language": _fact("text", "语言", "Language"),
    "class": _fact("text", "类别", "Class"),
    "cycle": _fact("integer", "处理轮次", "Round"),
    "tier": _fact("text", "客户等级", "Customer's tier"),
    "product": _fact("text", "产品", "Product"),
    "model": _fact("text", "型号", "Model"),
    "batch": _fact("text", "批次", "Batch"),
    "loss": _fact("money", "损失额", "Loss"),
    "demand": _fact("money", "诉求金额", "Sum demanded"),
    "demand_type": _fact("text", "诉求", "Demand"),
    "injured": _fact("integer", "受伤人数", "People injured"),
    "deaths": _fact("integer", "死亡人数", "Deaths"),
    "fire": _fact("boolean", "起火", "Fire"),
    "food_safety": _fact("boolean", "食品安全", "Food safety"),
    "urgent": _fact("boolean", "紧急", "Urgent"),
    "affected_customers": _fact("integer", "受影响客户数", "Customers affected"),
    "verified": _fact("boolean", "已核实", "Verified"),
    "cause": _fact("text", "原因", "Cause"),
    "solution_cost": _fact("money", "方案费用", "Cost of the solution"),
    "department": _fact("text", "责任部门", "Responsible department"),
    "grade": _fact("text", "定级", "Grade"),
    "customer_deadline": _fact("instant", "客户指定期限", "Customer's deadline"),
}
"""The facts that every complaint may have; `grade` (of the first scheme) only once it is graded."""


def read_fact(name: str, rule: FactRule, given: Any, money: Rates, place: str = "#/") -> FactValue:
    """One value as rules compare it; money in the pack's currency, None where there is no rate for it.

    Raises Invalid, naming the fact below `place` and the form it must have.
    """
    try:
        return _read(rule, given, money)
    except (ValueError, TypeError, KeyError, ArithmeticError):
        known = f" of {', '.join(rule.options)}" if rule.options else ""
        fault = Fault(detail=f"give {FORMS[rule.type]}{known}", pointer=f"{place}{name}")
        raise Invalid(f"The fact {name} has not the form of its type", [fault]) from None


FORMS: dict[Kind, str] = {
    "integer": "a whole number",
    "decimal": "a number",
    "money": "a number in the pack's currency, or {value, currency}",
    "boolean": "true or false",
    "text": "a text of at most 200 characters",
    "choice": "one",
    "choices": "a list",
    "instant": "an instant between 1990 and 2200, as ISO 8601 with offset",
}


def _read(rule: FactRule, given: Any, money: Rates) -> FactValue:
    if given is None:
        return None
    match rule.type:
        case "integer" if not isinstance(given, bool) and _finite(given) % 1 == 0:
            return int(_finite(given))
        case "decimal" if not isinstance(given, bool):
            return _finite(given)
        case "money" if isinstance(given, Mapping | Money):
            return money.worth(Money.model_validate(given))
        case "money" if not isinstance(given, bool):
            return _finite(given)
        case "boolean" if isinstance(given, bool):
            return given
        case "text" if isinstance(given, str) and len(given) <= 200:
            return given
        case "choice":
            return rule.option(given)
        case "choices":
            chosen = [given] if isinstance(given, str) else given
            return tuple(sorted({rule.option(each) for each in chosen}))
        case "instant":
            instant = given if isinstance(given, datetime) else datetime.fromisoformat(given)
            if instant.tzinfo is not None:
                return within_reach(instant)
    raise ValueError(rule.type)


LARGEST = Decimal(10) ** 18


def _finite(given: Any) -> Decimal:
    value = Decimal(str(given))
    if not value.is_finite() or abs(value) >= LARGEST or value.as_tuple().exponent < -9:  # type: ignore[operator]
        raise ValueError(given)
    return value


def stated(given: Particulars, own: Mapping[str, FactRule], money: Rates) -> dict[str, FactValue]:
    """What a complaint says of the matter, as facts; a detail that the pack does not know is left out."""
    demand, product = given.demand, given.product
    known: dict[str, FactValue] = {
        "class": given.class_,
        "tier": given.tier,
        "department": given.department,
        "product": product.name,
        "model": product.model,
        "batch": product.batch,
        "loss": money.worth(given.loss),
        "demand": money.worth(demand.amount) if demand else None,
        "demand_type": demand.type if demand else None,
        "customer_deadline": given.customer_deadline,
        "verified": given.verified,
        **given.facts.model_dump(),
    }
    details = {name: value for name, value in given.details.items() if name in own}
    known |= {name: read_fact(name, own[name], value, money) for name, value in details.items()}
    return {name: value for name, value in known.items() if value is not None}
