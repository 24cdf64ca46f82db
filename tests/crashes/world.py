"""The five services as processes that die and come back, and people who ask until they are answered.

Everything from the driver's and the broker library's doors inwards is the real thing: stores, committers,
relays, inboxes, tickers, and what the services decide.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import Any, TypeVar
from uuid import UUID

import aio_pika
import prometheus_client
import pytest

from deploy.provision import COLLECTIONS
from services.intake.domain.forms import NewComplaint
from shared import inbox, mongo, sealing
from shared.problems import Conflict, NotFound, Unavailable
from tests.crashes.broker import Broker, InMemory
from tests.crashes.clockwork import Clockwork, clockwork
from tests.crashes.database import Audit, Database
from tests.crashes.gate import PROCESS, Fault, Gate, Process
from tests.crashes.processes import DOORS, fresh, live
from tests.kit.doors import settled
from tests.kit.intake import BODY, FORMS, STAFF, STEP

T = TypeVar("T")
RESTART_S, LOOK_S, ASK_S = 1.0, 0.25, 0.5
REST_S = 90.0


class Gone(Exception):
    """The process that was asked has died, or the answer came from nobody."""


class World:
    """Everything that outlives a process, and the processes that live."""

    def __init__(
        self, loop: Clockwork, faults: Sequence[Fault], seed: int, disorder: float, audit: Audit
    ) -> None:
        self.loop = loop
        self.gate = Gate(faults, seed, self.kill)
        self.database = Database(self.gate, lambda: loop.today, audit)
        self.broker = Broker(loop, self.gate, seed, disorder)
        self.processes: dict[str, Process] = {}
        self.accepted: dict[str, UUID] = {}
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
        self.loop.create_task(live(process, self.loop), context=context)

    def kill(self, process: Process) -> None:
        """As by `kill -9`; whoever looks after the services starts it again."""
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
        given = NewComplaint.model_validate(
            BODY | {"complainant": {"name": "Ann", "email": f"{key}@example.com"}}
        )
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
        """Until nothing is owed, on its way, or asked for. Raises TimeoutError after REST_S.

        Raises as well what the database or broker in memory does not know.
        """
        self.loop.run_until_complete(self._rest())

    async def _rest(self) -> None:
        async with asyncio.timeout(REST_S):
            while self.busy_with():
                if self.gate.unknown:
                    raise self.gate.unknown[0]
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
        patch.setattr(inbox, "RabbitBroker", partial(InMemory, found.broker))
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
