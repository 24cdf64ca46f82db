"""Views: a complaint as this reader may see it, with the texts that were opened for them.

Source: the visibility rules of the packs, such as that whoever is complained about does not learn who
wrote the complaint down (P08).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.roles import Actor, roles_on
from services.intake.domain.surveys import rounds

NEVER = {
    "caller",
    "request",
    "digest",
    "traceparent",
    "requests",
    "edition",
    "stays",
    "held_since",
    "deadlines",
    "personal",
    "person",
    "withheld",
    "has",
}
INSIDE = {
    "actions", "approvals", "disowned", "respondents", "handler", "recorder", "emergency",
    "root_cause", "related", "exceeds", "surveys",
}  # fmt: skip
"""What partners do not see."""
CONTACT = ("email", "phone", "address")
WHO = {"by", "instead_of", "handler", "owner", "spokesperson", "team", "disowned"}
"""Fields that name people of the house."""


def hidden_from(state: Complaint, reader: Actor) -> set[str]:
    """The fields that rules of the pack keep from this reader."""
    roles = roles_on(reader, state.respondents)
    return {name for rule in pack_of(state).visibility if set(rule.roles) & roles for name in rule.fields}


def view(
    state: Complaint, texts: Mapping[str, str], reader: Actor, since: Complaint | None = None
) -> dict[str, Any]:
    """The record as JSON; `texts` are the opened ones by the names under which they are kept.

    Of one as it once stood the reader sees no more than of it as it is `since`.
    """
    hidden = hidden_from(state, reader) | hidden_from(since or state, reader)
    shown = state.model_dump(mode="json", by_alias=True, exclude=NEVER)
    shown["surveys"] = {
        cycle: each.model_dump(mode="json") | {"score": state.scores.get(cycle)}
        for cycle, each in rounds(state).items()
    }
    shown["given"] |= _given(texts)
    shown["details"] |= {
        name.removeprefix("details/"): from_json(text)
        for name, text in texts.items()
        if name.startswith("details/")
    }
    for entry in (*shown["actions"], *shown["notes"], *shown["evidence"]):
        entry |= {field: texts[name] for field, name in entry.pop("words").items() if name in texts}
    shown["outcome"] = state.outcome if state.closed_at else None
    for name in ("reply", "summary"):
        shown[name] = texts.get(shown[name]) if shown[name] else None
    if reader.is_partner:
        shown = _for_partner(shown)
    shown = _without(shown, hidden)
    masked: dict[str, Any] = _masked(shown, nobodies(state, hidden))
    return masked


def nobodies(state: Complaint, hidden: Collection[str]) -> set[str]:
    """Whose names a reader does not see: who wrote it down, if the pack keeps that from them."""
    return {state.recorder, state.caller} if "recorder" in hidden else set()


def _masked(value: Any, names: set[str], who: bool = False) -> Any:
    """The same with nobody in the place of these people, whatever they did."""
    match value:
        case dict():
            return {field: _masked(each, names, field in WHO) for field, each in value.items()}
        case list():
            return [_masked(each, names, who) for each in value]
    return None if who and value in names else value


def _given(texts: Mapping[str, str]) -> dict[str, Any]:
    contact = texts.get("complainant")
    return {
        "complainant": from_json(contact) if contact else None,
        "description": texts.get("statement"),
        "order": texts.get("order"),
        "place": texts.get("place"),
    }


def _for_partner(shown: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in shown.items() if name not in INSIDE}
    for name in ("notes", "evidence"):
        kept[name] = [each for each in shown[name] if each["visibility"] == "partner"]
    if kept["solution"]:
        kept["solution"] = {n: v for n, v in kept["solution"].items() if n not in ("by", "owner")}
    return kept


def _without(shown: dict[str, Any], hidden: Iterable[str]) -> dict[str, Any]:
    """The same without these fields, wherever they show."""
    contact = shown["given"]["complainant"] or {}
    for field in hidden:
        match field:
            case "contact":
                contact = {name: value for name, value in contact.items() if name not in CONTACT}
            case "name" | "email" | "phone" | "address":
                contact = {name: value for name, value in contact.items() if name != field}
            case _:
                for part in (shown, shown["given"], shown["details"]):
                    part.pop(field, None)
    shown["given"]["complainant"] = contact or None
    return shown
