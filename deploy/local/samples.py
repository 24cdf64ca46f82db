"""Somebody's JSON lines or CSV become bodies of POST /v1/complaints; what cannot is told."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

T = TypeVar("T")
Json = dict[str, Any]

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


class SampleError(Exception):
    """The whole file cannot be used; the message says what to do about it."""


@dataclass
class Samples:
    complaints: list[Json] = field(default_factory=list)
    unmapped: dict[str, int] = field(default_factory=Counter)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    assumed: dict[str, int] = field(default_factory=Counter)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Person(Strict):
    name: str = Field(min_length=1)
    email: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+$")
    phone: str | None = None
    address: str | None = None


class Product(Strict):
    name: str = Field(min_length=1)
    model: str | None = None
    batch: str | None = None
    order: str | None = None


class Amount(Strict):
    value: Decimal = Field(ge=0, lt=10**12)
    currency: str = Field(pattern="^[A-Z]{3}$")


class Demand(Strict):
    type: Literal["refund", "replace", "repair", "compensate", "apologise", "explain", "improve", "other"]
    amount: Amount | None = None


class Facts(Strict):
    injured: int = Field(0, ge=0)
    deaths: int = Field(0, ge=0)
    fire: bool = False
    food_safety: bool = False
    urgent: bool = False
    affected_customers: int = Field(0, ge=0)


class Play(Strict):
    score: int | None = Field(None, ge=0, le=10)
    second_score: int | None = Field(None, ge=0, le=10)
    slow: bool = False


class Form(Strict):
    channel: str
    class_: Literal["product_quality", "usage", "service", "other"] | None = Field(None, alias="class")
    language: Literal["zh-CN", "en"]
    received_at: AwareDatetime | None = None
    complainant: Person
    product: Product | None = None
    description: str = Field(pattern=r"\S", max_length=LONGEST)
    demand: Demand | None = None
    loss: Amount | None = None
    facts: Facts | None = None
    play: Play | None = None

    @field_validator("channel")
    @classmethod
    def known(cls, channel: str) -> str:
        if channel not in CHANNELS:
            raise ValueError("not one of the 24 channels")
        return channel


def normal(word: str) -> str:
    return re.sub(r"[\s_-]+", "_", word.strip().lower())


def among(table: dict[str, str]) -> Callable[[Any], str | None]:
    known = {normal(word): meaning for meaning, said in table.items() for word in (meaning, *said.split())}
    return lambda value: known.get(normal(value)) if isinstance(value, str) else None


a_channel, a_class, a_demand, a_language = map(among, (CHANNELS, CLASSES, DEMANDS, LANGUAGES))
a_currency, a_tag, a_heading = map(among, (CURRENCIES, TAGS, FIELDS))


def read(path: Path) -> Samples:
    samples = Samples()
    for number, row in rows(path):
        if isinstance(row, str):
            samples.rejected.append((number, row))
        elif not fault(row):
            samples.complaints.append(row)
        else:
            take(samples, number, row)
    if not samples.complaints and not samples.rejected:
        raise SampleError(f"{path} holds no rows. Give one complaint a line (see samples/complaints.jsonl).")
    return samples


def take(samples: Samples, number: int, row: Json) -> None:
    fields = Fields(row)
    complaint = mapped(fields, number)
    if reason := fault(complaint) if complaint.get("description") else "no text and no issue or title":
        samples.rejected.append((number, reason))
        return
    samples.complaints.append(complaint)
    for name in fields.left():
        samples.unmapped[name] += 1
    for assumption in fields.assumed:
        samples.assumed[assumption] += 1


def fault(row: Json) -> str:
    """What keeps a row from being our own form, or nothing."""
    try:
        Form.model_validate_json(json.dumps(row))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"
    return ""


def rows(path: Path) -> Iterator[tuple[int, Json | str]]:
    """Each row with its line (in CSV its row below the heading, which is 1), or the reason why it is none."""
    text = content(path)
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} or text.lstrip().startswith("{"):
        return lines(text)
    return table(path, text)


def content(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SampleError(f"{path} does not exist. Give the path of a .jsonl or .csv file.") from None
    except UnicodeDecodeError:
        raise SampleError(f"{path} is not UTF-8 text. Save it as JSON lines or as CSV in UTF-8.") from None
    except OSError as error:
        raise SampleError(f"{path} cannot be read ({error.strerror}). Give a .jsonl or .csv file.") from None
    if not text.strip():
        raise SampleError(f"{path} is empty. Give one complaint a line, as samples/complaints.jsonl does.")
    if "\0" in text:
        raise SampleError(f"{path} is a binary file. Save it as JSON lines or as CSV in UTF-8.")
    return text


def lines(text: str) -> Iterator[tuple[int, Json | str]]:
    # Not splitlines(): that also cuts at U+2028, which JSON allows inside a text.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, parsed(line)


def parsed(line: str) -> Json | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON (it takes one object a line)"
    return row if isinstance(row, dict) else "not an object"


def table(path: Path, text: str) -> Iterator[tuple[int, Json | str]]:
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=heading.count)
    csv.field_size_limit(max(len(text), 131_072))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not any(a_heading(name) for name in reader.fieldnames or []):
        raise SampleError(
            f"{path} is neither JSON lines nor a CSV file with headings this knows. "
            "Name at least one column 'description', 'text' or 'issue' (描述, 内容)."
        )
    for number, row in enumerate(reader, 2):
        if any(row.pop(None, ())):
            yield number, "more cells than headings (a text with the delimiter in it needs quotes)"
        else:
            yield number, {name: unfolded(cell) for name, cell in row.items()}


def unfolded(cell: str | None) -> object:
    """A list or an object that a CSV export wrote into one cell, else the cell's text."""
    cell = (cell or "").strip()
    try:
        return json.loads(cell) if cell.startswith(("[", "{")) else cell
    except (ValueError, RecursionError):
        return cell


