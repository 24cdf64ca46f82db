"""One safety switched off: `python -m tests.faults.mutant NAME SERVICE` runs a service without it.

Each must be noticed by an experiment; production code knows nothing of it.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from aio_pika.exchange import Exchange
from faststream import AckPolicy
from pymongo import UpdateOne

from shared import inbox, timers
from shared.bus import PARKED, Parcel
from shared.documents import Change, Draft, Due, Owed
from shared.inbox import Inbox
from shared.mongo import Store
from shared.outbox import Relay


@contextmanager
def inbox_off() -> Iterator[None]:
    """A cause that was handled is handled again."""
    decide = Draft.decide

    def forgetful(self: Draft[Any], *given: Any, **named: Any) -> bool:
        self.handled.clear()
        return decide(self, *given, **named)

    with patch.object(Draft, "decide", forgetful):
        yield


@contextmanager
def outbox_cleared_first() -> Iterator[None]:
    """Debts are struck out before the broker has confirmed them."""
    publish = Relay._publish

    async def rash(self: Relay, owed: list[Owed]) -> None:
        await self._store.strike_out(owed)
        await publish(self, owed)

    with patch.object(Relay, "_publish", rash):
        yield


@contextmanager
def version_check_off() -> Iterator[None]:
    """A write does not ask whether the document is still as decided on."""
    operation = Store._operation

    def blind(self: Store[Any], *given: Any) -> Any:
        guarded = operation(self, *given)
        if isinstance(guarded, UpdateOne):
            guarded._filter.pop("version")  # type: ignore[attr-defined]
        return guarded

    with patch.object(Store, "_operation", blind):
        yield


@contextmanager
def mandatory_off() -> Iterator[None]:
    """What no queue takes is confirmed all the same."""
    publish = Exchange.publish

    async def careless(self: Exchange, *given: Any, **named: Any) -> Any:
        return await publish(self, *given, **named | {"mandatory": False})

    with patch.object(Exchange, "publish", careless):
        yield


@contextmanager
def cancel_after_drain() -> Iterator[None]:
    """A service that stops waits for what is in hand first, and goes on taking more meanwhile."""

    async def stop(self: Inbox) -> None:
        await self._broker.stop()

    with patch.object(Inbox, "stop", stop):
        yield


@contextmanager
def generation_check_off() -> Iterator[None]:
    """A timer fires as the sweep saw it, though it was moved or stopped meanwhile."""
    fire = timers._fire

    async def stale(store: Store[Any], change: Change[Any, Any], name: str, due: Due[Any]) -> bool:
        return await fire(store, lambda _, cause: change(due.state, cause), name, due)

    with patch.object(timers, "_fire", stale):
        yield


@contextmanager
def dead_letters_off() -> Iterator[None]:
    """What cannot be handled is acknowledged and gone."""
    surely = Inbox._surely

    async def dropping(self: Inbox, parcels: list[Parcel]) -> None:
        await surely(self, [each for each in parcels if each.exchange != PARKED])

    with patch.object(Inbox, "_surely", dropping):
        yield


@contextmanager
def acked_first() -> Iterator[None]:
    """A message is acknowledged before it is handled."""

    class Hasty:
        REJECT_ON_ERROR = AckPolicy.ACK_FIRST

    with patch.object(inbox, "AckPolicy", Hasty):
        yield


@contextmanager
def sweep_off() -> Iterator[None]:
    """Nobody looks for debts that a crash left behind."""

    async def nothing(self: Store[Any], limit: int) -> Sequence[Owed]:
        return []

    with patch.object(Store, "lease_owed", nothing):
        yield


Mutant = Callable[[], AbstractContextManager[None]]
MUTANTS: dict[str, Mutant] = {
    each.__name__: each
    for each in (
        inbox_off,
        outbox_cleared_first,
        version_check_off,
        mandatory_off,
        cancel_after_drain,
        generation_check_off,
        dead_letters_off,
    )
}
"""Each has its experiment in `tests.faults.mutants`."""
SAFETIES = MUTANTS | {each.__name__: each for each in (acked_first, sweep_off)}
"""With those that only a crash in memory tells from the others."""

if __name__ == "__main__":
    with SAFETIES[sys.argv[1]]():
        importlib.import_module(f"services.{sys.argv[2]}.app").service.run()
