"""The five services as processes that die and come back, and customers and staff who ask until they are answered.

Everything from the driver's and the broker library's doors inwards is the real thing: stores, committers,
relays, inboxes, tickers, and what the services decide.
"""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import cache, partial
from importlib.machinery import SourceFileLoader
from time import monotonic
from types import ModuleType
from typing import Any, TypeVar
from uuid import UUID

import aio_pika
import prometheus_client
import pytest
from faststream import AckPolicy
from faststream.rabbit import RabbitBroker
from pydantic import SecretStr

from services.intake.domain.forms import NewComplaint
from shared import inbox, mongo, sealing, settings
from shared.bus import Publisher
from shared.outbox import Relay
from shared.problems import Conflict, NotFound, Unavailable
from tests.crashes.broker import Broker, Message
from tests.crashes.clockwork import Clockwork, clockwork
from tests.crashes.database import Audit, Database
from tests.crashes.gate import PROCESS, Fault, Gate, Process
from tests.kit.doors import settled
from tests.kit.intake import BODY, FORMS, STAFF, STEP

T = TypeVar("T")
TICK_S, RESTART_S, LOOK_S, ASK_S = 2.0, 1.0, 0.25, 0.5
REST_S = 90.0
DOORS: Mapping[str, Sequence[str]] = {
    "intake": ("listeners", "api.handing_in", "api.calling"),
    "triage": ("listeners", "ticker"),
    "sla": ("listeners", "ticker"),
    "notify": ("listeners",),
    "survey": ("listeners", "ticker"),
}
COLLECTIONS = {
    "intake": "complaints", "triage": "gradings", "sla": "deadlines", "notify": "notices", "survey": "surveys",
}  # fmt: skip
TICKS = {
    "intake": ["store.complaints.copies.refresh"],
    "triage": ["ticker.sweep", "store.copies.refresh"],
    "sla": ["ticker.tick", "store.copies.refresh"],
    "notify": ["store.notices.copies.refresh", "store.endpoints.directory.refresh"],
    "survey": ["ticker.tick", "store.copies.refresh"],
}


for _service, _names in DOORS.items():
    for _name in _names:
        importlib.import_module(f"services.{_service}.{_name}")
_compiled = cache(SourceFileLoader.get_code)


def fresh(service: str, time: Callable[[], float]) -> dict[str, ModuleType]:
    """The modules of a service's doors and back rooms as a new process has them, by name."""
    with pytest.MonkeyPatch.context() as patch:
        package = sys.modules[f"services.{service}"]
        for name in _modules(service):
            patch.delitem(sys.modules, name)
            patch.delattr(package, name.split(".")[2], raising=False)
        patch.setattr(SourceFileLoader, "get_code", _compiled)
        for name in DOORS[service]:
            importlib.import_module(f"services.{service}.{name}")
        made = _modules(service)
    for module in made.values():
        if getattr(module, "monotonic", None) is monotonic:
            module.monotonic = time  # type: ignore[attr-defined]
    return {name.removeprefix(f"services.{service}."): module for name, module in made.items()}


def _modules(service: str) -> dict[str, ModuleType]:
    prefix = f"services.{service}."
    mine = {name: module for name, module in sys.modules.items() if name.startswith(prefix)}
    return {name: module for name, module in mine.items() if not name.startswith(f"{prefix}domain")}


class Gone(Exception):
    """The process that was asked has died, or the answer came from nobody."""


