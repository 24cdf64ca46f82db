"""The envelope's attributes: what each event says of itself, whatever its type."""

from collections.abc import Mapping
from typing import Any

from shared.contract.meanings import Words
from shared.events import CATALOGUE

UUID_TEXT = {"type": "string", "format": "uuid"}
ATTRIBUTES: Mapping[str, tuple[dict[str, Any], Words]] = {
    "specversion": (
        {"type": "string", "const": "1.0"},
        ("CloudEvents 规范的版本", "The version of CloudEvents that this follows"),
    ),
    "id": (
        UUID_TEXT,
        ("事件编号；与 source 一起识别重复", "The event's id; with `source` it tells a repeat"),
    ),
    "source": (
        {"type": "string", "pattern": "^/redress/[a-z]+$"},
        ("发布该事件的服务", "The service that publishes it, and nobody else does"),
    ),
    "type": (
        {"type": "string"},
        ("事件类型及版本，也是路由键", "What happened, and the version of its form; the routing key, too"),
    ),
    "subject": (
        {"type": "string", "minLength": 1},
        ("投诉编号；或所涉事物的名称", "The complaint's receipt number, or what else the event is about"),
    ),
    "time": (
        {"type": "string", "format": "date-time"},
        ("发生时间（UTC）", "When it happened, in UTC"),
    ),
    "datacontenttype": (
        {"type": "string", "const": "application/json"},
        ("data 的媒体类型", "The media type of `data`"),
    ),
    "dataschema": (
        {"type": "string", "format": "uri-reference"},
        ("data 的 JSON Schema 地址（在 intake 上）", "Where intake serves the JSON Schema of `data`"),
    ),
    "correlationid": (
        UUID_TEXT,
        ("投诉的 id；或所涉事物的 id", "The complaint's id, or the id of what else the event is about"),
    ),
    "causationid": (
        UUID_TEXT,
        ("引起该事件的事件或命令", "The event or command that caused this one"),
    ),
    "sequence": (
        {"type": "string", "pattern": "^[0-9]{1,19}$"},
        (
            "同一 source 对同一 correlationid 所发事件的顺序号，补零",
            "The order among the events of one `source` about one `correlationid`, padded with zeros",
        ),
    ),
    "traceparent": (
        {"type": "string"},
        ("W3C 链路追踪上下文", "The trace that it belongs to (W3C Trace Context)"),
    ),
}
"""Attribute -> its form, and what it means in zh-CN and en. Source: CloudEvents 1.0.2 and its extensions."""
ALWAYS = tuple(name for name in ATTRIBUTES if name not in ("causationid", "traceparent"))


def envelope_schema() -> dict[str, Any]:
    """The schema of an event without what its type says; `data` is of any form here."""
    told = {name: form | {"description": meaning[1]} for name, (form, meaning) in ATTRIBUTES.items()}
    return {
        "title": "Envelope",
        "description": "A CloudEvent in JSON. Attributes that are not here may come: ignore them.",
        "type": "object",
        "properties": told | {"data": {"type": "object", "description": "What the type says"}},
        "required": [*ALWAYS, "data"],
    }


def event_schema(type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a whole event of this type; `data` is that of its data, or a reference to it."""
    whole = envelope_schema()
    fixed = {
        "type": {"const": type},
        "source": {"const": f"/redress/{CATALOGUE[type].owner}"},
        "dataschema": {"const": f"/schemas/{type}.json"},
    }
    for name, constant in fixed.items():
        whole["properties"][name] = whole["properties"][name] | constant
    whole["properties"]["data"] = dict(data)
    return whole | {"title": type, "description": "One event."}
