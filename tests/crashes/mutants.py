"""Safeties of `shared/` switched off for a while, to see the laws broken."""

from contextlib import AbstractContextManager

from tests.faults.mutant import SAFETIES


def without(safety: str) -> AbstractContextManager[None]:
    """As `tests.faults.mutant` switches it off, but only inside."""
    return SAFETIES[safety]()
