"""A service with one safety of `shared/` switched off: `python -m tests.faults.mutant NAME SERVICE`.

The audit must notice each of them; production code knows nothing of it.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from faststream import AckPolicy
from pymongo import UpdateOne

from shared import inbox
from shared.documents import Draft, Owed
from shared.mongo import Store
from shared.outbox import Relay


def inbox_off() -> None:
    """A cause that was handled is handled again."""
    decide = Draft.decide

    def forgetful(self: Draft[Any], *given: Any, **named: Any) -> bool:
        self.handled.clear()
        return decide(self, *given, **named)

    Draft.decide = forgetful  # type: ignore[method-assign]


def outbox_cleared_first() -> None:
    """Debts are struck out before the broker has confirmed them."""
    publish = Relay._publish

    async def rash(self: Relay, owed: list[Owed]) -> None:
        await self._store.strike_out(owed)
        await publish(self, owed)

    Relay._publish = rash  # type: ignore[method-assign]


def version_check_off() -> None:
    """A write does not ask whether the document is still as decided on (run it with --replicas 2)."""

    operation = Store._operation

    def blind(self: Store[Any], *given: Any) -> Any:
        guarded = operation(self, *given)
        if isinstance(guarded, UpdateOne):
            guarded._filter.pop("version")  # type: ignore[attr-defined]
        return guarded

    Store._operation = blind  # type: ignore[method-assign,assignment]


def acked_first() -> None:
    """A message is acknowledged before it is handled."""

    class Hasty:
        REJECT_ON_ERROR = AckPolicy.ACK_FIRST

    inbox.AckPolicy = Hasty  # type: ignore[attr-defined,assignment]


def sweep_off() -> None:
    """Nobody looks for debts that a crash left behind."""

    async def nothing(self: Store[Any], limit: int) -> Sequence[Owed]:
        return []

    Store.lease_owed = nothing  # type: ignore[method-assign,assignment]


MUTANTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (inbox_off, outbox_cleared_first, version_check_off, acked_first, sweep_off)
}

if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    importlib.import_module(f"services.{sys.argv[2]}.app").service.run()
