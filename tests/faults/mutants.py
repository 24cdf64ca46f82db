"""`python -m tests.faults.mutants`: an experiment for each safety, which must fail once the safety is off."""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import aio_pika
import structlog
from pydantic import BaseModel

from deploy.local.endpoints import Endpoints
from deploy.local.install import install
from deploy.local.servers import Servers
from shared import clock, sealing
from shared.bus import Parcel, Publisher
from shared.driver import index
from shared.envelope import Cause, batch, to_cloudevent, write
from shared.events import ComplaintRegistered, Fact
from shared.inbox import Inbox
from shared.mongo import Store
from shared.outbox import Relay
from shared.problems import Unavailable
from shared.timers import fire_due
from tests.faults.mutant import MUTANTS
from tests.kit.complaint import registered
from tests.kit.toy import add, admin_of, cause, channel_of, take_all, toy_store

UNBOUND = "contact.recorded.v9"
"""A type that intake may publish and no queue is bound to."""
NOWHERE = "amqp://nobody@127.0.0.1:1/"
Experiment = Callable[[Endpoints], Awaitable[str]]
"""What it found wrong, in words; nothing if all was well."""


async def a_cause_comes_again(servers: Endpoints) -> str:
    """The same event three times has one effect."""
    id = uuid4()
    same = cause(id, "news")
    async with toy_store(servers) as store:
        for _ in range(3):
            await store.update(id, add, same)
        saved = await store.get(id)
    count = saved.state.count if saved and saved.state else 0
    return "" if count == 1 else f"one cause had {count} effects"


async def the_broker_is_away(servers: Endpoints) -> str:
    """What could not be published is owed still."""
    id = uuid4()
    async with toy_store(servers) as store:
        relay = Relay(store, Publisher(NOWHERE, "triage"))
        store._committer.on_owed = relay.owe
        await store.update(id, add, cause(id))
        with suppress(Unavailable):
            await relay._round()
        async with admin_of(servers) as client:
            owing = await client["triage"]["gradings"].count_documents(
                {"_id": id, "outbox.0": {"$exists": True}}
            )
    return "" if owing else "an event that nobody published is owed no more"


async def two_decide_at_once(servers: Endpoints) -> str:
    """Whoever decided on an older version has lost the race."""
    id = uuid4()
    async with toy_store(servers) as one, toy_store(servers) as other:
        await one.update(id, add, cause(id, "first"))
        slow = (await one.load({id}))[id]
        slow.decide(add, cause(id, "slow"), "triage", journal=None)
        await other.update(id, add, cause(id, "quick"))
        lost, _ = await one.write([slow])
    return "" if lost == {id} else "a change was decided on an older version, and written"


async def nobody_listens(servers: Endpoints) -> str:
    """What no queue takes is not taken for published."""
    publisher = Publisher(servers.amqp_url("intake"), "intake")
    try:
        taken = await publisher.publish([Parcel("redress.private", UNBOUND, UNBOUND, b"[]")])
    finally:
        await publisher.close()
    return "" if taken == [False] else "an event without a queue was taken for published"


async def a_service_stops_in_the_middle(servers: Endpoints) -> str:
    """What it has not begun goes back untouched."""
    await _emptied(servers)
    begun, inbox = asyncio.Event(), Inbox("triage")

    async def slow(_: Cause[Any]) -> None:
        begun.set()
        await asyncio.sleep(0.5)

    inbox.on(ComplaintRegistered)(slow)
    await _send(servers, [batch([_event()]) for _ in range(200)])
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    await inbox.start(servers.amqp_url("triage"), publisher)
    await begun.wait()
    await inbox.stop()
    await publisher.close()
    rest = await take_all(servers, "triage.inbox")
    touched = sum(bool(each.headers.get("x-delivery-count")) for each in rest)
    return f"{touched} events were swallowed and came back" if touched else ""


async def a_timer_is_stopped_in_between(servers: Endpoints) -> str:
    """One that is stopped after the sweep has seen it and before it fires says nothing."""
    id = uuid4()
    async with _timers(servers) as store:
        await store.update(id, _armed, replace(cause(id), data=clock.machine_now() - timedelta(seconds=5)))
        seen = await store.due()

        async def stopped_meanwhile(**_: Any) -> Any:
            await store.update(id, _disarmed, cause(id))
            return [each for each in seen if each.id == id]

        with patch.object(store, "due", stopped_meanwhile):
            fired = await fire_due(store, _fire, "toy")
    return "a timer that was stopped fired" if fired else ""


