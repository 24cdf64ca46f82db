"""Callers: the principal behind a request, for routes to ask for, by its own credentials or its session's."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.openapi.models import HTTPBearer
from fastapi.params import Cookie, Header, Path
from fastapi.security.base import SecurityBase

from shared import telemetry
from shared.http import rates, sessions
from shared.principals import Principal, gatekeeper
from shared.problems import (
    Fault,
    Forbidden,
    Invalid,
    Unauthenticated,
    Unavailable,
    WrongCredentials,
    pointer,
)
from shared.settings import SUBSCRIBER

HOW = "Send 'Authorization: Bearer <API key or token>'"


class _Bearer(SecurityBase):
    """The dependency that tells who asks; it is also the security scheme that OpenAPI shows."""

    scheme_name = "bearer"
    model = HTTPBearer(
        description="A caller's API key, or a token of staff from the house's OpenID Connect issuer"
    )

    async def __call__(self, request: Request) -> Principal:
        """Raises Unauthenticated, Forbidden, TooManyRequests, Unavailable; Invalid for an unknown parameter.

        Credentials that let nobody in count for their address; one that has used up its share is told no
        more of them. Good ones are heard all the same: many callers may come by one address.
        """
        scope, given = request.scope, request.headers.get("authorization")
        by_session = given is None and sessions.comes_with_one(dict(scope["headers"]))
        if given is None and not by_session:
            raise Unauthenticated(HOW)
        try:
            who = await gatekeeper().admit(_credentials(request, given))
        except (Unauthenticated, Unavailable):
            rates.of_addresses().take(scope, rates.address(scope))
            raise
        rates.of_callers().take(scope, who.name)
        telemetry.names(_complaint(request))
        if by_session:
            sessions.check_origin(request)
        if scope["query_string"]:
            _check_queries(request)
        self._check(who)
        return who

    def _check(self, who: Principal) -> None:
        """Raises Forbidden for whoever reads events only: there is nothing else for them."""
        if who.is_subscriber:
            raise Forbidden("Subscribers use GET /v1/events of intake only")


class _BearerOfEvents(_Bearer):
    """The same where events are read: subscribers, and nobody else."""

    def _check(self, who: Principal) -> None:
        """Raises Forbidden for whoever is no subscriber."""
        if not who.holds(SUBSCRIBER):
            raise Forbidden(f"Events are for the role {SUBSCRIBER}; partners get those of theirs by webhook")


def _complaint(request: Request) -> str | None:
    """The complaint that a route is about, as its path names it."""
    given = request.path_params
    of_complaint = "/complaints/{id" in request.scope["route"].path
    return given.get("id" if of_complaint else "complaint")


def _credentials(request: Request, given: str | None) -> str:
    """What the header Authorization gives, or else the browser's session."""
    if given is None:
        found = sessions.credentials(request)
        if found is None:
            raise WrongCredentials(HOW)
        return found
    kind, _, credentials = given.partition(" ")
    if kind.lower() != "bearer":
        raise WrongCredentials(HOW)
    return credentials.strip()


principal = _Bearer()
Who = Annotated[Principal, Depends(principal)]
subscriber = _BearerOfEvents()


async def caller(who: Who) -> str:
    """The name of whoever asks. Raises Forbidden for partners, and as `principal` does."""
    if who.is_partner:
        raise Forbidden("Partners use the complaints of intake only")
    return who.name


Caller = Annotated[str, Depends(caller)]


async def anybody(request: Request) -> None:
    """For operations that ask for no principal: counted for the address, whatever credentials there are.

    Raises TooManyRequests; Invalid for an unknown parameter.
    """
    if "standing" not in request.scope:
        rates.of_addresses().take(request.scope, rates.address(request.scope))
    _check_queries(request)


def _check_queries(request: Request) -> None:
    """Raises Invalid for a query parameter that the operation does not have: a misspelt filter finds all."""
    params = get_flat_params(request.scope["route"].dependant)
    known = sorted(each.alias for each in params if not isinstance(each.field_info, Path | Header | Cookie))
    told = f"the known ones are {', '.join(known)}" if known else "there are none here"
    given = request.query_params.keys()
    if unknown := [Fault(detail=told, pointer=pointer([name])) for name in given if name not in known]:
        raise Invalid("There is no such query parameter", unknown)
    if repeated := [name for name in given if len(request.query_params.getlist(name)) > 1]:
        faults = [Fault(detail="give it once", pointer=pointer([name])) for name in repeated]
        raise Invalid("This query parameter is there more than once", faults)
