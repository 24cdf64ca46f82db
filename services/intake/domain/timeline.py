"""The timeline: a complaint's way through the house in plain words, with the time each stage took."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel

from shared.events import Language
from shared.policy import Pack

WORDS: dict[str, tuple[str, str]] = {
    "complaint.registered": ("Registered, came by {channel}", "已登记，来源：{channel}"),
    "contact.recorded": ("Contact kept for notices", "联系方式已保存"),
    "statement.recorded": ("Statement handed to triage", "投诉内容已送分级"),
    "complaint.graded": ("Graded {grade}, class {class}", "定级：{grade}，类别：{class}"),
    "complaint.dispatched": (
        "Dispatched to {departments}, led by {lead}",
        "分派至 {departments}，牵头：{lead}",
    ),
    "complaint.accepted": ("Accepted by {department}", "{department}已受理"),
    "complaint.investigated": ("Investigated, cause: {cause}", "已调查，原因：{cause}"),
    "complaint.solution_proposed": ("Solution proposed by {department}", "{department}已提出方案"),
    "complaint.solution_offered": ("Solution offered to the customer", "方案已告知客户"),
    "complaint.solution_agreed": ("The customer agrees", "客户同意方案"),
    "complaint.solution_disagreed": ("The customer disagrees", "客户不同意方案"),
    "complaint.solution_implemented": ("Solution implemented", "方案已执行"),
    "complaint.solution_audited": ("Implementation audited", "执行结果已审核"),
    "complaint.paused": ("Waits for the {waits_for}", "等待{waits_for}"),
    "complaint.resumed": ("The wait is over", "等待结束"),
    "complaint.answered": ("Answer written", "答复已拟定"),
    "reply.recorded": ("Answer handed to notify", "答复已送通知"),
    "complaint.fed_back": ("The customer has the answer", "客户已得到答复"),
    "complaint.closed": ("Closed, score {score}", "已结案，评分 {score}"),
    "complaint.reopened": ("Reopened, round {cycle}, score {score}", "重新处理，第 {cycle} 轮，评分 {score}"),
    "complaint.facts_revised": ("Facts revised, revision {revision}", "事实已更正（第 {revision} 次）"),
    "complaint.escalated": (
        "Escalated by safety gate {gate} to {roles}",
        "触发安全红线“{gate}”，已上报 {roles}",
    ),
    "complaint.linked": ("Linked with earlier complaints: {complaints}", "与此前投诉关联：{complaints}"),
    "complaint.migrated": (
        "Now handled by {pack} version {pack_version}",
        "改按 {pack} 第 {pack_version} 版处理",
    ),
    "quota.exceeded": (
        "Quota exceeded: number {number} of {grade} in {year}, {limit} allowed {value}",
        "超出年度指标：{year} 年{grade}第 {number} 起，限 {limit} 起 {value}",
    ),
    "calendar.published": (
        "Calendar {calendar} version {version} published",
        "工作日历 {calendar} 第 {version} 版已发布",
    ),
    "policy.published": ("Policy {pack} version {version} published", "制度 {pack} 第 {version} 版已发布"),
    "deadline.set": ("Deadline {clock} set: {due}", "时限“{clock}”：{due}"),
    "deadline.paused": ("Deadline {clock} stands still", "时限“{clock}”暂停计算"),
    "deadline.resumed": ("Deadline {clock} runs again: {due}", "时限“{clock}”恢复计算：{due}"),
    "deadline.warned": ("Deadline {clock} is due soon", "时限“{clock}”即将到期"),
    "deadline.breached": ("Deadline {clock} breached", "时限“{clock}”已超时"),
    "deadline.escalated": (
        "Deadline {clock} breached: rung {rung}, {roles} called",
        "时限“{clock}”超时上报第 {rung} 级：{roles}",
    ),
    "deadline.acknowledged": ("Breach of {clock} noted", "时限“{clock}”超时已获知悉"),
    "deadline.met": ("Deadline {clock} met", "时限“{clock}”按时完成"),
    "deadline.missed": ("Deadline {clock} missed", "时限“{clock}”逾期完成"),
    "deadline.cancelled": ("Deadline {clock} no longer counts", "时限“{clock}”不再计算"),
    "notice.sent": ("Notice sent: {kind}, by {channel}", "通知已发出：{kind}（{channel}）"),
    "notice.failed": ("Notice failed: {kind}, by {channel}", "通知失败：{kind}（{channel}）"),
    "survey.opened": ("Survey opened", "满意度调查已发起"),
    "survey.answered": ("Survey answered, score {score}", "客户评分 {score}"),
    "survey.expired": ("Survey expired unanswered", "调查到期未答复"),
}
"""Event type without version -> words in en, zh-CN."""
WAITS_FOR = {"customer": ("customer", "客户"), "third_party": ("third party", "第三方")}
AUDIT_FAILED = ("Implementation audited: not passed, to be done again", "执行结果审核未通过，需重新执行")


class Line(BaseModel):
    """One event: when, by which service, in words, and the seconds since the one before."""

    time: AwareDatetime
    after: float
    service: str
    type: str
    words: str
    id: str
    cause: str | None


def timeline(journal: Iterable[Mapping[str, Any]], pack: Pack, language: Language) -> list[Line]:
    """The journal, in the order of time, in words."""
    lines: list[Line] = []
    for entry in sorted(journal, key=lambda each: (each["time"], each["sequence"])):
        before = lines[-1].time if lines else entry["time"]
        lines.append(
            Line(
                time=entry["time"],
                after=(entry["time"] - before).total_seconds(),
                service=entry["by"],
                type=entry["type"],
                words=words(entry["type"], entry["data"], pack, language),
                id=str(entry["id"]),
                cause=str(entry["cause"]) if entry["cause"] else None,
            )
        )
    return lines


def words(type: str, data: Mapping[str, Any], pack: Pack, language: Language) -> str:
    """One event in words; a type without words yet stands for itself."""
    name = type.rpartition(".")[0]
    pair = AUDIT_FAILED if name == "complaint.solution_audited" and not data["passed"] else WORDS.get(name)
    if pair is None:
        return type
    text = pair[0] if language == "en" else pair[1]
    return text.format_map({key: shown(key, value, pack, language) for key, value in data.items()})


def shown(key: str, value: Any, pack: Pack, language: Language) -> str:
    """A value as people know it: by its title in the pack where it has one."""
    titles: dict[str, Mapping[str, Any]] = {
        "grade": pack.grades,
        "class": pack.classes,
        "lead": pack.departments,
        "department": pack.departments,
        "departments": pack.departments,
        "clock": pack.clocks,
        "roles": pack.roles,
        "gate": {each.gate: each for each in pack.safety},
    }
    if isinstance(value, list):
        return ", ".join(shown(key, each, pack, language) for each in value)
    if value is None:
        return "–"
    if key == "waits_for":
        return WAITS_FOR[str(value)][0 if language == "en" else 1]
    titled = titles.get(key, {}).get(value) if isinstance(value, str) else None
    return str(titled.title[language]) if titled else str(value)
