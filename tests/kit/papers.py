"""A complaint that has come its whole way, with everything in it that a paper may show, under any pack."""

from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any

from pydantic_core import to_json

from services.intake.domain.complaint import Action, Approved, Complaint, Solution
from services.intake.domain.handling import AddEvidence
from services.intake.domain.stages import Stage
from shared.events import ComplaintDispatched, ComplaintGraded, Money
from shared.policy import Draft, FactRule, Pack, build, draft_of, in_use
from shared.policy import shelf as shelves
from shared.policy.reading import trials
from tests.kit.complaint import START
from tests.kit.intake import Record, evidence

PACKS = sorted({pack for pack, _, _ in in_use()})
HOSTILE = '<script>alert("x")</script> {{ 7 * 7 }} </td></table> {% raw %} \u202e & \' "'
SAID: dict[str, Any] = {
    "channel": "hotline",
    "place": "上海市南京东路旗舰店",
    "complainant": {
        "name": "王秀兰", "email": "wang@example.com", "phone": "+86 138 0000 0001",
        "address": "上海市黄浦区示范路 8 号",
    },
    "description": "电水壶底座漏水。\n第二次维修后仍然漏水，要求退货退款。",
    "product": {"name": "塔恩维电水壶", "model": "TW-18", "batch": "B20260901", "order": "ORD-88123"},
    "demand": {"type": "refund", "amount": {"value": "1299.5", "currency": "CNY"}},
    "loss": {"value": "86.4", "currency": "USD"},
}  # fmt: skip
WROTE = {
    "evidence name": "底座照片.jpg", "findings": "拆检发现密封圈老化。",
    "report": "已更换整机并上门收回旧机。",
    "audit": "结果与方案一致。", "reply": "经核实，问题属实，我们已为您退货退款。",
    "summary": "密封圈批次问题，已换料。",
}  # fmt: skip


@cache
def drafted(pack: str) -> Draft:
    return draft_of(pack, 1)


@cache
def pack_for(pack: str) -> Pack:
    """The pack; one with unbound parameters with the values that its vectors run with."""
    return build(drafted(pack), pack, trials(drafted(pack)))


def shelved(pack: str) -> None:
    """Put it on the shelf as it is used here."""
    shelves._published[pack, 1] = drafted(pack), pack_for(pack)


def whole(pack: Pack, said: Mapping[str, Any] = SAID) -> Complaint:
    """The record, closed and archived; its texts are not sealed."""
    department, role = next(iter(pack.departments)), next(iter(pack.roles))
    class_, grade = next(iter(pack.classes)), next(iter(pack.scheme.grades))
    private = {name: _example(rule) for name, rule in pack.facts.items() if rule.stays}
    shown = evidence(words={"name": "evidence name"})
    state = Record("base", **dict(said)).ask(AddEvidence(shown, {"name": WROTE["evidence name"]})).state
    texts = WROTE | {f"details/{name}": to_json(value).decode() for name, value in private.items()}
    return state.model_copy(
        update={
            "pack": pack.pack,
            "pack_version": 1,
            "stage": Stage.ARCHIVED,
            "personal": state.personal | texts,
            "withheld": [*private],
            "details": {name: _example(rule) for name, rule in pack.facts.items() if not rule.stays},
            "acknowledged_at": START,
            "graded": {1: ComplaintGraded(cycle=1, class_=class_, suggested=False, grade=grade, matches=())},
            "dispatched": {1: ComplaintDispatched(cycle=1, lead=department, departments=(department,))},
            "recorder": "staff:chen",
            "handler": "staff:li",
            "root_cause": "material",
            "solution": Solution(
                measure="更换整机", permanent="密封圈换料", department=department,
                owner="staff:li", due=START,
                cost=Money(value="1500", currency="CNY"), compensation=Money(value="100", currency="CNY"),
            ),
            "approvals": [Approved(role=role, by="staff:zhao", instead_of="staff:sun", at=START)],
            "actions": ACTIONS,
            "agreed": True,
            "passed": True,
            "reply": "reply",
            "summary": "summary",
            "scores": {1: 9},
            "fed_back_at": START,
            "closed_at": START,
        }
    )  # fmt: skip


def _did(step: str, field: str, when: str = "", name: str = "") -> Any:
    return Action(at=START, by="staff:li", what=step, when=when, cycle=1, words={field: name or field})


def _example(rule: FactRule) -> Any:
    """What somebody may have given."""
    first = next(iter(rule.options), "")
    examples: dict[str, Any] = {
        "integer": 3, "decimal": "5.9", "money": "42000.5", "boolean": True, "text": "第三车间的说明",
        "choice": first, "choices": [*rule.options][:2], "instant": START.isoformat(),
    }  # fmt: skip
    return tuple(examples[rule.type]) if rule.type == "choices" else examples[rule.type]


ACTIONS = [
    _did("investigate", "findings"),
    _did("implement", "report"),
    _did("audit", "findings", "passed", "audit"),
]


class Read(HTMLParser):
    """The texts of a page, and what stands in its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "col", "br"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self._inside:
            self.texts.append(data.strip())
