"""The broker's definitions and the database's roles say exactly what the code needs, and nothing more."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pkgutil import iter_modules
from typing import Any

import pytest

from deploy.parked.messages import OPERATIONS
from deploy.provision import ADMIN, COLLECTIONS, DEFINITIONS, SERVICES
from shared.bus import EVENTS, OPERATOR, PARKED, PRIVATE, TIERS
from shared.events import CATALOGUE
from shared.history import HISTORY
from shared.inbox import Inbox
from shared.mongo import Store

FILE: dict[str, list[dict[str, Any]]] = json.loads(DEFINITIONS.read_text("utf-8"))
EXCHANGES = {exchange["name"]: exchange for exchange in FILE["exchanges"]}
QUEUES = {queue["name"]: queue for queue in FILE["queues"]}
PERMISSIONS = {entry["user"]: entry for entry in FILE["permissions"]}
BINDINGS = [(each["source"], each["destination"], each["routing_key"]) for each in FILE["bindings"]]
SECONDS = {"s": 1, "m": 60, "h": 3_600}
SAFE = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # without it the broker falls back to at-most-once
}


def inbox(service: str) -> Inbox:
    found = import_module(f"services.{service}.listeners").inbox
    assert isinstance(found, Inbox)
    return found


def home(type: str) -> str:
    """The exchange an event belongs on."""
    return PRIVATE if CATALOGUE[type].private else EVENTS


def may(user: str, verb: str, name: str, key: str | None = None) -> bool:
    """As the broker reads it: an unanchored search; an exchange without a topic permission takes any key."""
    topics = [
        entry[verb]
        for entry in FILE["topic_permissions"]
        if (entry["user"], entry["exchange"]) == (user, name)
    ]
    allowed = re.search(PERMISSIONS[user][verb], name) is not None
    return allowed and (key is None or all(re.search(topic, key) for topic in topics))


# who hears what


def test_the_services_are_those_in_the_tree() -> None:
    rooms = sorted(path.parent.name for path in DEFINITIONS.parents[2].glob("services/*/app.py"))
    assert sorted(SERVICES) == sorted(COLLECTIONS) == rooms
    assert {inbox(service).service for service in SERVICES} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_an_inbox_is_bound_to_what_its_listeners_hear_and_to_nothing_else(service: str) -> None:
    bound = Counter((source, key) for source, queue, key in BINDINGS if queue == f"{service}.inbox")
    assert bound == Counter((home(type), type) for type in inbox(service).types)


@pytest.mark.parametrize("type", CATALOGUE)
def test_every_event_arrives_somewhere_so_that_none_is_returned(type: str) -> None:
    heard_by = [service for service in SERVICES if type in inbox(service).types]
    assert heard_by or not CATALOGUE[type].private, "a private event goes to inboxes alone"


def test_the_history_keeps_every_public_event_and_no_private_one() -> None:
    assert [each for each in BINDINGS if each[1] == "redress.history"] == [(EVENTS, "redress.history", "#")]
    assert QUEUES["redress.history"]["arguments"] == {"x-queue-type": "stream"}, "arguments cannot be changed"


def test_how_long_history_is_kept_is_a_policy_that_an_operator_can_change() -> None:
    (policy,) = (each for each in FILE["policies"] if each["name"] == "history")
    assert [name for name in QUEUES if re.search(policy["pattern"], name)] == ["redress.history"]
    assert policy["priority"] == 0, "so that any other goes before it"
    kept = policy["definition"]
    assert kept["max-age"] == "30D"
    assert 100 * kept["stream-max-segment-size-bytes"] < kept["max-length-bytes"], (
        "whole segments are removed"
    )


def test_bindings_join_what_exists() -> None:
    assert {source for source, *_ in BINDINGS} == set(EXCHANGES)
    assert {queue for _, queue, _ in BINDINGS} == set(QUEUES) - {OPERATIONS}
    assert {each["destination_type"] for each in FILE["bindings"]} == {"queue"}
    assert [each["arguments"] for each in FILE["bindings"] if each["arguments"]] == []


def test_everything_lies_in_one_virtual_host_and_survives_a_restart() -> None:
    parts = ("permissions", "topic_permissions", "exchanges", "queues", "bindings")
    assert {each["vhost"] for part in parts for each in FILE[part]} == {"redress"}
    assert all(each["durable"] and not each["auto_delete"] for each in FILE["exchanges"] + FILE["queues"])


def test_names_are_declared_once() -> None:
    named = ("users", "exchanges", "queues")
    assert [len(FILE[part]) for part in named] == [
        len({each["name"] for each in FILE[part]}) for part in named
    ]
    assert len(FILE["permissions"]) == len(PERMISSIONS)


# who may do what


def test_the_users_are_the_services_and_the_operator_without_passwords() -> None:
    assert [user["name"] for user in FILE["users"]] == [*SERVICES, OPERATOR, ADMIN]
    assert {key for user in FILE["users"] for key in user} == {"name", "tags"}
    assert {user["name"]: user["tags"] for user in FILE["users"] if user["tags"]} == {
        OPERATOR: ["monitoring"],
        ADMIN: ["administrator"],
    }
    assert set(PERMISSIONS) == {*SERVICES, OPERATOR, ADMIN}


@pytest.mark.parametrize("user", [*SERVICES, OPERATOR])
def test_nobody_who_works_here_may_declare_anything(user: str) -> None:
    assert PERMISSIONS[user]["configure"] == "^$"


@pytest.mark.parametrize("verb", ["configure", "write", "read"])
def test_whoever_lets_teams_in_touches_their_queues_alone(verb: str) -> None:
    names = {*EXCHANGES, *QUEUES, "amq.default", "team.crm"}
    shared = {EVENTS} if verb == "read" else set()  # to bind a queue to it
    assert {name for name in names if may(ADMIN, verb, name)} == {"team.crm", *shared}


@pytest.mark.parametrize("user", PERMISSIONS)
def test_a_user_may_publish_its_own_events_where_they_belong_and_no_others(user: str) -> None:
    allowed = {
        (at, type) for at, type in product((EVENTS, PRIVATE), CATALOGUE) if may(user, "write", at, type)
    }
    assert allowed == {(home(type), type) for type, kind in CATALOGUE.items() if kind.owner == user}


@pytest.mark.parametrize("user", PERMISSIONS)
def test_a_name_that_only_resembles_an_event_may_not_be_published(user: str) -> None:
    alike = {
        a for type in CATALOGUE for a in (f"x{type}", f"{type}x", type.replace(".", "x"), f"x.{type}", "#")
    }
    assert [key for at, key in product((EVENTS, PRIVATE), alike) if may(user, "write", at, key)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_use_its_exchanges_and_read_its_inbox(service: str) -> None:
    writes = {
        name for name in [*EXCHANGES, *QUEUES, "amq.default", "amq.topic"] if may(service, "write", name)
    }
    assert writes == {EVENTS, PRIVATE, PARKED, *(f"redress.retry.{tier}" for tier in TIERS)}
    history = {HISTORY} if service == "intake" else set()
    assert {name for name in [*EXCHANGES, *QUEUES] if may(service, "read", name)} == {
        f"{service}.inbox",
        *history,
    }


def test_the_operator_may_read_what_is_parked_and_send_it_back() -> None:
    reads = {queue for queue in QUEUES if may(OPERATOR, "read", queue)}
    assert reads == {HISTORY, OPERATIONS, *(f"{service}.parked" for service in SERVICES)}
    assert {name for name in [*EXCHANGES, *QUEUES, "amq.default"] if may(OPERATOR, "write", name)} == {
        "amq.default"
    }


# what becomes of an event that fails


@pytest.mark.parametrize("service", SERVICES)
def test_an_inbox_loses_nothing(service: str) -> None:
    arguments = dict(QUEUES[f"{service}.inbox"]["arguments"])
    assert arguments.pop("x-delivery-limit") >= 3
    parked = {"x-dead-letter-exchange": PARKED, "x-dead-letter-routing-key": service}
    assert arguments == SAFE | parked


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_parks_lies_in_its_own_queue(service: str) -> None:
    assert [queue for source, queue, key in BINDINGS if (source, key) == (PARKED, service)] == [
        f"{service}.parked"
    ]
    assert QUEUES[f"{service}.parked"]["arguments"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000,
    }  # looking must not drop
    assert EXCHANGES[PARKED]["type"] == "topic", "so that the broker checks who parks for whom"
    assert [each for each in SERVICES if may(each, "write", PARKED, service)] == [service]


@pytest.mark.parametrize("tier", TIERS)
def test_a_delay_lasts_as_long_as_its_name_says_then_leads_back_to_the_inbox(tier: str) -> None:
    name = f"redress.retry.{tier}"
    wait = int(tier[:-1]) * SECONDS[tier[-1]] * 1_000
    assert QUEUES[name]["arguments"] == SAFE | {"x-message-ttl": wait, "x-dead-letter-exchange": ""}
    assert EXCHANGES[name]["type"] == "topic", "so that the broker checks whose inbox it leads back to"
    assert [(queue, key) for source, queue, key in BINDINGS if source == name] == [
        (name, f"{service}.inbox") for service in SERVICES
    ], "no queue but an inbox"
    keys = [*QUEUES, "redress-operations", "xintake.inbox", "intake.inboxx", "intakexinbox", "team.crm", ""]
    for user in SERVICES:
        assert [key for key in keys if may(user, "write", name, key)] == [f"{user}.inbox"]


def test_every_delay_is_used_and_each_is_longer_than_the_one_before() -> None:
    waits = [QUEUES[f"redress.retry.{tier}"]["arguments"]["x-message-ttl"] for tier in TIERS]
    assert waits == sorted(set(waits))
    assert {name for name in QUEUES if ".retry." in name} == {f"redress.retry.{tier}" for tier in TIERS}


def test_there_is_no_queue_that_nobody_knows() -> None:
    own = {f"{service}.{kind}" for service in SERVICES for kind in ("inbox", "parked")}
    assert set(QUEUES) == own | {f"redress.retry.{tier}" for tier in TIERS} | {HISTORY, OPERATIONS}
    assert {name: each["type"] for name, each in EXCHANGES.items() if name in (EVENTS, PRIVATE)} == {
        EVENTS: "topic",
        PRIVATE: "topic",
    }


# the database


def stores(service: str) -> Iterator[Store[Any]]:
    room = import_module(f"services.{service}.store")
    parts = [each.name for each in iter_modules(getattr(room, "__path__", []))]
    for module in [room, *(import_module(f"{room.__name__}.{part}") for part in parts)]:
        yield from (value for value in vars(module).values() if isinstance(value, Store))


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_role_covers_the_collection_its_service_declares(service: str) -> None:
    assert {(store.service, store.name) for store in stores(service)} == {(service, COLLECTIONS[service])}
