"""Rectification orders over HTTP: what a department must put in order, and whether it has."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.calling import By, digest_of, kept_key
from services.intake.domain.facts import pack_of
from services.intake.domain.handling import departments_of
from services.intake.domain.rectification import (
    Because,
    NewOrder,
    Order,
    OrderStep,
    Stand,
    Wish,
    possible_for,
)
from services.intake.domain.roles import Actor, check_may
from services.intake.store import orders as store
from services.intake.store.complaints import one
from services.intake.store.house import house
from services.intake.store.spot_checks import departments_concerned
from services.intake.store.trends import one as trend
from shared import clock
from shared.http import Key, PageToken, carries, page_token, read_page_token

router = APIRouter(prefix="/v1/orders", tags=["supervision"])


class TakenStep(BaseModel):
    """A step of an order: who took it when, and said what."""

    step: str
    by: str
    at: AwareDatetime
    words: str | None


class Shown(BaseModel):
    """An order, and how it stands."""

    id: UUID
    state: Stand
    department: str
    due: AwareDatetime
    what: str
    because: Because
    criticised: bool
    by: str
    at: AwareDatetime
    overdue: bool = Field(description="The deadline has passed, and the department still owes it")
    breached_at: AwareDatetime | None = Field(description="When it was first overdue")
    steps: list[TakenStep]
    possible: list[str] = Field(description="The steps that you can take now")


class Page(BaseModel):
    """Orders, the newest first."""

    orders: list[Shown]
    next_page_token: str | None = None


def _shown(id: UUID, order: Order, by: Actor) -> Shown:
    kept = order.model_dump(exclude={"number", "traceparent", "digest", "steps"})
    return Shown(
        **kept,
        id=id,
        overdue=order.is_overdue(clock.now()),
        steps=[TakenStep(**each.model_dump(exclude={"request", "digest"})) for each in order.steps],
        possible=possible_for(order, by),
    )


@router.post("", status_code=201, responses={201: carries("Location"), 404: {}})
async def give_order(given: NewOrder, by: By, key: Key, response: Response) -> Shown:
    """Order a department to put something in order by a deadline, and criticise it if need be."""
    check_may(by, "order", (), ())
    departments = await _departments(given.because, by)
    id, order = await store.order(given, departments, by.name, kept_key(by, "order", key), digest_of(given))
    response.headers["Location"] = f"/v1/orders/{id}"
    return _shown(id, order, by)


async def _departments(because: Because, by: Actor) -> set[str]:
    """Those of the house's own pack, and those concerned. Raises NotFound for a reason that is not there."""
    known = {*house().usual.departments}
    match because.kind:
        case "complaint":
            state = await one(because.id, by)
            return known | {*pack_of(state).departments, *departments_of(state)}
        case "spot_check":
            return known | await departments_concerned(because.id)
        case "trend":
            await trend(because.id)
    return known


@router.get("")
async def find_orders(
    by: By,
    state: Stand | None = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    overdue: bool | None = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
    begin: PageToken = None,
) -> Page:
    """Orders like that, newest first; the whole staff sees who was criticised for what."""
    check_may(by, "see supervision", (), ())
    wanted = store.query(state, department, overdue, clock.now())
    if begin is not None:
        at, id = read_page_token(begin, dated=True)
        assert at is not None
        wanted = {"$and": [wanted, store.after(at, id)]}
    found, more = await store.page(wanted, page_size)
    last = found[-1] if more and found else None
    token = page_token(last.state.at, last.id) if last and last.state else None
    shown = [_shown(each.id, each.state, by) for each in found if each.state]
    return Page(orders=shown, next_page_token=token)


@router.get("/{id}")
async def show_order(id: UUID, by: By) -> Shown:
    """An order, with every step that was taken."""
    check_may(by, "see supervision", (), ())
    return _shown(id, await store.one(id), by)


@router.post("/{id}/steps")
async def take_step(id: UUID, given: OrderStep, by: By, key: Key) -> Shown:
    """Report that it is done, verify that or send it back, or withdraw it; 409 names what is possible."""
    check_may(by, "see supervision", (), ())
    wish = Wish(given, by, kept_key(by, "order step", key), digest_of(given))
    return _shown(id, await store.step(id, wish), by)
