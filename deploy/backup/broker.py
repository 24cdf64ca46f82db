"""What the broker knows beside the house's own topology: other teams' users, queues and bindings."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from deploy.management import Broker
from deploy.provision import DEFINITIONS, VHOST

Definitions = dict[str, list[dict[str, Any]]]
PATIENCE_S = 60.0
_OWN: Mapping[str, list[dict[str, Any]]] = json.loads(DEFINITIONS.read_text("utf-8"))


def others(url: str) -> Definitions:
    """The definitions that are not the house's own, users with the hashes of their passwords.

    The house's own come with every start of the broker. Raises Problem.
    """
    told = Broker(url).told("definitions")
    users, queues, exchanges = (
        {each["name"] for each in _OWN[part]} for part in ("users", "queues", "exchanges")
    )
    keep: dict[str, Callable[[dict[str, Any]], bool]] = {
        "users": lambda each: each["name"] not in users,
        "permissions": lambda each: each["user"] not in users,
        "topic_permissions": lambda each: each["user"] not in users,
        "queues": lambda each: each["name"] not in queues,
        "exchanges": lambda each: each["name"] not in exchanges,
        "bindings": lambda each: each["destination"] not in queues | exchanges,
        "policies": lambda each: True,
    }
    return {
        part: [each for each in told.get(part, ()) if each.get("vhost", VHOST) == VHOST and wanted(each)]
        for part, wanted in keep.items()
    }


def bring_back(url: str, definitions: Definitions) -> None:
    """Tell the broker of them again; the same words twice change nothing. Raises Problem."""
    Broker(url).post("definitions", **definitions)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A queue at a moment: what it holds, who reads it, and how many it has been rid of so far."""

    held: int
    readers: int
    done: int


def stuck(url: str, patience: float = PATIENCE_S) -> dict[str, int]:
    """What may have waited long: the house's inboxes that are not worked off, and delays that are not over.

    An inbox is first in, first out: once it is rid of as many as it held, none of those is left. It gets
    `patience` seconds for that, and none if nobody reads it. Raises Unavailable.
    """
    end = monotonic() + patience
    first = _seen(url)
    left = {name: each for name, each in first.items() if each.held}
    while any(each.readers or _is_delay(name) for name, each in left.items()) and monotonic() < end:
        sleep(1)
        now = _seen(url)
        left = {
            name: now[name]
            for name in left
            if now[name].held and (_is_delay(name) or now[name].done - first[name].done < first[name].held)
        }
    return {name: each.held for name, each in left.items()}


def _is_delay(name: str) -> bool:
    return ".retry." in name


def _seen(url: str) -> dict[str, _Seen]:
    found = Broker(url).told("queues", VHOST)
    ways = {
        each["name"] for each in _OWN["queues"] if each["name"].endswith(".inbox") or _is_delay(each["name"])
    }
    return {
        each["name"]: _Seen(
            each.get("messages", 0), each.get("consumers", 0), each.get("message_stats", {}).get("ack", 0)
        )
        for each in found
        if each["name"] in ways
    }


def waiting(url: str) -> dict[str, int]:
    """How many messages each queue of the house holds, as the broker last counted. Raises Problem."""
    found = Broker(url).told("queues", VHOST)
    own = {each["name"] for each in _OWN["queues"]}
    return {each["name"]: each.get("messages", 0) for each in found if each["name"] in own}
