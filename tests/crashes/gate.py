"""The gate through which every request to database and broker passes, and at which a fault may strike.

A request has effects, one after the other: the documents of a bulk write, the queues that a message goes to.
A fault cuts it after so many of them: none, some, or all and only the answer is lost.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Kind = Literal["crash", "cut off", "rolled back"]
"""The process dies; the connection does; or what was acknowledged without a majority is undone later."""


Weight = Literal["reads", "light", "lasts"]
"""Whether a request changes nothing, something that a majority need not know, or something that lasts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls the request number `index`, once `effects` of its effects have happened."""

    index: int
    kind: Kind
    effects: int


@dataclass(frozen=True, slots=True)
class Point:
    """One request as it passed the gate."""

    process: str
    what: str
    effects: int
    weight: Weight

    def faults(self, index: int) -> list[Fault]:
        """Everything that can befall it."""
        cuts = range(1 if self.weight == "reads" else self.effects + 1)
        found = [Fault(index, kind, cut) for kind in ("crash", "cut off") for cut in cuts]
        return [*found, Fault(index, "rolled back", 0)] if self.weight == "light" else found


@dataclass(eq=False, slots=True)
class Process:
    """A process of a service: its own copy of the service's modules, and what runs in it."""

    name: str
    service: str
    modules: Mapping[str, ModuleType]
    alive: bool = True
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    def check(self) -> None:
        """Nothing that a dead process still does has any effect."""
        if not self.alive:
            raise asyncio.CancelledError


PROCESS: ContextVar[Process] = ContextVar("PROCESS")
SLOWEST_S = 0.005


class Gate:
    """Counts the requests of all processes and lets them meet their faults; `kill` ends a process."""

    def __init__(self, faults: Sequence[Fault], seed: int, kill: Callable[[Process], None]) -> None:
        self.points: list[Point] = []
        self.struck: list[Fault] = []
        self.unknown: list[Exception] = []
        self.planned = {each.index: each for each in faults}
        self._kill = kill
        self._chance = random.Random(seed)

    async def request(
        self,
        what: str,
        effects: Sequence[Callable[[], T]],
        trouble: type[Exception],
        weight: Weight = "lasts",
    ) -> list[T]:
        """The answers of all effects. Raises `trouble` where the connection is cut."""
        process = PROCESS.get()
        process.check()
        index = len(self.points)
        self.points.append(Point(process.name, what, len(effects), weight))
        await self._travel(process)
        fault = self.planned.get(index)
        if fault is None:
            answers = self._done(effects)
            await self._travel(process)
            return answers
        return await self._fail(process, fault, effects, trouble)

    def _done(self, effects: Sequence[Callable[[], T]]) -> list[T]:
        """What is asked for and not known here is no fault of the services, and must not look like one."""
        try:
            return [effect() for effect in effects]
        except Exception as error:
            self.unknown.append(error)
            raise

    async def _travel(self, process: Process) -> None:
        await asyncio.sleep(self._chance.uniform(0.0005, SLOWEST_S))
        process.check()

    async def _fail(
        self, process: Process, fault: Fault, effects: Sequence[Callable[[], T]], trouble: type[Exception]
    ) -> list[T]:
        self.struck.append(fault)
        done = self._done(effects[: fault.effects])
        if fault.kind == "crash":
            self._kill(process)
            raise asyncio.CancelledError
        await self._travel(process)
        if fault.kind == "cut off":
            raise trouble("cut off")
        return done
