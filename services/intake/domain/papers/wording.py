"""What stands on a paper, in words: titles for names, dates where the house is, sums with their currency.

What people wrote stays as they wrote it, whatever the paper's language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.intake.domain import vocabulary
from services.intake.domain.papers.record import Kind
from services.intake.domain.receipt_words import day_of, written
from services.intake.domain.roles import STAFF
from shared.events import Language, Money
from shared.policy import FactRule, Pack, phrase, plain

Pair = tuple[str, str]
"""Words in zh-CN, en."""
ERASED: Pair = ("（个人信息已删除）", "(personal data erased)")
YES: Pair = ("是", "Yes")
NO: Pair = ("否", "No")
HOLDERS: Mapping[str, Pair] = {"desk": ("客服", "Service desk"), "customer": ("客户", "The customer")}
PURPOSES: Mapping[str, Pair] = {"evidence": ("证据", "Evidence"), "proof": ("执行凭证", "Proof of the work")}
SOLUTION: Mapping[str, tuple[str, str, Kind]] = {
    "measure": ("临时措施", "Interim measure", "text"),
    "permanent": ("永久措施", "Permanent measure", "text"),
    "department": ("责任部门", "Responsible department", "department"),
    "owner": ("责任人", "Person responsible", "person"),
    "due": ("完成期限", "Due", "instant"),
    "cost": ("费用", "Cost", "money"),
    "compensation": ("赔偿", "Compensation", "money"),
}
"""A proposal line by line, in its order."""


class Shown(BaseModel):
    """A value in words: lines, or a table with headings; neither where there is nothing yet."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def in_a_row(self) -> str:
        """The same in the cell of a list."""
        return "; ".join([*self.lines, *(" ".join(each for each in row if each) for row in self.rows)])


NOTHING = Shown()


@dataclass(frozen=True)
class Wording:
    """The words of one pack in one language, and times as they are in one zone."""

    pack: Pack
    language: Language
    zone: tzinfo

    def say(self, pair: Pair) -> str:
        return phrase(self.language, *pair)

    def shown(self, kind: Kind, value: Any, rule: FactRule | None = None) -> Shown:
        """A value of this kind; `rule` is that of the pack's own fact."""
        if value is None or value in ("", [], (), {}):
            return NOTHING
        match kind:
            case "solution":
                return self._solution(value)
            case "evidence":
                return self._evidence(value)
            case "approvals":
                return self._approvals(value)
            case "verification":
                return self._verification(value)
            case "communications":
                return self._communications(value)
        if isinstance(value, (list, tuple)):
            return self._many(kind, value, rule)
        return Shown(lines=(self.one(kind, value, rule),))

    def _many(self, kind: Kind, values: Iterable[Any], rule: FactRule | None) -> Shown:
        """Texts one below the other, all else in a row."""
        words = [self.one(kind, each, rule) for each in values]
        return Shown(lines=tuple(words) if kind == "texts" else (self.say(("、", ", ")).join(words),))

    def one(self, kind: Kind, value: Any, rule: FactRule | None = None) -> str:
        """A single value."""
        match kind:
            case "instant":
                return self.instant(value)
            case "money":
                return self._money(value)
            case "boolean":
                return self.say(YES if value in (True, "true") else NO)
            case "choice" | "choices" if rule is not None and value in rule.options:
                return rule.options[value][self.language]
            case "person" | "people":
                return str(value).removeprefix(STAFF)
            case "holder":
                return self._holder(*str(value).split(":", 1))
            case "integer" | "decimal":
                return plain(value)
            case "departments":
                return self.one("department", value)
            case "stage" | "outcome" | "channel" | "class" | "grade" | "department":
                return vocabulary.title(kind, str(value), self.pack, self.language)
            case "cause" | "demand_type" | "language":
                return vocabulary.title(kind, str(value), self.pack, self.language)
        return str(value)

    def instant(self, value: Any) -> str:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        en, zh = written(at.astimezone(self.zone))
        return self.say((zh, en))

    def day(self, at: datetime) -> str:
        en, zh = day_of(at.astimezone(self.zone))
        return self.say((zh, en))

    def _money(self, value: Any) -> str:
        """With its currency, which is the pack's where nobody named another."""
        if isinstance(value, Mapping):
            value = Money.model_validate(value)
        known = isinstance(value, Money)
        amount = value.value if known else Decimal(str(value))
        return f"{value.currency if known else self.pack.money.currency} {_to_the_cent(amount):,f}"

    def _holder(self, kind: str, name: str = "") -> str:
        if kind == "department":
            return self.one("department", name)
        if kind == "handler":
            return self.one("person", name) or self.say(("经办人", "Handler"))
        return self.say(HOLDERS[kind])

    def _solution(self, value: Mapping[str, Any]) -> Shown:
        rows = [
            (self.say((zh, en)), self.one(kind, value[name]))
            for name, (zh, en, kind) in SOLUTION.items()
            if value.get(name)
        ]
        return self._table((("事项", "Item"), ("内容", "Content")), rows)

    def _evidence(self, value: Iterable[Mapping[str, Any]]) -> Shown:
        rows = [
            (str(each["number"]), each.get("name") or "–", self.say(PURPOSES[each["purpose"]]),
             each["media_type"], self.instant(each["at"]))
            for each in value
        ]  # fmt: skip
        heads = (("编号", "No."), ("名称", "Name"), ("用途", "Purpose"), ("格式", "Format"), ("时间", "Time"))
        return self._table(heads, rows)

    def _approvals(self, value: Iterable[Mapping[str, Any]]) -> Shown:
        rows = [(self.role(each["role"]), self.name(each), self.instant(each["at"])) for each in value]
        return self._table((("角色", "Role"), ("姓名", "Name"), ("时间", "Time")), rows)

    def _verification(self, value: Mapping[str, Any]) -> Shown:
        result = self.say(("合格", "Passed") if value["passed"] else ("不合格", "Not passed"))
        row = (result, self.name(value), self.instant(value["at"]), value["remark"] or "–")
        heads = (("结论", "Result"), ("验证人", "By"), ("时间", "Time"), ("意见", "Remark"))
        return self._table(heads, [row])

    def _communications(self, value: Iterable[Mapping[str, Any]]) -> Shown:
        ways = {"in": ("来", "In"), "out": ("往", "Out")}
        rows = [
            (self.instant(each["at"]), self.say(ways[each["direction"]]), each.get("text") or "–")
            for each in value
            if each.get("direction")
        ]
        return self._table((("时间", "Time"), ("方向", "Direction"), ("内容", "Content")), rows)

    def _table(self, heads: Iterable[Pair], rows: Iterable[tuple[str, ...]]) -> Shown:
        found = tuple(rows)
        return Shown(headings=tuple(map(self.say, heads)), rows=found) if found else NOTHING

    def role(self, name: str) -> str:
        found = self.pack.roles.get(name)
        return found.title[self.language] if found else name.replace("_", " ")

    def name(self, entry: Mapping[str, Any]) -> str:
        """Who did it, and for whom; a dash where that is not for this reader."""
        by, instead = entry.get("by"), entry.get("instead_of")
        if not by:
            return "–"
        given = self.one("person", by)
        if not instead:
            return given
        return self.say(("{}（代{}）", "{} for {}")).format(given, self.one("person", instead))


def _to_the_cent(amount: Decimal) -> Decimal:
    """At least two places, and no idle ones beyond."""
    exact = Decimal(plain(amount))
    places = exact.as_tuple().exponent
    return exact.quantize(Decimal("0.01")) if isinstance(places, int) and places > -2 else exact
