"""The deliveries of webhooks: one document for each event and endpoint, dropped when it has long ended."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from services.notify.domain.deliveries import (
    Delivery,
    Report,
    claim,
    delivery_id,
    hasten,
    make,
    record,
    release,
    replay,
    replay_ended,
)
from services.notify.domain.endpoints import for_partners, is_about
from services.notify.store.endpoints import directory
from services.notify.store.notices import notices
from shared import clock, telemetry
from shared.documents import Due, Saved
from shared.driver import index
from shared.envelope import Cause, to_cloudevent
from shared.events import Fact
from shared.problems import NotFound, Unavailable

D = TypeVar("D")
REMEMBERED = 50_000
_handed_in: OrderedDict[UUID, str] = OrderedDict()


def lift(state: Delivery) -> dict[str, Any]:
    waits = state.state == "waiting"
    return {
        "webhook": state.endpoint,
        "webhook_at": state.made_at,
        "webhook_state": state.state,
        "webhook_waits": state.endpoint if waits else None,
        "webhook_due": state.next_at if waits else None,
        "webhook_ends": state.kept_until,
    }


deliveries = notices.beside(
    Delivery,
    lift=lift,
    indexes=[
        index("webhook_waits", "webhook_due"),
        index("webhook", "webhook_at", "_id", "webhook_state"),
        index("webhook_ends", ends=True),
    ],
)


# made


async def hand_over(event: Cause[Fact]) -> None:
    """Make a delivery of a public event for every endpoint that it is for.

    If nobody wants events of its type, nothing is read or written. Raises Unavailable while it is not known
    which partner it is for; then the house has it already, and it comes again for the partner.
    """
    if event.data.private or not (wanting := await directory.wanting(event.type)):
        return
    await _post([id for id, each in wanting if not each.of_partner and not is_about(id, event.data)], event)
    theirs = [(id, each.owner) for id, each in wanting if each.of_partner]
    if theirs and (shown := for_partners(event.data)) is not None:
        partner = await _partner(event.complaint)
        await _post([id for id, owner in theirs if owner == partner], replace(event, data=shown))


async def _post(endpoints: Sequence[UUID], event: Cause[Fact]) -> None:
    if endpoints:
        body = to_cloudevent(event, event.causation or event.id).decode()
        await asyncio.gather(*(post(each, event, body) for each in endpoints))


async def post(endpoint: UUID, event: Cause[Any], body: str) -> UUID:
    """Make the one delivery of this event to this endpoint; its id."""
    id, now = delivery_id(event.id, endpoint), clock.machine_now()
    new = Delivery(
        endpoint=endpoint,
        event=event.id,
        type=event.type,
        subject=event.subject,
        body=body,
        traceparent=event.traceparent,
        made_at=now,
        since=now,
        next_at=now,
    )
    await deliveries.update(id, make, _cause(id, endpoint, new, event.id))
    return id


async def _partner(complaint: UUID) -> str:
    """Who handed a complaint in, if that was a partner, else nothing. Raises Unavailable if unknown yet."""
    known = _handed_in.get(complaint)
    if known is None:
        found = [each async for some in notices.lifted({"_id": complaint}, ["handed_in_by"]) for each in some]
        known = found[0].get("handed_in_by") if found else None
        if known is None:
            raise Unavailable("It is not known yet who handed this complaint in")
        _handed_in[complaint] = known
        if len(_handed_in) > REMEMBERED:
            _handed_in.popitem(last=False)
    return known


# sent


async def due(among: Sequence[UUID], limit: int) -> list[Due[Delivery]]:
    """What these endpoints are to be sent now, the longest due first."""
    return await deliveries.due(
        limit, "webhook_due", {"webhook_waits": {"$exists": True, "$in": list(among)}}
    )


async def take(found: Due[Delivery]) -> UUID | None:
    """Claim a delivery; the claim, or None if another replica was first."""
    cause = _cause(found.id, found.state.endpoint, found.now)
    saved = await deliveries.update(found.id, claim, cause)
    return cause.id if saved.state is not None and saved.state.claim == cause.id else None


async def give_back(id: UUID, endpoint: UUID, claimed: UUID) -> None:
    """Let a claimed delivery be due again in a moment: it was not tried."""
    await deliveries.update(id, release, _cause(id, endpoint, claimed))


async def hasten_some(endpoint: UUID, since: datetime, limit: int) -> bool:
    """Make due what has waited since before the endpoint was enabled; false if nothing does any more."""
    query = {"webhook_waits": endpoint, "webhook_due": {"$gt": clock.machine_now()}}
    found = await deliveries.find(query, sort="-webhook_due", limit=limit)
    hastened = (deliveries.update(each.id, hasten, _cause(each.id, endpoint, since)) for each in found)
    return any(each.changed for each in await asyncio.gather(*hastened))


async def keep(id: UUID, delivery: Delivery, report: Report, started: int) -> None:
    """Write down how an attempt ended; `started` is when it began (ns)."""
    cause = _cause(id, delivery.endpoint, report)
    soon = delivery.tried == 0 and not delivery.replays
    with telemetry.following(
        "deliver webhook", cause, delivery.traceparent, soon=soon, started=started
    ) as traced:
        await deliveries.update(id, record, traced)


async def count_waiting(among: Sequence[UUID]) -> int:
    """How many deliveries to these endpoints have not ended."""
    return await deliveries.count({"webhook_waits": {"$exists": True, "$in": list(among)}})


# looked at, and sent again


async def one(endpoint: UUID, id: UUID) -> Delivery:
    """Raises NotFound."""
    found = await deliveries.find({"_id": id, "webhook": endpoint}, limit=1)
    if not found or found[0].state is None:
        raise NotFound("This webhook has no such delivery, or has one no more")
    return found[0].state


async def page(query: Mapping[str, Any], sort: str, limit: int) -> tuple[list[Saved[Delivery]], bool]:
    """Deliveries that match, and whether there are more."""
    return await deliveries.page(query, sort=sort, limit=limit)


async def again(endpoint: UUID, id: UUID, by: str, cause: UUID | None = None) -> Delivery:
    """Send one that has ended once more. Raises Conflict."""
    wish = _cause(id, endpoint, clock.machine_now(), cause, by)
    saved = await deliveries.update_soon(id, replay, wish)
    assert saved.state is not None
    return saved.state


async def all_again(endpoint: UUID, ids: Sequence[UUID], by: str) -> None:
    """Send these once more, as far as they have ended."""
    wishes = (_cause(id, endpoint, clock.machine_now(), None, by) for id in ids)
    await asyncio.gather(*(deliveries.update(wish.complaint, replay_ended, wish) for wish in wishes))


def _cause(
    id: UUID, endpoint: UUID, data: D, cause: UUID | None = None, by: str = notices.service
) -> Cause[D]:
    return Cause(cause or uuid4(), id, f"webhooks/{endpoint}", clock.machine_now(), by, data)
