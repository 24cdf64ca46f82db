"""Safeties of `shared/` switched off for a while, to see the laws broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from faststream import AckPolicy

from shared import inbox
from shared.documents import Owed
from shared.mongo import Store
from tests.faults.mutant import inbox_off, outbox_cleared_first, version_check_off


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

    async def nothing(self: Store[Any], limit: int) -> list[Owed]:
        return []

    with patch.object(Store, "lease_owed", nothing):
        yield


WITHOUT = {
    each.__name__: each
    for each in (inbox_off, outbox_cleared_first, version_check_off, acked_first, sweep_off)
}
