"""What stands on papers: each field of the record by its name, its title, its kind, and where it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import WITHHELD, facts_of, known
from services.intake.domain.holding import holder
from services.intake.domain.ledger import score
from services.intake.domain.receipts import reply_clocks
from shared.policy import Pack

Kind = Literal[
    "text", "texts", "person", "people", "instant", "money", "boolean", "choice", "choices", "integer",
    "decimal", "stage", "outcome", "channel", "language", "class", "grade", "cause", "department",
    "departments", "demand_type", "holder", "solution", "evidence", "approvals", "verification",
    "communications",
]  # fmt: skip
"""How a value is put into words."""
OF_FACTS: Mapping[str, Kind] = {
    "channel": "channel",
    "language": "language",
    "class": "class",
    "grade": "grade",
    "cause": "cause",
    "department": "department",
    "demand_type": "demand_type",
}
"""Facts of every complaint whose values have titles."""


@dataclass(frozen=True)
class Source:
    """A complaint to be printed: its record, and `shown`, which is the same as its reader may see it."""

    state: Complaint
    pack: Pack
    shown: Mapping[str, Any]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        return facts_of(self.state)

    @property
    def contact(self) -> Mapping[str, Any]:
        return self.shown["given"]["complainant"] or {}

    @property
    def solution(self) -> Mapping[str, Any]:
        return self.shown.get("solution") or {}

    def words(self, step: str, field: str) -> list[str]:
        """What was said with this step, in order."""
        taken = (each for each in self.shown.get("actions", []) if each["what"] == step)
        return [each[field] for each in taken if each.get(field)]

    def last(self, step: str) -> Mapping[str, Any] | None:
        """The last time that this step was taken in this round."""
        taken = [each for each in self.shown.get("actions", []) if each["what"] == step]
        return next((each for each in reversed(taken) if each["cycle"] == self.state.cycle), None)


class Entry(NamedTuple):
    """A field of the record: zh-CN, en, its kind, where it is read, and whether it may point to a person."""

    zh: str
    en: str
    kind: Kind
    read: Callable[[Source], Any]
    personal: bool = False


def _ways(source: Source) -> list[str] | None:
    ways = (source.contact.get(each) for each in ("phone", "email", "address"))
    return [each for each in ways if each] or None


def _held(source: Source) -> str | None:
    """Whose move it is; the name of a handler only for whoever may see it."""
    held = holder(source.state)
    if held.kind == "nobody":
        return None
    return f"{held.kind}:{source.shown.get('handler') or ''}" if held.kind == "handler" else ":".join(held)


def _verification(source: Source) -> Mapping[str, Any] | None:
    audit = source.last("audit")
    if audit is None or source.state.passed is None:
        return None
    return {"passed": source.state.passed, "remark": audit.get("findings"), **audit}


def _promised(source: Source) -> Any:
    return min((due for due in reply_clocks(source.state) if due is not None), default=None)


FIELDS: Mapping[str, Entry] = {
    "number": Entry("受理编号", "Receipt number", "text", lambda it: it.state.number),
    "received_at": Entry("接收时间", "Received at", "instant", lambda it: it.shown["received_at"]),
    "registered_at": Entry("登记时间", "Registered at", "instant", lambda it: it.shown["registered_at"]),
    "occurred_at": Entry("发生时间", "Happened at", "instant", lambda it: it.state.given.occurred_at),
    "recorder": Entry("记录人", "Recorder", "person", lambda it: it.shown.get("recorder")),
    "name": Entry("客户姓名", "Customer's name", "text", lambda it: it.contact.get("name"), True),
    "contact": Entry("联系方式", "Contact", "texts", _ways, True),
    "email": Entry("电子邮件", "E-mail", "text", lambda it: it.contact.get("email"), True),
    "phone": Entry("电话", "Phone", "text", lambda it: it.contact.get("phone"), True),
    "address": Entry("地址", "Address", "text", lambda it: it.contact.get("address"), True),
    "place": Entry(
        "地点", "Place", "text",
        lambda it: it.shown["given"].get("place") or it.shown["details"].get("place"), True,
    ),
    "order": Entry("订单号", "Order", "text", lambda it: it.shown["given"].get("order"), True),
    "description": Entry(
        "投诉内容", "Description", "text", lambda it: it.shown["given"].get("description"), True
    ),
    "evidence": Entry("证据", "Evidence", "evidence", lambda it: it.shown.get("evidence"), True),
    "loss": Entry("损失额", "Loss", "money", lambda it: known(it.state).loss),
    "demand": Entry(
        "诉求金额", "Sum demanded", "money",
        lambda it: demand.amount if (demand := known(it.state).demand) else None,
    ),
    "stage": Entry("处理阶段", "Stage", "stage", lambda it: it.state.stage.value),
    "progress": Entry("处理进度", "Progress", "stage", lambda it: it.state.stage.value),
    "since": Entry("处理时间", "At this stage since", "instant", lambda it: it.shown.get("since")),
    "holder": Entry("处理责任人", "In whose hands", "holder", _held),
    "lead": Entry(
        "牵头部门", "Lead department", "department",
        lambda it: it.state.route.lead if it.state.route else None,
    ),
    "departments": Entry(
        "承办部门", "Departments", "departments",
        lambda it: list(it.state.route.departments) if it.state.route else None,
    ),
    "handler": Entry("经办人", "Handler", "person", lambda it: it.shown.get("handler")),
    "respondents": Entry("被投诉人", "Complained about", "people", lambda it: it.shown.get("respondents")),
    "acknowledged_at": Entry(
        "受理回执时间", "Acknowledged at", "instant", lambda it: it.shown.get("acknowledged_at")
    ),
    "promised": Entry("答复时限", "Answer promised by", "instant", _promised),
    "findings": Entry(
        "调查情况", "Findings", "texts", lambda it: it.words("investigate", "findings"), True
    ),
    "interim_measure": Entry("临时措施", "Interim measure", "text", lambda it: it.solution.get("measure")),
    "permanent_measure": Entry(
        "永久措施", "Permanent measure", "text", lambda it: it.solution.get("permanent")
    ),
    "owner": Entry("责任人", "Person responsible", "person", lambda it: it.solution.get("owner")),
    "due": Entry("完成期限", "Due", "instant", lambda it: it.solution.get("due")),
    "solution": Entry("解决方案", "Solution", "solution", lambda it: it.shown.get("solution")),
    "approvals": Entry("审批记录", "Approvals", "approvals", lambda it: it.shown.get("approvals")),
    "customer_agreed": Entry(
        "客户同意方案", "The customer agreed", "boolean", lambda it: it.state.agreed or None
    ),
    "implementation": Entry(
        "执行情况", "Implementation", "texts", lambda it: it.words("implement", "report"), True
    ),
    "verification": Entry("验证结果", "Verification", "verification", _verification, True),
    "method": Entry("处理方式", "Method", "text", lambda it: it.shown.get("reply"), True),
    "reply": Entry("答复内容", "Answer", "text", lambda it: it.shown.get("reply"), True),
    "fed_back_at": Entry("答复时间", "Answered at", "instant", lambda it: it.shown.get("fed_back_at")),
    "score": Entry("客户评分（0–10）", "Customer's score, 0 to 10", "integer", lambda it: score(it.state)),
    "outcome": Entry("处理结果", "Outcome", "outcome", lambda it: it.shown.get("outcome")),
    "summary": Entry("个案总结", "Summary", "text", lambda it: it.shown.get("summary"), True),
    "closed_at": Entry("结案时间", "Closed at", "instant", lambda it: it.shown.get("closed_at")),
    "communications": Entry(
        "沟通记录", "Words exchanged", "communications", lambda it: it.shown.get("notes"), True
    ),
    "refusal_reason": Entry(
        "不予受理原因", "Reason of the refusal", "texts", lambda it: it.words("screen", "reason"), True
    ),
}  # fmt: skip


class Found(NamedTuple):
    """What a field says of a complaint."""

    kind: Kind
    value: Any
    personal: bool


def look(field: str, source: Source) -> Found:
    """A field by its name: a fact of the pack's own, of the record, or of every complaint, in this order.

    What stays sealed counts only as it was opened for the reader.
    """
    rule, entry = source.pack.fact_rules.get(field), FIELDS.get(field)
    details = source.shown["details"]
    fact = source.facts.get(field)
    own = details.get(field) if fact is None or fact == WITHHELD else fact
    if entry is not None and (field not in source.pack.facts or own is None):
        return Found(entry.kind, entry.read(source), entry.personal)
    assert rule is not None
    return Found(OF_FACTS.get(field, rule.type), own, rule.stays)
