"""The AsyncAPI document: everything that is published to everybody, as a subscribing team receives it.

Source: AsyncAPI 3.0.0 with AMQP bindings 0.3.0; schemas are written so that they mean the same in JSON Schema
draft 7, which AsyncAPI builds on, as in 2020-12.
"""

from collections.abc import Mapping
from typing import Any

from shared.contract.attributes import event_schema
from shared.contract.releases import at_work, examples, released
from shared.contract.schemas import schemas
from shared.envelope import BATCH
from shared.events import CATALOGUE, FOR_PARTNERS, Fact

EXCHANGE, VHOST = "redress.events", "redress"
LARGEST_BATCH = 1_000
BINDING = "0.3.0"
Part = dict[str, Any]
OWNERS: Mapping[str, tuple[str, str]] = {
    "intake": ("登记", "The record: the complaint and its stages, spot checks, orders and trends"),
    "triage": ("分级", "The judgement: grades with their reasons, and the departments that must answer"),
    "sla": ("时限", "The clock: deadlines and calendars"),
    "notify": ("通知", "The voice: what customers and departments are told, and webhooks"),
    "survey": ("调查", "The ear: whether the customer was content"),
}
RULES = """
Everything that Redress publishes to other teams: facts in the past tense, on one topic exchange. There are
events for its own services besides; they hold personal data, go over another exchange, and are not here.

**One message, several events.** The body is a CloudEvents JSON batch: an array of one or more events of one
type. Handle each for itself.

**Repeats.** Events come at least once. `source` and `id` together tell a repeat.

**Order.** None is promised between messages. Of the events of one `source` about one `correlationid` (most
often a complaint), `sequence` is the order; compare it as a number. Keep the highest you have handled, and
ignore what an older event says of the same thing. A gap means that an event is private, of a type that you
did not ask for, or still on its way.

**Retention.** Your queue holds what your team was given room for. The stream `redress.history` holds public
events for 30 days, at most 20 GB, and replays them.

**What may come.** Fields that you do not know, and values that you do not know where a list is open: a
schema names the known values and takes any text besides. Everything else about an event stays as it is as
long as its version does; another form is another type (`.v2`), published beside the first for as long as the
history holds the first. What is absent was left out; nothing is ever null.

**What never comes.** Names, contacts and words of customers, and names of staff.

**Webhooks** carry the same events, one in each request. Partners get those that say so here, and of their
own complaints only.
"""
PROPERTIES = {
    "message_id": "Of the message, not of its events: tells messages apart in logs",
    "type": "The type of all events in it; the same as the routing key",
    "app_id": "The service that published it; `user_id` is the same, checked by the broker",
    "content_type": BATCH,
    "delivery_mode": "2: the broker keeps it on disk",
    "timestamp": "Not set: each event has its own `time`",
}


def asyncapi() -> Part:
    """The document, whole."""
    public = {type: kind for type, kind in CATALOGUE.items() if not kind.private}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:redress:events",
        "info": {
            "title": "Redress events",
            "version": version(),
            "description": RULES.strip(),
            "tags": [{"name": name, "description": about[1]} for name, about in OWNERS.items()],
        },
        "defaultContentType": BATCH,
        "servers": {"broker": _server("amqp", "5672"), "brokerTls": _server("amqps", "5671")},
        "channels": {type: _channel(type, kind) for type, kind in public.items()},
        "operations": {_operation_name(kind): _operation(type, kind) for type, kind in public.items()},
        "components": {
            "schemas": _schemas(public),
            "messages": {type: _message(type, kind) for type, kind in public.items()},
            "securitySchemes": {
                "team": {"type": "userPassword", "description": "The broker user of your team"}
            },
        },
    }


def version() -> str:
    """That of the last release; of the next one, and `-next`, where the code has more than was released."""
    now = at_work().version
    return now if now == released().version else f"{now}-next"


def meaning_of(kind: type[Fact]) -> str:
    """What has happened, in the words of the event's class."""
    return " ".join((kind.__doc__ or "").split())


def _server(protocol: str, port: str) -> Part:
    return {
        "host": "{host}:{port}",
        "protocol": protocol,
        "protocolVersion": "0.9.1",
        "pathname": f"/{VHOST}",
        "description": "The broker of your installation",
        "variables": {
            "host": {"default": "localhost", "description": "As whoever runs Redress tells you"},
            "port": {"default": port},
        },
        "security": [{"$ref": "#/components/securitySchemes/team"}],
        "tags": [{"name": "broker"}],
    }


def _channel(type: str, kind: type[Fact]) -> Part:
    exchange = {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": VHOST}
    return {
        "address": type,
        "title": type,
        "summary": _sentence(kind),
        "messages": {"batch": {"$ref": f"#/components/messages/{type}"}},
        "servers": [{"$ref": "#/servers/broker"}, {"$ref": "#/servers/brokerTls"}],
        "tags": [{"name": kind.owner}],
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
    }


def _operation_name(kind: type[Fact]) -> str:
    return f"receive{kind.__name__}V{kind.type.rpartition('.v')[2]}"


def _operation(type: str, kind: type[Fact]) -> Part:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{type}"},
        "summary": _sentence(kind),
        "messages": [{"$ref": f"#/channels/{type}/messages/batch"}],
        "tags": [{"name": kind.owner}],
        "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
    }


def _sentence(kind: type[Fact]) -> str:
    first, stop, _ = meaning_of(kind).partition(". ")
    return first + "." if stop else first


def _message(type: str, kind: type[Fact]) -> Part:
    told: Part = {
        "name": type,
        "title": type,
        "summary": _sentence(kind),
        "description": meaning_of(kind),
        "contentType": BATCH,
        "correlationId": {
            "description": "Of the first event; each has its own",
            "location": "$message.payload#/0/correlationid",
        },
        "tags": [{"name": kind.owner}, *([{"name": "partners"}] if type in FOR_PARTNERS else [])],
        "bindings": {"amqp": {"messageType": type, "bindingVersion": BINDING}},
        "payload": {
            "type": "array",
            "description": "A CloudEvents JSON batch: events of this type only.",
            "items": {"$ref": f"#/components/schemas/{type}.event"},
            "minItems": 1,
            "maxItems": LARGEST_BATCH,
        },
        "x-amqp-properties": PROPERTIES,
        "x-since": at_work().events[type].since,
        "x-for-partners": type in FOR_PARTNERS,
    }
    example = examples().get(type)
    return told | ({"examples": [{"name": "real", "payload": [example]}]} if example else {})


def _schemas(public: Mapping[str, type[Fact]]) -> Part:
    """Each event's data, each event whole, and the values that several of them share."""
    found: Part = {}
    shared: Part = {}
    for type in public:
        schema = dict(schemas()[type])
        for own in ("$schema", "$id"):
            schema.pop(own)
        for name, part in schema.pop("$defs", {}).items():
            assert shared.setdefault(name, part) == part, f"two values are called {name}"
        found[f"{type}.event"] = event_schema(type, {"$ref": f"#/components/schemas/{type}"})
        found[type] = schema
    return {name: _pointed(each) for name, each in (found | shared).items()}


def _pointed(part: Any) -> Any:
    """The same with references to where the document keeps schemas."""
    match part:
        case {"$ref": str(name), **beside}:
            return {"$ref": name.replace("#/$defs/", "#/components/schemas/")} | beside
        case dict():
            return {name: _pointed(each) for name, each in part.items()}
        case list():
            return [_pointed(each) for each in part]
    return part
