"""The vocabulary: what the words of records are called in reports and on pages; packs name their own."""

from collections.abc import Mapping
from typing import Any

from shared.events import Language
from shared.policy import Pack, phrase

Words = dict[str, tuple[str, str]]

STAGES: Words = {
    "registered": ("已登记", "Registered"),
    "screened": ("已审查", "Screened"),
    "reopened": ("重新处理", "Reopened"),
    "graded": ("已定级", "Graded"),
    "dispatched": ("已分派", "Dispatched"),
    "accepted": ("已受理", "Accepted"),
    "investigating": ("调查中", "Investigating"),
    "investigated": ("原因已查明", "Cause found"),
    "proposed": ("已提方案", "Solution proposed"),
    "approved": ("方案已批准", "Solution approved"),
    "offered": ("方案已告知", "Offered"),
    "agreed": ("客户已同意", "Agreed"),
    "disagreed": ("协商不成", "No agreement"),
    "implementing": ("执行中", "Implementing"),
    "implemented": ("已执行", "Implemented"),
    "audited": ("已审核", "Audited"),
    "disowned": ("疑非我方", "Perhaps not ours"),
    "not_ours": ("非我方责任", "Not ours"),
    "answered": ("已答复", "Answered"),
    "fed_back": ("已反馈", "Fed back"),
    "surveyed": ("已回访", "Surveyed"),
    "closed": ("已结案", "Closed"),
    "archived": ("已归档", "Archived"),
}
OUTCOMES: Words = {
    "resolved": ("已解决", "Resolved"),
    "disagreed": ("未达成一致", "No agreement"),
    "refused": ("不予受理", "Refused"),
    "transferred": ("已移交", "Transferred"),
    "referred": ("已转介", "Referred outside"),
    "not_ours": ("非我方责任", "Not ours"),
    "withdrawn": ("客户撤回", "Withdrawn"),
    "merged": ("已并入", "Merged"),
}
CHANNELS: Words = {
    "hotline": ("热线", "Hotline"),
    "online_chat": ("在线客服", "Online chat"),
    "website": ("网站", "Website"),
    "email": ("电子邮件", "E-mail"),
    "letter": ("信件", "Letter"),
    "fax": ("传真", "Fax"),
    "sms": ("短信", "SMS"),
    "wechat": ("微信", "WeChat"),
    "app": ("手机 App", "App"),
    "social": ("社交媒体", "Social media"),
    "store": ("门店", "Store"),
    "suggestion_box": ("意见箱", "Suggestion box"),
    "branch": ("营业网点", "Branch"),
    "site_visit": ("现场", "Visit on site"),
    "visitor": ("来访", "Visitor"),
    "phone_callback": ("电话回访", "Call-back"),
    "regulator": ("监管转办", "Regulator"),
    "head_office": ("总部交办", "Head office"),
    "consumer_association": ("消费者协会", "Consumer association"),
    "media": ("媒体", "Media"),
    "manufacturer": ("厂家", "Manufacturer"),
    "meeting_minutes": ("会议纪要", "Meeting minutes"),
    "return_note": ("退货单", "Return note"),
    "questionnaire": ("问卷", "Questionnaire"),
}
DIMENSIONS: Words = {
    "class": ("类别", "Class"),
    "cause": ("原因", "Cause"),
    "product": ("产品", "Product"),
    "batch": ("批次", "Batch"),
    "channel": ("渠道", "Channel"),
    "department": ("牵头部门", "Lead department"),
    "group": ("客户群体", "Customer group"),
    "grade": ("等级", "Grade"),
    "outcome": ("处理结果", "Outcome"),
    "stage": ("阶段", "Stage"),
    "pack": ("制度", "Policy"),
    "month": ("月份", "Month"),
}
CAUSES: Words = {
    "communication": ("沟通不畅", "Communication"),
    "design": ("设计缺陷", "Design"),
    "equipment": ("设备", "Equipment"),
    "facility": ("设施", "Facility"),
    "hygiene": ("卫生", "Hygiene"),
    "information": ("信息有误", "Information"),
    "installation": ("安装", "Installation"),
    "label": ("标签标价", "Label"),
    "material": ("原材料", "Material"),
    "method": ("使用方法", "Way of use"),
    "misunderstanding": ("误解", "Misunderstanding"),
    "misuse": ("使用不当", "Misuse"),
    "omission": ("遗漏", "Omission"),
    "other": ("其他", "Other"),
    "outsiders": ("外来人员", "Outsiders"),
    "papers": ("单据", "Papers"),
    "parts": ("配件", "Parts"),
    "patrol": ("巡查", "Patrol"),
    "planning": ("计划安排", "Planning"),
    "process": ("生产工艺", "Process"),
    "process_too_long": ("流程繁琐", "Process too long"),
    "rules_unclear": ("规则不清", "Rules unclear"),
    "schedule": ("时间安排", "Schedule"),
    "stock": ("库存", "Stock"),
    "storage": ("储存", "Storage"),
    "system": ("系统", "System"),
    "training": ("培训不足", "Training"),
    "transport": ("运输", "Transport"),
    "unclear_guide": ("说明不清", "Unclear guide"),
    "understaffed": ("人手不足", "Understaffed"),
    "wear": ("老化磨损", "Wear"),
}
"""What the packs' catalogues of causes are called."""
DEMANDS: Words = {
    "refund": ("退款", "Refund"),
    "replace": ("更换", "Replacement"),
    "repair": ("维修", "Repair"),
    "compensate": ("赔偿损失", "Compensation"),
    "apologise": ("道歉", "Apology"),
    "explain": ("说明", "Explanation"),
    "improve": ("改进", "Improvement"),
    "other": ("其他", "Other"),
}
LANGUAGES: Words = {
    "zh-CN": ("简体中文", "Chinese"),
    "zh-TW": ("繁体中文", "Chinese of Taiwan"),
    "en": ("英文", "English"),
}
NOTICES: Words = {
    "acknowledgement": ("受理告知", "acknowledgement"),
    "progress": ("进展告知", "progress"),
    "information_request": ("补充材料请求", "question to the customer"),
    "offer": ("解决方案告知", "offer"),
    "result": ("处理结果", "answer"),
    "survey": ("满意度调查", "survey"),
    "survey_reminder": ("调查提醒", "reminder of the survey"),
    "assignment": ("分派通知", "assignment"),
    "information_slip": ("信息传递单", "information slip"),
    "corrective_action": ("纠正措施单", "corrective action"),
    "deadline_warned": ("即将超时提醒", "deadline due soon"),
    "deadline_breached": ("超时通知", "deadline breached"),
    "deadline_escalated": ("超时上报通知", "deadline escalated"),
    "escalation": ("升级上报", "safety escalation"),
    "emergency": ("应急预案通知", "emergency plan"),
    "adverse_event": ("不良事件通知", "adverse event"),
    "low_score": ("低分评价通知", "low score"),
}
"""What somebody is told."""
ROUTES: Words = {
    "email": ("电子邮件", "e-mail"),
    "call": ("电话", "phone call"),
    "letter": ("信件", "letter"),
    "message": ("手机消息", "message to the phone"),
    "chat": ("群聊消息", "chat"),
    "none": ("无可用方式", "no way to reach them"),
}
"""The ways on which notices go."""
UNKNOWN = ("尚无", "Not known yet")


def said(pair: tuple[str, str], language: Language) -> str:
    return phrase(language, *pair)


def title(dimension: str, value: str | None, pack: Pack, language: Language) -> str:
    """What a value of a dimension is called; one that nobody named stands for itself."""
    own: dict[str, Words] = {
        "stage": STAGES, "outcome": OUTCOMES, "channel": CHANNELS, "cause": CAUSES, "demand_type": DEMANDS,
        "language": LANGUAGES,
    }  # fmt: skip
    named: dict[str, Mapping[str, Any]] = {
        "class": pack.classes, "grade": pack.grades, "department": pack.departments
    }  # fmt: skip
    if value is None:
        return said(UNKNOWN, language)
    if dimension in own and value in own[dimension]:
        return said(own[dimension][value], language)
    if dimension == "pack":
        return pack.title[language]
    found = named.get(dimension, {}).get(value)
    return str(found.title[language]) if found else value.replace("_", " ")


UNITS = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))


def duration(seconds: float | None, language: Language) -> str:
    """A time as people say it, in its largest unit."""
    if seconds is None:
        return "–"
    size, *names = next((unit for unit in UNITS if seconds >= unit[0]), UNITS[-1])
    return f"{seconds / size:.1f} {said((names[0], names[1]), language)}"