class World:
    """Everything that outlives a process, and the processes that live."""

    def __init__(self, loop: Clockwork, faults: Sequence[Fault], seed: int, disorder: float, audit: Audit) -> None:
        self.loop = loop
        self.gate = Gate(faults, seed, self.kill)
        self.database = Database(self.gate, lambda: loop.today, audit)
        self.broker = Broker(loop, self.gate, seed, disorder)
        self.processes: dict[str, Process] = {}
        self.accepted: dict[str, UUID] = {}
        self.kills = 0
        self.complaints: list[str] = []
        self._people: set[asyncio.Task[Any]] = set()

    # processes

    def start(self, name: str) -> None:
        """Start a process; its name is that of its service, and a number."""
        service = name.split()[0]
        process = Process(name, service, fresh(service, self.loop.time))
        self.processes[name] = process
        context = copy_context()
        context.run(PROCESS.set, process)
        self.loop.create_task(self._live(process), context=context)

    async def _live(self, process: Process) -> None:
        url = f"amqp://{process.service}@127.0.0.1:1/redress"
        publisher = Publisher(url, process.service)
        store = self.store_of(process)
        relay = Relay(store, publisher)
        store.open("mongodb://127.0.0.1:1/", relay.owe)
        self.loop.create_task(relay.run())
        self.loop.create_task(process.modules["listeners"].inbox.start(url, publisher))
        for path in TICKS[process.service]:
            self.loop.create_task(_tick(_found(process.modules, path)))

    def store_of(self, process: Process) -> mongo.Store[Any]:
        """The store of a process's service."""
        name = {"intake": "store.complaints", "notify": "store.notices"}.get(process.service, "store")
        return getattr(process.modules[name], COLLECTIONS[process.service])  # type: ignore[no-any-return]

    def kill(self, process: Process) -> None:
        """As by `kill -9`; whoever looks after the services starts it again."""
        self.kills += 1
        process.alive = False
        self.broker.leave(process)
        current = asyncio.current_task(self.loop)
        for task in [each for each in process.tasks if each is not current]:
            task.cancel()
        copy_context().run(self._start_later, process.name)

    def _start_later(self, name: str) -> None:
        self.loop.call_later(RESTART_S, self.start, name)

    async def call(self, service: str, work: Callable[[Mapping[str, ModuleType]], Awaitable[T]]) -> T:
        """Have a process of a service do something. Raises Gone if it dies meanwhile."""
        alive = [each for each in self.processes.values() if each.alive and each.service == service]
        if not alive:
            raise Gone
        process = alive[len(self.gate.points) % len(alive)]
        context = copy_context()
        context.run(PROCESS.set, process)
        doing = work(process.modules)
        task: asyncio.Task[T] = self.loop.create_task(doing, context=context)  # type: ignore[arg-type]
        await asyncio.wait([task])
        if task.cancelled() or not process.alive:
            raise Gone
        return task.result()

    # people

    def hand_in(self, key: str) -> None:
        """Somebody complains, until there is an answer."""
        self._go(self._hand_in(key))

    async def _hand_in(self, key: str) -> None:
        given = NewComplaint.model_validate(BODY | {"complainant": {"name": "Ann", "email": f"{key}@example.com"}})
        saved = await self._ask(lambda of: of["api.handing_in"].hand_in(given, STAFF, key))
        if self.accepted.setdefault(key, saved.id) != saved.id:
            self.complaints.append(f"{key} was answered with two complaints")

    def take(self, key: str, step: str) -> None:
        """Somebody takes a step with a complaint, as soon as it can be taken, once."""
        self._go(self._take(key, step))

    async def _take(self, key: str, step: str) -> None:
        asked = STEP.validate_python({"step": step} | FORMS.get(step, {}))
        while key not in self.accepted:
            await asyncio.sleep(ASK_S)
        id = self.accepted[key]
        await self._ask(lambda of: of["api.calling"].ask(id, asked, STAFF, f"{key} {step}"))

    async def _ask(self, work: Callable[[Mapping[str, ModuleType]], Awaitable[T]]) -> T:
        while True:
            try:
                return await self.call("intake", work)
            except (Gone, Unavailable, Conflict, NotFound):
                await asyncio.sleep(ASK_S)

    def _go(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self._people.add(task)
        task.add_done_callback(self._leave)

    def _leave(self, task: "asyncio.Task[Any]") -> None:
        self._people.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.complaints.append(f"{type(error).__name__}: {error}")

    # time

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def rest(self) -> None:
        """Until nothing is owed, on its way, or asked for. Raises TimeoutError after REST_S."""
        self.loop.run_until_complete(self._rest())

    async def _rest(self) -> None:
        async with asyncio.timeout(REST_S):
            while self.busy_with():
                await asyncio.sleep(LOOK_S)

    def busy_with(self) -> str:
        """What keeps the world from rest, if anything does."""
        if any(not each.alive for each in self.processes.values()):
            return "a process is down"
        if self._people:
            return "somebody waits for an answer"
        return "messages are on their way" if self.broker.busy else next(self._waiting(), "")

    def _waiting(self) -> Iterator[str]:
        now = self.loop.today
        for service, collection in COLLECTIONS.items():
            for each in self.database.documents(f"{service}.{collection}"):
                if each.get("outbox") or each.get("unsettled"):
                    yield f"{service} owes something"
                if (due := each.get("next_due")) is not None and due <= now:
                    yield f"{service} has a timer that is due"

    def pass_time(self, ahead: timedelta) -> None:
        """Put all clocks on."""
        self.loop.ahead += ahead


async def _tick(tick: Callable[[], Awaitable[bool]]) -> None:
    while True:
        try:
            more = await tick()
        except Exception:  # as in a service, a ticker outlives whatever befalls one round
            more = False
        if not more:
            await asyncio.sleep(TICK_S)


def _found(modules: Mapping[str, ModuleType], path: str) -> Any:
    name = max((each for each in modules if path.startswith(f"{each}.")), key=len)
    found: Any = modules[name]
    for part in path.removeprefix(f"{name}.").split("."):
        found = getattr(found, part)
    return found


def _task(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Any = None) -> "asyncio.Task[Any]":
    """Every task belongs to the process in whose context it runs."""
    task = asyncio.Task(coroutine, loop=loop, context=context)
    process = (context or copy_context()).get(PROCESS)
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


@contextmanager
def world(
    faults: Sequence[Fault] = (), *, seed: int = 1, disorder: float = 0.0, replicas: int = 1, audit: Audit
) -> Iterator[World]:
    """The five services, started; the libraries' doors lead to a database and a broker in memory."""
    with (
        clockwork(seed) as loop,
        pytest.MonkeyPatch.context() as patch,
        settled(patch, fingerprint_key="f" * 40, survey_key="s" * 40),
    ):
        loop.set_task_factory(_task)
        found = World(loop, faults, seed, disorder, audit)
        patch.setattr(sealing, "_house", {"secret": b"the key of a house where nobody lives"})
        patch.setattr(mongo, "AsyncMongoClient", found.database.client)
        patch.setattr(aio_pika, "connect", found.broker.connect)
        patch.setattr(inbox, "RabbitBroker", partial(_InMemory, found.broker))
        patch.setattr(prometheus_client.REGISTRY, "register", lambda collector: None)
        for service in DOORS:
            for number in range(replicas):
                found.start(f"{service} {number}")
        try:
            yield found
        finally:
            _end_all(loop)


def _end_all(loop: Clockwork) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


class _InMemory(RabbitBroker):
    """FastStream's broker, acknowledgements and all, on the queues of a broker in memory."""

    def __init__(self, queues: Broker, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._queues = queues

    async def start(self) -> None:
        self._setup_logger()
        for subscriber in self.subscribers:
            subscriber._build_fastdepends_model()
            subscriber._post_start()
            no_ack = subscriber.ack_policy is AckPolicy.ACK_FIRST
            self._queues.consume(subscriber.queue.name, subscriber.consume, no_ack=no_ack)
