"""Time that passes only when nothing is left to do: waiting takes no time, and every run is alike."""

import asyncio
import os
import random
import selectors
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from shared import clock
from tests.kit.complaint import START


class Stuck(RuntimeError):
    """Everybody waits for something that will never happen."""


class _Jump(selectors.SelectSelector):
    """Instead of waiting for the earliest timer it goes there."""

    now = 1_000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck
        self.now += max(timeout, 0)
        return []


class Clockwork(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own. `ahead` is by how much the calendar was put on besides."""

    def __init__(self) -> None:
        self._jump = _Jump()
        self.ahead = timedelta()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    @property
    def today(self) -> datetime:
        """What every clock shows, the database's, too."""
        return START + self.ahead + timedelta(milliseconds=round(self.time() * 1_000))


@contextmanager
def clockwork(seed: int) -> Iterator[Clockwork]:
    """A loop whose time the services live in, with chance that follows from the seed."""
    loop = Clockwork()

    class Today:
        fromisoformat = datetime.fromisoformat

        @staticmethod
        def now(zone: tzinfo = UTC) -> datetime:
            return loop.today.astimezone(zone)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "datetime", Today)
        patch.setattr(os, "urandom", random.Random(seed).randbytes)
        for name, module in list(sys.modules.items()):
            if name.startswith("shared.") and getattr(module, "monotonic", None) is time.monotonic:
                patch.setattr(module, "monotonic", loop.time)
        before = random.getstate()
        random.seed(seed)
        try:
            yield loop
        finally:
            random.setstate(before)
            loop.close()
