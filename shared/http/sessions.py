"""Sessions: a person's browser carries their credentials in a sealed cookie, which no script can read.

The server keeps nothing of a session, so every replica knows it. A cookie goes along with whatever a browser
is made to ask, so changes are taken only from pages of this very origin, as the browser itself tells.

Source: RFC 6265 and its successor draft-ietf-httpbis-rfc6265bis (`__Host-`, SameSite), W3C Fetch Metadata.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ValidationError

from shared import clock, sealing
from shared.principals import Principal, gatekeeper
from shared.problems import Fault, Forbidden, Invalid, WrongCredentials

LASTS = timedelta(hours=12)
"""By the machine's time: a demo whose days pass in seconds signs nobody out."""
COOKIE_BYTES = 4_096
"""What every browser takes (RFC 6265, 6.1)."""
SAFE = ("GET", "HEAD")
_NAME = "redress"


class Session(BaseModel):
    """What the cookie holds."""

    credentials: str
    until: AwareDatetime


def comes_with_one(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request brings what may be a session."""
    return f"{_NAME}=".encode() in headers.get(b"cookie", b"")


def begun(request: Request, credentials: str) -> str:
    """The header Set-Cookie that begins a session. Raises Invalid for credentials no cookie can hold."""
    held = Session(credentials=credentials, until=clock.machine_now() + LASTS)
    sealed = sealing.seal(held.model_dump_json().encode(), sealing.house_key("session"), _name(request))
    header = _header(request, base64.urlsafe_b64encode(sealed).decode().rstrip("="), LASTS)
    if len(header) > COOKIE_BYTES:
        fault = Fault(detail="use a shorter token: with fewer claims, say", pointer="#/credential")
        raise Invalid("These credentials are longer than a browser keeps", [fault])
    return header


def ended(request: Request) -> str:
    """The header Set-Cookie that ends the browser's session."""
    return _header(request, "", timedelta())


def credentials(request: Request) -> str | None:
    """The credentials of the browser's session. Raises WrongCredentials for one that is forged or over."""
    cookie = request.cookies.get(_name(request))
    if cookie is None:
        return None
    found = _opened(cookie, _name(request))
    if found is None:
        raise WrongCredentials("The session is over: sign in again")
    return found


def check_origin(request: Request) -> None:
    """Raises Forbidden for a change that a browser sends by its session from a page of another origin."""
    if request.method not in SAFE and request.headers.get("sec-fetch-site") != "same-origin":
        raise Forbidden("By a session, things are changed only from this house's own pages, opened by https")


async def admitted(given: str) -> Principal | None:
    """Whoever these credentials let in, if anybody. Raises Unavailable."""
    try:
        return await gatekeeper().admit(given)
    except (WrongCredentials, Forbidden):
        return None


async def visitor(request: Request) -> Principal | None:
    """Whoever's session a browser shows, if it is good. Raises Unavailable."""
    found = _opened(request.cookies.get(_name(request), ""), _name(request))
    return await admitted(found) if found is not None else None


def _opened(cookie: str, name: str) -> str | None:
    try:
        sealed = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        held = Session.model_validate_json(sealing.unseal(sealed, sealing.house_key("session"), name))
    except (ValueError, ValidationError):
        return None
    return held.credentials if clock.machine_now() < held.until else None


def _name(request: Request) -> str:
    """With https one that no other host, path or unsafe page can have set."""
    return f"__Host-{_NAME}" if request.url.scheme == "https" else _NAME


def _header(request: Request, value: str, lasts: timedelta) -> str:
    age = int(lasts.total_seconds())
    plain = f"{_name(request)}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"
    return f"{plain}; Secure" if request.url.scheme == "https" else plain
