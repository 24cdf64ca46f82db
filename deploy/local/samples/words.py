"""The words by which other files call our fields, channels and classes, and how their values are read."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

LONGEST = 10_000
DELIMITERS = ",;\t|"

FIELDS = {
    "channel": "channel source_channel submitted_via via 渠道 来源 投诉渠道 受理渠道",
    "class": "class type category kind 类别 分类 类型 投诉类型",
    "language": "language lang 语言",
    "received_at": "received_at received date_received created created_at date submitted_at "
    "收到时间 日期 时间 投诉时间",
    "title": "title issue sub_issue subject summary 标题 主题 问题",
    "description": "description text narrative consumer_complaint_narrative complaint content body message "
    "内容 描述 投诉内容 问题描述 详情",
    "complainant.name": "complainant.name name customer customer_name complainant 姓名 客户 客户姓名 投诉人",
    "complainant.email": "complainant.email email e_mail 邮箱 电子邮箱",
    "complainant.phone": "complainant.phone phone telephone mobile 电话 手机 联系电话",
    "complainant.address": "complainant.address address 地址 联系地址",
    "product.name": "product.name product item make component 产品 产品名称 商品",
    "product.model": "product.model model sub_product 型号",
    "product.batch": "product.batch batch serial lot 批号 批次 序列号",
    "product.order": "product.order order order_number order_id 订单 订单号",
    "demand.type": "demand.type demand remedy 诉求 要求",
    "demand.amount.value": "demand.amount.value demand_amount 索赔金额",
    "demand.amount.usd": "demand_amount_usd",
    "demand.amount.currency": "demand.amount.currency demand_currency",
    "loss.value": "loss.value loss amount.value amount 损失 损失金额 金额",
    "loss.usd": "loss_usd amount_usd amounts_usd",
    "loss.currency": "loss.currency amount.currency currency 币种",
    "facts.injured": "facts.injured injured injuries 受伤人数",
    "facts.deaths": "facts.deaths deaths 死亡人数",
    "facts.fire": "facts.fire fire 起火",
    "facts.food_safety": "facts.food_safety food_safety 食品安全",
    "facts.urgent": "facts.urgent urgent crash 紧急",
    "facts.affected_customers": "facts.affected_customers affected_customers 受影响客户数",
    "tags": "tags flags severity_cue 标签",
    "play.score": "play.score",
    "play.second_score": "play.second_score",
    "play.slow": "play.slow",
}
CHANNELS = {
    "hotline": "phone telephone call voice 电话 热线",
    "online_chat": "chat live_chat webchat 在线客服 在线聊天",
    "website": "web web_form form online portal 网站 网页 官网",
    "email": "e_mail 邮件 电子邮件 邮箱",
    "letter": "mail post postal_mail 信函 信件 来信 邮寄",
    "fax": "facsimile 传真",
    "sms": "text_message 短信",
    "wechat": "weixin 微信",
    "app": "api mobile_app 客户端",
    "social": "social_media twitter facebook weibo 社交媒体 微博 抖音",
    "store": "shop service_desk 门店 柜台",
    "suggestion_box": "意见箱",
    "branch": "网点 分公司 营业厅",
    "site_visit": "on_site 走访 现场",
    "visitor": "walk_in in_person 来访 面谈",
    "phone_callback": "callback call_back 回访 电话回访",
    "regulator": "referral ombudsman 监管 监管转办 12315",
    "head_office": "headquarters 总部 总公司",
    "consumer_association": "消协 消费者协会",
    "media": "press 媒体",
    "manufacturer": "supplier 厂家 生产商",
    "meeting_minutes": "minutes 会议纪要",
    "return_note": "return returns 退货单",
    "questionnaire": "survey 问卷",
}
CLASSES = {
    "product_quality": "quality defect 质量 产品质量 质量问题",
    "usage": "use 使用 使用问题",
    "service": "service_attitude 服务 服务态度 服务问题",
    "other": "其他 其它",
}
DEMANDS = {
    "refund": "return money_back 退款 退货 退货退款",
    "replace": "replacement exchange 换货 更换",
    "repair": "fix 维修 修理",
    "compensate": "compensation damages 赔偿 补偿",
    "apologise": "apologize apology 道歉",
    "explain": "explanation 解释 说明",
    "improve": "improvement 改进 整改",
    "other": "其他 其它",
}
LANGUAGES = {"zh-CN": "zh zh_cn chinese 中文 汉语", "en": "en_us en_gb english 英文 英语"}
CURRENCIES = {"CNY": "rmb 元 人民币 ￥ ¥", "USD": "$ us$ 美元", "GBP": "£ 英镑", "EUR": "€ 欧元"}
TAGS = {
    "injured": "injury injured health_injury 受伤",
    "deaths": "death fatal 死亡",
    "fire": "fire 火灾 起火",
    "food_safety": "food_safety food_hygiene 食品安全",
    "urgent": "urgent crash electrical_safety 紧急 加急",
}
WRITTEN = {"letter", "fax", "return_note"}
SPOKEN = {"hotline", "sms", "fax", "phone_callback", "store", "branch", "site_visit", "visitor"}
PERSON = {
    "name": {"en": "Sample Person {0}", "zh-CN": "示例客户{0}"},
    "email": {"en": "sample.person.{0}@example.com", "zh-CN": "sample.person.{0}@example.com"},
    "phone": {"en": "+44 7700 900{1:03d}", "zh-CN": "+86 138 0000 {1:04d}"},
    "address": {"en": "{0} Sample Street, Exampleton", "zh-CN": "样例市示范路{0}号"},
}
YES, NO = {"true", "yes", "y", "1", "是", "有"}, {"false", "no", "n", "0", "否", "无"}
NESTED = {"complainant", "product", "demand", "amount", "loss", "facts", "play"}


def normal(word: str) -> str:
    return re.sub(r"[\s_-]+", "_", word.strip().lower())


def among(table: dict[str, str]) -> Callable[[Any], str | None]:
    known = {normal(word): meaning for meaning, said in table.items() for word in (meaning, *said.split())}
    return lambda value: known.get(normal(value)) if isinstance(value, str) else None


a_channel, a_class, a_demand, a_language = map(among, (CHANNELS, CLASSES, DEMANDS, LANGUAGES))
a_currency, a_tag, a_heading = map(among, (CURRENCIES, TAGS, FIELDS))


def text(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def mail(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and re.fullmatch(r"\s*[^@\s]+@[^@\s]+\s*", value) else None


def date(value: Any) -> datetime | None:
    """Year first only: 04/05/2023 is April to some and May to others."""
    found = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T\s]*(\d.*))?", str(value).strip())
    if not found:
        return None
    year, month, day, clock = found.groups(default="")
    clock = clock.replace(" ", "") if clock[1:2] != ":" else f"0{clock}"
    try:
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{clock or '00:00'}")
    except ValueError:
        return None


def money(value: Any) -> tuple[Decimal, str | None] | None:
    """The largest where a row lists several. 12,50 is no amount: it may be twelve and a half."""
    items = [money(item) for item in value if not isinstance(item, list)] if isinstance(value, list) else []
    if items:
        return max((item for item in items if item), key=lambda item: item[0], default=None)
    number = r"([^\d\s.,-]*)\s*((?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,9})?)\s*([^\d\s.,-]*)"
    found = re.fullmatch(number, text(value) or "")
    if not found:
        return None
    units = [currency(unit) for unit in (found[1], found[3]) if unit]
    return (Decimal(found[2].replace(",", "")), next(iter(units), None)) if all(units) else None


def currency(value: Any) -> str | None:
    return a_currency(value) or (value if re.fullmatch("[A-Z]{3}", str(value)) else None)


def tags(value: Any) -> set[str] | None:
    said = value if isinstance(value, list) else re.split(r"[,;|，；、]", str(value))
    return {known for tag in said if (known := a_tag(tag))} or None


def truth(value: Any) -> bool | None:
    word = normal(str(value))
    return True if word in YES else False if word in NO else None


def count(value: Any) -> int | None:
    if re.fullmatch(r"\d{1,9}", str(value)):
        return int(value)
    claimed = truth(value)
    return None if claimed is None else int(claimed)
