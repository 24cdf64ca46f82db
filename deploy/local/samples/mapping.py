"""Mapping: a row of any file as the body of POST /v1/complaints, and what had to be assumed for it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any, TypeVar

from deploy.local.samples.words import (
    FIELDS,
    LONGEST,
    NESTED,
    PERSON,
    SPOKEN,
    WRITTEN,
    a_channel,
    a_class,
    a_demand,
    a_language,
    count,
    currency,
    date,
    mail,
    money,
    normal,
    tags,
    text,
    truth,
)
from shared.events import SafetyFacts

T = TypeVar("T")
Json = dict[str, Any]


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
    return {"name": (name or next(iter(known.values())))[:100], **known} if name or known else {}


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
        found |= {fact: True if SafetyFacts.model_fields[fact].annotation is bool else 1 for fact in tagged}
    for fact, shape in SafetyFacts.model_fields.items():
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