class Fields:
    """One row's values under normal names, which of them found a use, and what had to be assumed."""

    def __init__(self, row: Json) -> None:
        self.values = {normal(name): value for name, value in flat(row) if value not in (None, "", [], {})}
        self.names = {normal(name): name for name, _ in flat(row)}
        self.used: set[str] = set()
        self.assumed: list[str] = []

    def every(self, target: str, understand: Callable[[Any], T | None]) -> Iterator[T]:
        for name in FIELDS[target].split():
            fresh = name in self.values and name not in self.used
            if fresh and (found := understand(self.values[name])) is not None:
                self.used.add(name)
                yield found

    def first(self, target: str, understand: Callable[[Any], T | None]) -> T | None:
        return next(self.every(target, understand), None)

    def assume(self, assumption: str, instead: T) -> T:
        self.assumed.append(assumption)
        return instead

    def left(self) -> list[str]:
        return [self.names[name] for name in self.values if name not in self.used]


def flat(row: Json, within: str = "") -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, dict) and name in NESTED:
            yield from flat(value, f"{within}{name}.")
        else:
            yield within + name, value


def mapped(fields: Fields, number: int) -> Json:
    kind = fields.first("class", a_class)
    description = story(fields)
    language = fields.first("language", a_language) or guessed(fields, description)
    channel = fields.first("channel", a_channel) or fields.assume("channel not known: website", "website")
    complaint = {
        "channel": channel,
        "class": kind,
        "language": language,
        "received_at": moment(fields),
        "complainant": person(fields, channel, language, number),
        "product": product(fields),
        "description": description,
        "demand": demand(fields),
        "loss": amount(fields, "loss"),
        "facts": facts(fields),
        "play": play(fields),
    }
    return {name: value for name, value in complaint.items() if value}


def story(fields: Fields) -> str:
    title, told = " / ".join(fields.every("title", text)), fields.first("description", text) or ""
    whole = told if told.startswith(title) else f"{title}\n{told}".strip()
    if not whole and (whole := fields.first("class", text) or ""):
        fields.assumed.append("no text: its type stands for it")
    if len(whole) > LONGEST:
        fields.assumed.append(f"description over {LONGEST:,} characters: cut")
    return whole[:LONGEST]


def guessed(fields: Fields, description: str) -> str:
    chinese, latin = (len(re.findall(letters, description)) for letters in ("[\u4e00-\u9fff]", "[A-Za-z]"))
    return fields.assume("language guessed from the script", "zh-CN" if 2 * chinese > latin else "en")


def moment(fields: Fields) -> str | None:
    found = fields.first("received_at", date)
    if found and not found.tzinfo:
        found = fields.assume("date without an offset: read as UTC", found.replace(tzinfo=UTC))
    return found.isoformat() if found else None


def person(fields: Fields, channel: str, language: str, number: int) -> Json:
    found = {part: fields.first(f"complainant.{part}", mail if part == "email" else text) for part in PERSON}
    reachable = found["name"] and (found["email"] or found["phone"] or found["address"])
    wanted = {"name": True, "email": not reachable, "phone": channel in SPOKEN, "address": channel in WRITTEN}
    for part in PERSON:
        if wanted[part] and not found[part]:
            found[part] = PERSON[part][language].format(number, number % 1000)
            fields.assumed.append(f"complainant without {part}: invented")
    return {part: value for part, value in found.items() if value}


def product(fields: Fields) -> Json:
    name = " / ".join(fields.every("product.name", text))
    parts = {part: fields.first(f"product.{part}", text) for part in ("model", "batch", "order")}
    known = {part: value for part, value in parts.items() if value}
    return {"name": name or next(iter(known.values())), **known} if name or known else {}


def demand(fields: Fields) -> Json:
    kind, wanted = fields.first("demand.type", a_demand), amount(fields, "demand.amount")
    if not kind and not wanted:
        return {}
    return {"type": kind or "other"} | ({"amount": wanted} if wanted else {})


def amount(fields: Fields, target: str) -> Json:
    found = fields.first(f"{target}.value", money) or fields.first(f"{target}.usd", money)
    named = fields.first(f"{target}.currency", currency)
    if not found or not found[0]:
        return {}
    taken = [fields.values[name] for name in fields.used & names(target)]
    if any(isinstance(value, list) and len(value) > 1 for value in taken):
        fields.assumed.append("several amounts: the largest taken")
    return {"value": f"{found[0]:.2f}", "currency": found[1] or named or dollars(fields, target)}


def names(target: str) -> set[str]:
    return {name for part in ("value", "usd") for name in FIELDS[f"{target}.{part}"].split()}


def dollars(fields: Fields, target: str) -> str:
    if fields.used & set(FIELDS[f"{target}.usd"].split()):
        return "USD"
    return fields.assume("amount without a currency: read as CNY", "CNY")


def facts(fields: Fields) -> Json:
    found: Json = {}
    for tagged in fields.every("tags", tags):
        found |= {fact: True if Facts.model_fields[fact].annotation is bool else 1 for fact in tagged}
    for fact, shape in Facts.model_fields.items():
        understand: Callable[[Any], int | None] = truth if shape.annotation is bool else count
        if value := max(fields.every(f"facts.{fact}", understand), default=0):
            found[fact] = value
    if found.get("urgent") and truth(fields.values.get("crash")):
        fields.assumed.append("crash: taken as urgent")
    return found


def play(fields: Fields) -> Json:
    scores = {name: fields.first(f"play.{name}", count) for name in ("score", "second_score")}
    slow = {"slow": True} if fields.first("play.slow", truth) else {}
    return {name: score for name, score in scores.items() if score is not None} | slow


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
