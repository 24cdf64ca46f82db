"""The rectification orders: found by when they were given, and by the next deadline that passes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.intake.domain.rectification import Giving, NewOrder, Order, Stand, Wish, give, take, wake
from services.intake.store.complaints import complaints
from shared import clock, telemetry
from shared.ages import overdue
from shared.documents import Saved
from shared.driver import index
from shared.envelope import Cause
from shared.problems import NotFound
from shared.timers import fire_due

LATE_ORDERS = "orders overdue"
ORDERS = UUID("a1d52f0e-94c3-5f2b-9d51-2f2d6a7c9e10")
orders = complaints.beside(
    Order,
    lift=lambda order: {
        "ordered_at": order.at,
        "order_state": order.state.value,
        "order_department": order.department,
        "order_due": order.due,
        "order_wakes": order.wakes_at,
    },
    indexes=[index("-ordered_at", "-_id"), index("order_wakes")],
)


measure_overdue = overdue(orders, LATE_ORDERS, "order_wakes")


async def order(
    given: NewOrder, departments: set[str], by: str, key: str | None, digest: str
) -> tuple[UUID, Order]:
    """Give an order, once for this key. Raises Invalid."""
    id, now = uuid5(ORDERS, f"{by}|{key}") if key else uuid4(), clock.now()
    trace = telemetry.traceparent()
    new = Order(**dict(given), number=f"orders/{id}", traceparent=trace, digest=digest, by=by, at=now)
    cause = Cause(uuid4(), id, new.number, now, by, Giving(new, departments), traceparent=trace)
    saved = await orders.update_soon(id, give, cause)
    assert saved.state is not None
    return id, saved.state


async def step(id: UUID, wish: Wish) -> Order:
    """Take a step. Raises NotFound, Conflict, Forbidden, Invalid."""
    order = await one(id)
    telemetry.concerns(id, order.traceparent)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), id, order.number, clock.now(), wish.by.name, wish, traceparent=trace)
    saved = await orders.update_soon(id, take, cause)
    assert saved.state is not None
    return saved.state


async def one(id: UUID) -> Order:
    """Raises NotFound."""
    found = await orders.find({"_id": id, "ordered_at": {"$exists": True}}, limit=1)
    if not found or found[0].state is None:
        raise NotFound("There is no order with this id")
    return found[0].state


def query(state: Stand | None, department: str | None, overdue: bool | None, now: datetime) -> dict[str, Any]:
    """Orders like that, over lifted values; overdue is what the department still owes after its deadline."""
    found: dict[str, Any] = {"ordered_at": {"$exists": True}}
    found |= {"order_state": state.value} if state else {}
    found |= {"order_department": department} if department else {}
    late = {"order_state": Stand.ORDERED.value, "order_due": {"$lt": now}}
    return found | ({} if overdue is None else {"$and": [late]} if overdue else {"$nor": [late]})


async def page(wanted: Mapping[str, Any], limit: int) -> tuple[list[Saved[Order]], bool]:
    """Orders that match, newest first, and whether there are more."""
    return await orders.page(wanted, sort="-ordered_at,-_id", limit=limit)


def after(at: datetime, id: UUID) -> dict[str, Any]:
    """What comes after this order in their list."""
    return {"$or": [{"ordered_at": {"$lt": at}}, {"ordered_at": at, "_id": {"$lt": id}}]}


async def tell_of_breaches() -> bool:
    """Tell of deadlines that have passed; a tick."""
    return await fire_due(orders, wake, LATE_ORDERS, "order_wakes")
