"""Spending: what a solution may cost, and that no more is spent than was approved."""

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from shared.events import Money
from shared.problems import Fault, Invalid


def check_sum(what: str, given: Money | None, limit: Money | None, state: Complaint) -> None:
    """Raises Invalid for a sum above `limit`, or of a currency that cannot be compared with it."""
    money = pack_of(state).money
    if given is None:
        return
    if money.worth(given) is None:
        told = f"use {', '.join([money.currency, *money.rates])}"
    elif limit is not None and given.currency != limit.currency:
        told = f"use {limit.currency}, as the proposal does"
    elif given.value > (limit.value if limit else 0):
        told = f"at most {limit.value} {limit.currency}" if limit else "0: no cost was proposed"
    else:
        return
    raise Invalid(
        "This is not within what was proposed and approved", [Fault(detail=told, pointer=f"#/{what}")]
    )


def added(before: Money | None, more: Money | None) -> Money | None:
    """All that was spent on a proposal; what must be done again may cost no more than was approved."""
    if before is None or more is None or before.currency != more.currency:
        return more or before
    return Money(value=before.value + more.value, currency=more.currency)
