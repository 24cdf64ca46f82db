"""The timeline: a complaint's way through the house in plain words, with the time each stage took."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel

from services.intake.domain.vocabulary import CAUSES, CHANNELS, NOTICES, OUTCOMES, ROUTES, Words, said
from shared.events import Language, is_for_partners
from shared.policy import Pack, phrase

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
    "contact.erased": ("Contact and words erased", "联系方式与原文已删除"),
    "complaint.evidence_added": (
        "Evidence {number} added ({media_type})",
        "已添加证据 {number}（{media_type}）",
    ),
    "complaint.screened": ("Screened: {decision}", "审查结果：{decision}"),
    "complaint.assigned": ("A handler was named", "已指定经办人"),
    "handler.named": ("A name handed to the survey", "相关人员姓名已送调查服务"),
    "complaint.investigation_started": ("Investigation started", "开始调查"),
    "complaint.investigated": ("Investigated, cause: {cause}", "已调查，原因：{cause}"),
    "complaint.solution_proposed": ("Solution proposed by {department}", "{department}已提出方案"),
    "complaint.solution_approved": ("Solution approved by the {role}", "方案已由{role}批准"),
    "complaint.solution_rejected": ("Solution rejected by the {role}", "方案被{role}退回"),
    "complaint.solution_offered": ("Solution offered to the customer", "方案已告知客户"),
    "offer.recorded": ("Offer handed to notify", "方案说明已送通知"),
    "complaint.solution_agreed": ("The customer agrees", "客户同意方案"),
    "complaint.solution_disagreed": ("The customer disagrees", "客户不同意方案"),
    "complaint.agreement_failed": ("No agreement; other remedies named", "协商不成，已告知其他途径"),
    "complaint.implementation_started": ("Implementation started", "开始执行方案"),
    "complaint.solution_implemented": ("Solution implemented", "方案已执行"),
    "complaint.solution_audited": ("Audited before the customer is told", "答复前审核通过"),
    "complaint.paused": ("Waits for the {waits_for}", "等待{waits_for}"),
    "information.requested": ("Question handed to notify", "补充信息请求已送通知"),
    "complaint.resumed": ("The wait is over", "等待结束"),
    "complaint.answered": ("Answer written", "答复已拟定"),
    "reply.recorded": ("Answer handed to notify", "答复已送通知"),
    "complaint.fed_back": ("The customer has the answer", "客户已得到答复"),
    "complaint.closed": ("Closed, score {score}", "已结案，评分 {score}"),
    "complaint.reopened": ("Reopened, round {cycle}, score {score}", "重新处理，第 {cycle} 轮，评分 {score}"),
    "complaint.disowned": (
        "Found not to be ours, confirmed {confirmations} time(s)",
        "认定非我方责任（第 {confirmations} 次确认）",
    ),
    "complaint.owned": ("Ours after all", "确认由我方处理"),
    "complaint.withdrawn": ("Withdrawn by the customer", "客户撤回"),
    "complaint.merged": ("Merged into another complaint", "已并入另一投诉"),
    "complaint.related": ("Linked with another complaint", "已与另一投诉关联"),
    "complaint.emergency_declared": ("Emergency plan at work, {roles} told", "已启动应急预案，通知{roles}"),
    "complaint.adverse_event_recorded": (
        "Asked for an adverse event: {occurred}",
        "不良事件询问：{occurred}",
    ),
    "complaint.archived": ("Archived", "已归档"),
    "spot_check.drawn": (
        "{drawn} of {population} drawn for a spot check",
        "从 {population} 件中抽查 {drawn} 件",
    ),
    "spot_check.completed": ("Spot check of {drawn} completed", "{drawn} 件抽查完毕"),
    "rectification.ordered": ("{department} must rectify by {due}", "责令{department}于 {due} 前整改"),
    "rectification.breached": ("{department} has not rectified by {due}", "{department}逾期未整改：{due}"),
    "rectification.verified": ("Rectification by {department} verified", "{department}的整改已验收"),
    "rectification.withdrawn": ("Order to {department} withdrawn", "对{department}的整改令已撤销"),
    "trend.signalled": ("More complaints than usual: {observed}", "投诉异常增多：{observed} 起"),
    "trend.measure_recorded": (
        "Prevention measure {number} by {department}",
        "{department}的预防措施 {number}",
    ),
    "trend.closed": ("Trend closed", "趋势预警已关闭"),
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
    "notice.suppressed": (
        "Notice not sent by itself: {kind} ({reason})",
        "通知未单独发出：{kind}（{reason}）",
    ),
    "survey.opened": ("Survey opened", "满意度调查已发起"),
    "survey.answered": ("Survey answered, score {score}", "客户评分 {score}"),
    "survey.declined": ("The customer does not want to answer the survey", "客户不愿参与调查"),
    "survey.skipped": ("No survey: {reason}", "不发起调查：{reason}"),
    "survey.expired": ("Survey expired unanswered", "调查到期未答复"),
}
"""Event type without version -> words in en, zh-CN."""
WAITS_FOR: Words = {"customer": ("客户", "customer"), "third_party": ("第三方", "third party")}
REASONS: Words = {
    "outcome": ("未形成处理方案", "nobody worked on a solution"),
    "rule": ("制度规定", "a rule of the pack"),
    "not_sampled": ("未被抽中", "not drawn by lot"),
    "erased": ("联系方式已删除", "contact erased"),
    "reopened": ("已重新处理", "another round began"),
    "folded": ("已并入汇总通知", "told in a digest"),
    "superseded": ("已无需告知", "no longer true"),
}
"""Why the customer is not asked, or somebody not told."""
SAID: Mapping[str, Words] = {
    "waits_for": WAITS_FOR, "reason": REASONS, "kind": NOTICES, "channel": CHANNELS | ROUTES, "cause": CAUSES,
    "decision": OUTCOMES | {"in_scope": ("予以受理", "Ours to handle")},
}  # fmt: skip
"""Titles of the values of events, by their fields."""
TAKEN_BACK = ("Proposal taken back", "方案已撤回")
AUDIT_FAILED = ("Audited: not passed", "审核未通过")


class Line(BaseModel):
    """One event: when, by which service, in words, and the seconds since the one before."""

    time: AwareDatetime
    after: float
    service: str
    type: str
    words: str
    id: str
    cause: str | None


def timeline(
    journal: Iterable[Mapping[str, Any]], pack: Pack, language: Language, *, for_partner: bool = False
) -> list[Line]:
    """The journal, in the order of time, in words."""
    lines: list[Line] = []
    seen = [each for each in journal if not for_partner or is_for_partners(each["type"], each["data"])]
    for entry in sorted(seen, key=lambda each: (each["time"], each["sequence"])):
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
    pair = TAKEN_BACK if name == "complaint.solution_rejected" and data["role"] == "proposer" else pair
    if pair is None:
        return type
    en, zh = pair
    text = phrase(language, zh, en)
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
        "role": pack.roles,
        "roles": pack.roles,
        "gate": {each.gate: each for each in pack.safety},
    }
    if isinstance(value, list):
        return ", ".join(shown(key, each, pack, language) for each in value)
    if value is None:
        return "–"
    if value in SAID.get(key, ()):
        return said(SAID[key][value], language)
    titled = titles.get(key, {}).get(value) if isinstance(value, str) else None
    return str(titled.title[language]) if titled else str(value)