async def an_event_cannot_be_read(servers: Endpoints) -> str:
    """It is parked, and those beside it are handled."""
    await _emptied(servers)
    heard, inbox = asyncio.Event(), Inbox("triage")

    async def hear(_: Cause[Any]) -> None:
        heard.set()

    inbox.on(ComplaintRegistered)(hear)
    publisher = Publisher(servers.amqp_url("triage"), "triage")
    await inbox.start(servers.amqp_url("triage"), publisher)
    await _send(servers, [b"{nonsense", batch([_event()])])
    await heard.wait()
    await inbox.stop()
    await publisher.close()
    parked = await take_all(servers, "triage.parked")
    return (
        "" if [each.body for each in parked] == [b"{nonsense"] else f"{len(parked)} events are parked, not 1"
    )


EXPERIMENTS: dict[str, Experiment] = {
    "inbox_off": a_cause_comes_again,
    "outbox_cleared_first": the_broker_is_away,
    "version_check_off": two_decide_at_once,
    "mandatory_off": nobody_listens,
    "cancel_after_drain": a_service_stops_in_the_middle,
    "generation_check_off": a_timer_is_stopped_in_between,
    "dead_letters_off": an_event_cannot_be_read,
}
"""By the mutant that it must kill."""


class Timer(BaseModel):
    """Something that fires once, if nobody stops it."""

    number: str = "RC-TESTTESTAA"
    traceparent: str | None = None
    due: datetime | None = None
    fired: int = 0


@asynccontextmanager
async def _timers(servers: Endpoints) -> AsyncIterator[Store[Timer]]:
    """In triage's collection, as the other experiments."""
    lifted = [index("next_due")]
    store = Store("triage", "gradings", Timer, lift=lambda state: {"next_due": state.due}, indexes=lifted)
    store.open(servers.mongo_url("triage"))
    try:
        yield store
    finally:
        await store.close()


def _armed(_: Timer | None, why: Cause[datetime]) -> tuple[Timer, list[Fact]]:
    return Timer(due=why.data), []


def _disarmed(state: Timer | None, _: Cause[Any]) -> tuple[Timer, list[Fact]]:
    assert state is not None
    return state.model_copy(update={"due": None}), []


def _fire(state: Timer | None, why: Cause[datetime]) -> tuple[Timer | None, list[Fact]]:
    """Once, and only what is due."""
    if state is None or state.due is None or state.due > why.data:
        return state, []
    return state.model_copy(update={"due": None, "fired": state.fired + 1}), []


def _event() -> bytes:
    why = cause(uuid4())
    made = write(registered(), service="intake", position=0, sequence=1, now=why.time, cause=why)
    return to_cloudevent(made, why.id)


async def _send(servers: Endpoints, bodies: Sequence[bytes]) -> None:
    """Into triage's inbox, as intake would."""
    async with channel_of(servers.amqp_url("intake")) as channel:
        exchange = await channel.get_exchange("redress.events", ensure=False)
        for body in bodies:
            message = aio_pika.Message(body, user_id="intake", message_id=str(uuid4()), delivery_mode=2)
            await exchange.publish(message, "complaint.registered.v1")


async def _emptied(servers: Endpoints) -> None:
    for queue in ("triage.inbox", "triage.parked"):
        await take_all(servers, queue, 0.1)


async def killed(name: str, servers: Endpoints) -> tuple[str, str]:
    """What its experiment finds with the safety on (nothing should be), and with it off."""
    sound = await EXPERIMENTS[name](servers)
    with MUTANTS[name]():
        return sound, await EXPERIMENTS[name](servers)


async def main(names: list[str]) -> int:
    install()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    sealing.use_house_key(b"the key of a house where nobody lives")
    count = 0
    with tempfile.TemporaryDirectory(prefix="redress-mutants-", ignore_cleanup_errors=True) as folder:
        servers = await Servers.start(Path(folder))
        try:
            for name in names:
                sound, wrong = await killed(name, servers)
                count += bool(wrong and not sound)
                told = f"NOT sound without it: {sound}" if sound else wrong or "NOT noticed"
                sys.stdout.write(f"{name:<22} {told}\n")
        finally:
            await servers.stop()
    sys.stdout.write(f"mutants killed {count}/{len(names)}\n")
    return 0 if count == len(names) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("--only", choices=[*MUTANTS], help="this one alone")
    only = parser.parse_args().only
    sys.exit(asyncio.run(main([only] if only else [*MUTANTS])))
