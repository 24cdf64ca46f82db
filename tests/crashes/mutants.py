"""Safeties of `shared/` switched off for a while, to see the laws broken."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared import inbox
from shared.documents import Draft
from shared.mongo import Store
from shared.outbox import Relay
from tests.faults.mutant import MUTANTS

TOUCHED = [
    (Draft, "decide"),
    (Relay, "_publish"),
    (Store, "_operation"),
    (Store, "lease_owed"),
    (inbox, "AckPolicy"),
]


@contextmanager
def without(safety: str) -> Iterator[None]:
    """As `tests.faults.mutant` switches it off, but only inside."""
    with pytest.MonkeyPatch.context() as patch:
        for home, name in TOUCHED:
            patch.setattr(home, name, getattr(home, name))
        MUTANTS[safety]()
        yield
