"""What a team's user may do at the broker, action by action: read its own queue, and nothing else."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPException

from deploy.provision import DEFINITIONS, VHOST, password_hash
from shared.bus import EVENTS, PRIVATE
from tests.subscribers.gate import Gate, logged_in

FILE: dict[str, list[dict[str, Any]]] = json.loads(DEFINITIONS.read_text("utf-8"))
EXCHANGES = [*(each["name"] for each in FILE["exchanges"]), "team.lost"]
BUILT_IN = ["amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"]
OWN, OTHER = "team.crm", "team.bi"
QUEUES = [each["name"] for each in FILE["queues"] if each["arguments"]["x-queue-type"] != "stream"]
Action = Callable[[AbstractChannel], Awaitable[Any]]


def publish(exchange: str, key: str) -> Action:
    async def act(channel: AbstractChannel) -> None:
        to = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        await to.publish(aio_pika.Message(b"[]"), key, mandatory=False)

    return act


def consume(queue: str, offset: str | None = None) -> Action:
    async def act(channel: AbstractChannel) -> None:
        await channel.set_qos(prefetch_count=1)
        found = await channel.get_queue(queue, ensure=False)
        arguments: Any = {"x-stream-offset": offset} if offset else None
        await found.consume(_put_back, arguments=arguments)

    return act


async def _put_back(message: AbstractIncomingMessage) -> None:
    await message.nack()


def declare(queue: str) -> Action:
    return lambda channel: channel.declare_queue(queue, durable=True)


def on_queue(queue: str, verb: str, *words: Any, **named: Any) -> Action:
    async def act(channel: AbstractChannel) -> None:
        await getattr(await channel.get_queue(queue, ensure=False), verb)(*words, **named)

    return act


def on_exchange(exchange: str, verb: str, *words: Any) -> Action:
    async def act(channel: AbstractChannel) -> None:
        await getattr(await channel.get_exchange(exchange, ensure=False), verb)(*words)

    return act


def actions() -> dict[str, Action]:
    """All that one can try, by what it is called."""
    queues = [*QUEUES, OTHER, f"{OWN}.lost", f"{OTHER}.lost"]
    keys = {EVENTS: "complaint.closed.v1", PRIVATE: "contact.recorded.v1"}
    found = {
        f"publish to {name}": publish(name, keys.get(name, "intake")) for name in [*EXCHANGES, *BUILT_IN]
    }
    found |= {f"publish to queue {name}": publish("", name) for name in [OWN, *queues]}
    for name in [OWN, *queues]:
        found |= {
            f"consume {name}": consume(name),
            f"get {name}": on_queue(name, "get", fail=False),
            f"purge {name}": on_queue(name, "purge"),
            f"delete {name}": on_queue(name, "delete", if_unused=False, if_empty=False),
            f"declare {name}": declare(name),
        }
    for name in [*EXCHANGES, *BUILT_IN]:
        found |= {
            f"bind own to {name}": on_queue(OWN, "bind", name, "#"),
            f"unbind own from {name}": on_queue(OWN, "unbind", name, "#"),
            f"delete exchange {name}": on_exchange(name, "delete"),
            f"bind exchange to {name}": on_exchange("amq.topic", "bind", name, "#"),
        }
    return found | {
        "consume history": consume("redress.history", "first"),
        "purge history": on_queue("redress.history", "purge"),
        "declare one more": declare("team.crm.more"),
        "declare a nameless one": lambda channel: channel.declare_queue(exclusive=True),
        "declare an exchange": lambda channel: channel.declare_exchange("team.crm", durable=True),
    }


async def allowed(url: str, action: Action) -> bool:
    """Whether the broker lets it happen; only a refusal of access counts as one."""
    async with logged_in(url) as channel:
        try:
            await action(channel)
        except AMQPException as error:
            if "ACCESS_REFUSED" not in str(error):
                raise
            return False
    return True


async def test_a_team_reads_its_own_queue_and_may_do_nothing_else(gate: Gate) -> None:
    url = gate.add("crm", "complaint.*.v1")
    gate.add("bi", "#")
    tried = actions()
    found = {name: await allowed(url, action) for name, action in tried.items()}
    assert len(found) > 150
    assert {name for name, well in found.items() if well} == {
        f"{verb} {OWN}" for verb in ("consume", "get", "purge")
    }


async def test_a_team_can_ask_how_much_waits_elsewhere_as_the_manual_says(gate: Gate) -> None:
    """The broker checks no right for it; should it ever do so, the manual can say something better."""
    url = gate.add("crm")
    gate.add("bi")
    async with logged_in(url) as channel:
        found = await channel.declare_queue(OTHER, passive=True)
    assert found.declaration_result.message_count == 0


@pytest.mark.parametrize("grant", ["configure", "write", "read"])
async def test_rights_granted_by_mistake_open_no_topic(gate: Gate, grant: str) -> None:
    url = gate.add("crm", "complaint.*.v1")
    rights = {"configure": "^$", "write": "^$", "read": "^team\\.crm$", grant: ".*"}
    gate.root.put("permissions", VHOST, OWN, **rights | ({"write": ".*"} if grant == "read" else {}))
    topics = [
        f"{verb} {name}" for name in (EVENTS, PRIVATE, "amq.topic") for verb in ("publish to", "bind own to")
    ]
    tried = actions()
    assert [name for name in topics if await allowed(url, tried[name])] == []
    control = {
        "configure": "delete exchange amq.topic",
        "write": "publish to amq.direct",
        "read": "bind own to amq.direct",
    }
    if grant != "configure":
        assert await allowed(url, tried[control[grant]]), "the grant itself has taken effect"


async def test_no_other_virtual_host_opens(gate: Gate) -> None:
    url = gate.add("crm")
    gate.root.put("vhosts", "elsewhere")
    try:
        for other in ("elsewhere", "%2F"):
            with pytest.raises((AMQPException, ConnectionError)):
                async with logged_in(url.replace("/redress?", f"/{other}?")):
                    pass
    finally:
        gate.root.delete("vhosts", "elsewhere")


@pytest.mark.parametrize("path", ["whoami", "overview", "queues", "users", "definitions"])
async def test_management_does_not_know_a_team(gate: Gate, path: str) -> None:
    password = gate.add("crm").partition("@")[0].rpartition(":")[2]
    async with httpx.AsyncClient(auth=(OWN, password), trust_env=False) as client:
        answer = await client.get(f"http://{gate.servers.management}/api/{path}")
    assert answer.status_code == 401


async def test_a_team_speaks_under_no_other_name(gate: Gate) -> None:
    url = gate.add("crm")
    gate.root.put("users", "looker", password_hash=password_hash("x"), tags="")
    for name in ("looker", "intake", "operator", "admin", "guest", ""):
        with pytest.raises((AMQPException, ConnectionError)):
            async with logged_in(url.replace(f"{OWN}:", f"{name}:")):
                pass
    gate.root.delete("users", "looker")


async def test_connections_and_channels_have_a_limit(gate: Gate) -> None:
    url = gate.add("limited", connections=2)
    async with logged_in(url), await aio_pika.connect(url) as second:
        with pytest.raises((AMQPException, ConnectionError)):
            async with logged_in(url):
                pass
        opened = [await second.channel() for _ in range(7)]
        with pytest.raises((AMQPException, ConnectionError)):
            await (await second.channel()).set_qos(prefetch_count=1)
        assert len(opened) == 7
