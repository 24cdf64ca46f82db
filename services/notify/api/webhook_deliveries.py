"""What became of the events of a webhook: the log, a test, sending again, and checking a signature."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import to_json

from services.notify.api.asking import By, once, own, seen
from services.notify.api.webhooks import Given, Pattern
from services.notify.domain.deliveries import Attempt, Delivery, delivery_id
from services.notify.domain.endpoints import PUBLIC, Endpoint, matching
from services.notify.domain.signing import fault
from services.notify.store import deliveries as store
from shared import clock, telemetry
from shared.documents import Saved
from shared.envelope import Cause
from shared.events import Instant
from shared.http import Key, PageToken, carries, page_token, read_page_token
from shared.problems import Conflict, Invalid

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
TESTED = "webhook.tested.v1"
AT_ONCE = 500


class Shown(BaseModel):
    """A delivery: `held` while its endpoint is disabled. `id` is the `webhook-id` that was sent."""

    id: UUID
    event: UUID
    type: str
    subject: str
    state: Literal["waiting", "held", "delivered", "failed"]
    made_at: AwareDatetime
    next_at: AwareDatetime | None = Field(description="When it is tried next, if nothing comes between")
    ended_at: AwareDatetime | None
    replays: int = Field(description="How often it was sent again by hand")
    attempts: list[Attempt] = Field(description="The newest 30, of all replays")


class Page(BaseModel):
    """Deliveries, the newest first; those that have ended are kept for 30 days."""

    deliveries: list[Shown]
    next_page_token: str | None = None


class Range(Given):
    """Deliveries made in a span of time, that have ended like this, of these types."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")
    state: Literal["delivered", "failed"] | None = None
    types: list[Pattern] | None = Field(None, min_length=1, max_length=50)
    page_token: str | None = Field(None, max_length=300, description="`next_page_token` of the answer before")


class Replayed(BaseModel):
    """How many are sent again; with a token, ask for the rest of the range."""

    replayed: int
    next_page_token: str | None = None


class Received(Given):
    """A message as it arrived at an endpoint."""

    id: str = Field(max_length=200, description="The header webhook-id")
    timestamp: str = Field(max_length=40, description="The header webhook-timestamp")
    signature: str = Field(max_length=2_000, description="The header webhook-signature")
    body: str = Field(max_length=65_536, description="The body, byte for byte")


class Verified(BaseModel):
    """Whether we sent it so, and what is wrong with it otherwise."""

    valid: bool
    reason: str | None


def _shown(id: UUID, each: Delivery, endpoint: Endpoint) -> Shown:
    waits = each.state == "waiting"
    return Shown(
        id=id,
        state="held" if waits and endpoint.disabled is not None else each.state,
        next_at=each.next_at if waits else None,
        attempts=list(each.attempts),
        **each.model_dump(include={"event", "type", "subject", "made_at", "ended_at", "replays"}),
    )


def _after(token: str) -> dict[str, Any]:
    """What comes after the delivery where the page before ended, the newest first."""
    at, id = read_page_token(token, dated=True)
    return {"$or": [{"webhook_at": {"$lt": at}}, {"webhook_at": at, "_id": {"$lt": id}}]}


def _token(found: list[Saved[Delivery]], more: bool) -> str | None:
    last = found[-1] if more and found else None
    return page_token(last.state.made_at, last.id) if last and last.state else None


@router.get("/{id:uuid}/deliveries")
async def log(
    id: UUID,
    by: By,
    state: Literal["waiting", "delivered", "failed"] | None = None,
    after: Annotated[Instant | None, Query(description="Made then or later")] = None,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
    token: PageToken = None,
) -> Page:
    """What was sent there and is to be sent, the newest first, with every attempt."""
    endpoint = await seen(id, by)
    wanted: dict[str, Any] = {"webhook": id} | ({"webhook_state": state} if state else {})
    wanted |= {"webhook_at": {"$gte": after}} if after else {}
    query = {"$and": [wanted, _after(token)]} if token is not None else wanted
    found, more = await store.page(query, "-webhook_at,-_id", page_size)
    shown = [_shown(each.id, each.state, endpoint) for each in found if each.state is not None]
    return Page(deliveries=shown, next_page_token=_token(found, more))


@router.get("/{id:uuid}/deliveries/{delivery:uuid}")
async def show_delivery(id: UUID, delivery: UUID, by: By) -> Shown:
    """One delivery, by the `webhook-id` that was sent."""
    endpoint = await seen(id, by)
    return _shown(delivery, await store.one(id, delivery), endpoint)


@router.post("/{id:uuid}/deliveries/{delivery:uuid}:replay", status_code=202)
async def replay_one(id: UUID, delivery: UUID, by: By, key: Key) -> Shown:
    """Send one that has ended once more, under the same `webhook-id`."""
    endpoint = await seen(id, by)
    await store.one(id, delivery)
    again = await store.again(id, delivery, by.name, once(by, f"replay {delivery}", key))
    return _shown(delivery, again, endpoint)


@router.post("/{id:uuid}:replay", status_code=202)
async def replay_range(id: UUID, given: Range, by: By) -> Replayed:
    """Send those of a span of time once more, up to 500 for each request, the newest first."""
    await seen(id, by)
    if given.since >= given.until:
        raise Invalid("A span of time ends after it begins")
    ended = [given.state] if given.state else ["delivered", "failed"]
    wanted: dict[str, Any] = {
        "webhook": id,
        "webhook_at": {"$gte": given.since, "$lt": given.until},
        "webhook_state": {"$in": ended},
    }
    query = {"$and": [wanted, _after(given.page_token)]} if given.page_token is not None else wanted
    found, more = await store.page(query, "-webhook_at,-_id", AT_ONCE)
    types = set(matching(given.types, [*PUBLIC, TESTED])) if given.types is not None else None
    chosen = [each.id for each in found if each.state and (types is None or each.state.type in types)]
    await store.all_again(id, chosen, by.name)
    return Replayed(replayed=len(chosen), next_page_token=_token(found, more))


@router.post("/{id:uuid}:test", status_code=202, responses={202: carries("Location")})
async def test(id: UUID, by: By, key: Key, response: Response) -> Shown:
    """Send an event of type `webhook.tested.v1` there; the delivery tells how that went."""
    endpoint = await own(id, by)
    if endpoint.disabled is not None:
        raise Conflict("This webhook is disabled; enable it first")
    event, now = once(by, f"test {id}", key) or uuid4(), clock.machine_now()
    body = {
        "specversion": "1.0",
        "id": event,
        "source": "/redress/notify",
        "type": TESTED,
        "subject": f"webhooks/{id}",
        "time": now,
        "datacontenttype": "application/json",
        "correlationid": id,
        "sequence": f"{0:010d}",
        "data": {"endpoint": id},
    }
    cause = Cause(event, id, f"webhooks/{id}", now, by.name, None, 0, telemetry.traceparent(), TESTED)
    await store.post(id, cause, to_json(body).decode())
    made = delivery_id(event, id)
    response.headers["Location"] = f"/v1/webhooks/{id}/deliveries/{made}"
    return _shown(made, await store.one(id, made), endpoint)


@router.post("/{id:uuid}:verify")
async def verify(id: UUID, given: Received, by: By) -> Verified:
    """Tell whether a message is genuine, to find out what is wrong with a receiver."""
    endpoint = await own(id, by)
    now = clock.machine_now()
    wrong = fault(
        endpoint.signs_with(now), given.id, given.timestamp, given.signature, given.body.encode(), now
    )
    return Verified(valid=wrong is None, reason=wrong)
