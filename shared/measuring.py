"""Measuring: what a replica knows only by looking, looked at every few seconds and not at every scrape.

What cannot be looked at has no value (NaN) until it can be again.
"""

from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic
from typing import Any

import structlog

from shared import VERSION, clock, metrics, policy, telemetry
from shared.ages import EVER, age, count
from shared.bus import Publisher
from shared.mongo import Store
from shared.problems import Unavailable

EVERY_S = 10.0
Measure = Callable[[], Awaitable[None]]

_log = structlog.get_logger()


class Measuring:
    """What all services look up, and the `measures` of this one; each fails by itself."""

    def __init__(self, store: Store[Any], publisher: Publisher, measures: Sequence[Measure] = ()) -> None:
        self._looked = -inf
        self._store, self._publisher = store, publisher
        self._measures = (self._queues, self._outbox, _policies, *measures)
        metrics.BUILD.labels(store.service, VERSION).set(1)

    async def tick(self) -> bool:
        """Look at everything, if it is time to."""
        if monotonic() - self._looked < EVERY_S:
            return False
        self._looked = monotonic()
        found = [await _looked_at(measure) for measure in self._measures]
        if all(found):
            metrics.MEASURED.set(clock.machine_now().timestamp())
        return False

    async def _queues(self) -> None:
        with metrics.looked_up(metrics.QUEUE):
            for name in ("inbox", "parked"):
                found = await self._publisher.waiting(f"{self._store.service}.{name}")
                metrics.QUEUE.labels(name).set(found)

    async def _outbox(self) -> None:
        owing = {"owed_at": EVER}
        with metrics.looked_up(metrics.OUTBOX, metrics.OUTBOX_AGE):
            metrics.OUTBOX.set(await count(self._store, owing))
            metrics.OUTBOX_AGE.set(await age(self._store, owing, "outbox.at", {"$min": "$outbox.at"}))


async def _looked_at(measure: Measure) -> bool:
    """Whether it could be; whatever one look meets, the others are taken."""
    try:
        await measure()
    except Unavailable as problem:
        _log.info("not measured", reason=problem.detail)
        return False
    except Exception as error:
        _log.warning("not measured", reason=telemetry.where(error))
        return False
    return True


async def _policies() -> None:
    for pack, version in policy.available():
        metrics.POLICY.labels(pack).set(version)
