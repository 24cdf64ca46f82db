"""The relay: publishes what documents owe, with confirms, then strikes it out.

One runs in every replica. Fresh debts come straight from the write that made them; a sweep finds those that
a crash or an outage left behind. A debt is never dropped: the worst is that it is published twice.
"""

import asyncio
from collections.abc import Iterator
from time import monotonic, time_ns
from typing import Any

import structlog

from shared import metrics, telemetry
from shared.bus import EVENTS, PRIVATE, Parcel, Publisher
from shared.documents import Owed
from shared.envelope import batch
from shared.mongo import Store
from shared.problems import Unavailable

BATCH_COUNT = 100
BATCH_BYTES = 256 * 1024
BACKLOG = 5_000
SWEEP_S = 1.0

_log = structlog.get_logger()


class Relay:
    """Carries the debts of one store to the broker. `beat` is when it was last seen alive."""

    def __init__(self, store: Store[Any], publisher: Publisher) -> None:
        self.beat = monotonic()
        self.away = False
        self._store = store
        self._publisher = publisher
        self._fresh: list[Owed] = []
        self._in_hand: list[Owed] = []
        self._paid: list[Owed] = []
        self._wake = asyncio.Event()
        self._swept = 0.0
        self._striking: asyncio.Task[None] | None = None

    def owe(self, owed: list[Owed]) -> None:
        """Take on debts just written; beyond the backlog the sweep will find them in the database."""
        if not self.away and len(self._fresh) < BACKLOG:
            self._fresh.extend(owed)
            self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; wait in place while broker or database is away."""
        pause = 0.1
        while True:
            self.beat = monotonic()
            try:
                await self._round()
                await self._publisher.greet()  # a round without debts proves nothing
                self._tell_back()
                pause = 0.1
            except Exception as error:  # whatever one round meets, the next one must come
                self._tell(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 3)

    def _tell(self, error: Exception) -> None:
        reason = error.detail if isinstance(error, Unavailable) else telemetry.where(error)
        if not self.away:
            _log.warning("relay waits", reason=reason)
        self.away, self._fresh = True, []

    def _tell_back(self) -> None:
        if self.away:
            _log.info("relay goes on")
        self.away = False

    async def _round(self) -> None:
        owed, self._fresh = self._fresh, []
        self._in_hand = owed
        if monotonic() - self._swept > SWEEP_S:
            owed += await self._store.lease_owed(BATCH_COUNT)
            self._swept = monotonic() if len(owed) < BATCH_COUNT else 0.0
        if owed:
            await self._publish(owed)
        elif not self._fresh:
            await self._sleep()

    async def _sleep(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(0.5):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _publish(self, owed: list[Owed]) -> None:
        started = time_ns()
        groups = list(_groups(owed))
        with metrics.UNCONFIRMED.count_exceptions(Unavailable):
            taken = await self._publisher.publish([_parcel(group) for group in groups])
        ended = time_ns()
        metrics.CONFIRMING.observe((ended - started) / 1e9)
        metrics.UNCONFIRMED.inc(not all(taken))
        self._in_hand = []
        for group, well in zip(groups, taken, strict=True):
            if well:
                self._confirmed(group, started, ended)

    def _confirmed(self, group: list[Owed], started: int, ended: int) -> None:
        for each in group:
            telemetry.record_send(each.traceparent, _exchange(each), each.type, len(group), started, ended)
        metrics.PUBLISHED.labels(group[0].type).inc(len(group))
        metrics.PER_MESSAGE.labels("published").observe(len(group))
        self._paid.extend(group)
        if self._striking is None or self._striking.done():
            self._striking = asyncio.create_task(self._strike_out(), name="strike out")

    async def _strike_out(self) -> None:
        """While one group is struck out, the next one gathers; what fails here is published again later."""
        while self._paid:
            paid, self._paid = self._paid[: 5 * BATCH_COUNT], self._paid[5 * BATCH_COUNT :]
            try:
                await self._store.strike_out(paid)
            except Unavailable as problem:
                _log.warning("not struck out", count=len(paid), reason=problem.detail)

    async def stop(self) -> None:
        """Publish what is owed and give up the lease on what cannot be; call after `run` was cancelled."""
        owed, self._fresh = self._in_hand + self._fresh, []
        try:
            if owed:
                await self._publish(owed)
            if self._striking is not None:
                await self._striking
        except Unavailable:
            await self._store.release_owed(owed)


def _groups(owed: list[Owed]) -> Iterator[list[Owed]]:
    """Debts by type, in order, each group small enough for one message."""
    kinds: dict[str, list[Owed]] = {}
    for each in owed:
        kinds.setdefault(each.type, []).append(each)
    for kind in kinds.values():
        group: list[Owed] = []
        size = 0
        for each in kind:
            if group and (len(group) == BATCH_COUNT or size + len(each.body) > BATCH_BYTES):
                yield group
                group, size = [], 0
            group.append(each)
            size += len(each.body)
        yield group


def _exchange(owed: Owed) -> str:
    return PRIVATE if owed.private else EVENTS


def _parcel(group: list[Owed]) -> Parcel:
    first = group[0]
    return Parcel(_exchange(first), first.type, first.type, batch([each.body for each in group]), id=first.id)
