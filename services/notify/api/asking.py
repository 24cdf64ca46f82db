"""What a request about webhooks brings along: who asks, a key of its own, the version that was read."""

from typing import Annotated
from uuid import UUID, uuid5

from fastapi import Depends

from services.notify.domain.endpoints import Endpoint
from services.notify.store import endpoints as store
from shared.http import Who, version_of
from shared.principals import Principal
from shared.problems import Forbidden, NotFound

STAFF = ("supervisors", "service_manager", "general_manager")
REQUESTS = UUID("4b1fd1c5-54b8-5f39-9f55-0f7f8a2f1d4e")


async def entitled(who: Who) -> Principal:
    """Who asks. Raises Forbidden unless a partner, or staff that may have webhooks."""
    if not who.is_partner and not who.holds(*STAFF):
        raise Forbidden(f"Webhooks are for partners, and for the roles {', '.join(STAFF)}")
    return who


By = Annotated[Principal, Depends(entitled)]


Version = Annotated[int | None, Depends(version_of("webhook"))]


def once(by: Principal, what: str, key: str | None) -> UUID | None:
    """The id of a request that is made under a key."""
    return uuid5(REQUESTS, f"{what}|{by.name}|{key}") if key else None


async def seen(id: UUID, by: Principal) -> Endpoint:
    """An endpoint that this caller may see. Raises NotFound."""
    found = await store.one(id)
    if by.is_partner and (not found.of_partner or found.owner != by.name):
        raise NotFound("There is no webhook with this id")
    return found


async def own(id: UUID, by: Principal) -> Endpoint:
    """One that this caller may change: staff changes the house's. Raises NotFound, Forbidden."""
    found = await seen(id, by)
    if found.of_partner and not by.is_partner:
        raise Forbidden("This webhook is a partner's; staff may disable, enable and replay it")
    return found
