"""Page tokens: where a page of a list ended, signed, so that nobody can make one up."""

import base64
import hmac
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import TypeAdapter
from pydantic_core import to_json

from shared import sealing
from shared.events import Instant
from shared.places import Place
from shared.problems import Fault, Invalid

PageToken = Annotated[
    str | None,
    Query(alias="page_token", max_length=300, description="`next_page_token` of the page before"),
]
"""The query parameter `page_token` of every list, for doors and for forms of theirs alike."""

_TOKEN: TypeAdapter[tuple[Instant | None, UUID]] = TypeAdapter(tuple[Instant | None, UUID])
_PLACE: TypeAdapter[Place] = TypeAdapter(Place)
_MAC_BYTES = 32


def page_token(at: datetime | None, id: UUID) -> str:
    """Where a page of a list ended: at which instant (None: the list has none), and with which document."""
    return _signed(to_json([at, id]))


def read_page_token(token: str, *, dated: bool) -> tuple[datetime | None, UUID]:
    """Where the page before ended. Raises Invalid for a token that was changed, or of another list."""
    try:
        found = _TOKEN.validate_json(_content(token))
    except ValueError:
        fault = Fault(detail="take next_page_token of the page before", pointer="#/page_token")
        raise Invalid("The page token is not one of this list", [fault]) from None
    if (found[0] is not None) != dated:
        fault = Fault(detail="take next_page_token of the same list", pointer="#/page_token")
        raise Invalid("The page token is one of another list", [fault])
    return found


def place_token(place: Place) -> str:
    """A place in the history."""
    return _signed(to_json(place._asdict()))


def read_place_token(token: str) -> Place:
    """That place. Raises Invalid for a token that was changed, or is none of the history's."""
    try:
        found = _PLACE.validate_json(_content(token))
        if found.offset and not found.mark:
            raise ValueError("nothing tells its stream")
    except ValueError:
        fault = Fault(detail="take `after` of the page before, as it was", pointer="#/after")
        raise Invalid("This is no token of the history", [fault]) from None
    return found


def _content(token: str) -> bytes:
    """What a token says. Raises ValueError unless it was signed here."""
    content = base64.urlsafe_b64decode(token)[:-_MAC_BYTES]
    if not hmac.compare_digest(token.encode(), _signed(content).encode()):
        raise ValueError("not signed here")
    return content


def _signed(content: bytes) -> str:
    """HMAC-SHA-256 behind the content; a text with as much as a bit changed is not what this makes."""
    mac = hmac.digest(sealing.house_key("pages"), content, "sha256")
    return base64.urlsafe_b64encode(content + mac).decode()
