"""Evidence over HTTP: files stream in, are looked at, sealed and kept, and stream out to readers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.intake.api.calling import By, Receipt, ask, receipt
from services.intake.channels.scanner import scanned
from services.intake.domain.complaint import Complaint, Evidence
from services.intake.domain.handling import AddEvidence, check_evidence
from services.intake.domain.media import HEAD, TYPES, media_type, safe_name
from services.intake.domain.roles import Actor, check_may
from services.intake.domain.views import hidden_from
from services.intake.store.complaints import one
from services.intake.store.evidence import keep, pieces
from services.intake.store.people import keys, texts
from services.intake.store.readings import log
from shared import clock
from shared.documents import Saved
from shared.files import Kept
from shared.http import Key, carries, takes
from shared.problems import Conflict, NotFound
from shared.settings import settings

router = APIRouter(prefix="/v1/complaints/{id}/evidence", tags=["evidence"])
Name = Annotated[str, Query(min_length=1, max_length=255, description="The file's name")]
Visibility = Annotated[
    Literal["internal", "partner"], Query(description="For the staff only, or for the partner to see too")
]
Purpose = Annotated[
    Literal["evidence", "proof"], Query(description="Of the complaint, or of what was done about it")
]


@router.post("", status_code=201, openapi_extra=takes(*TYPES, binary=True), responses={201: carries("ETag")})
async def add(
    id: UUID,
    request: Request,
    by: By,
    key: Key,
    response: Response,
    name: Name,
    purpose: Purpose = "evidence",
    visibility: Visibility = "internal",
) -> Receipt:
    """Add a file: its bytes are the body, its kind is read off them."""
    state = await one(id, by)
    check_may(by, "add evidence", (), state.respondents)
    check_evidence(state)
    own = (await keys([state.person])).get(state.person)
    if own is None:
        raise Conflict("What points to the customer was erased; nothing more can be kept of them")
    shown, declared = safe_name(name), request.headers.get("content-type")
    head, rest = await _head(request.stream())
    file = Evidence(
        id=uuid4(),
        number=0,
        purpose=purpose,
        visibility="partner" if by.is_partner else visibility,
        media_type=media_type(head, declared, shown),
        size=0,
        sha256="",
        scanned=settings().scanner_url is not None,
        at=clock.now(),
        by=by.name,
    )
    enter = partial(_enter, id, file, shown, by, key)
    async with aclosing(scanned(_whole(head, rest), settings().scanner_url)) as chunks:
        saved = await keep(file.id, chunks, own, settings().max_upload, enter)
    return receipt(saved, by, response)


async def _enter(
    id: UUID, file: Evidence, name: str, by: Actor, key: str | None, kept: Kept
) -> Saved[Complaint]:
    words = {"name": f"file {file.id}"}
    entered = file.model_copy(update=kept.model_dump() | {"words": words})
    return await ask(id, AddEvidence(entered, {words["name"]: name}), by, key)


async def _head(body: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes of a body, and the body that follows them."""
    head = b""
    async for chunk in body:
        head += chunk
        if len(head) >= HEAD:
            break
    return head, body


async def _whole(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


@router.get(
    "/{number}",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in TYPES}} | carries("Content-Disposition")},
)
async def read(id: UUID, number: Annotated[int, Path(ge=1, le=1_000)], by: By) -> StreamingResponse:
    """A file, for download; the read is logged."""
    state = await one(id, by)
    seen = (each for each in state.evidence if not by.is_partner or each.visibility == "partner")
    found = next((each for each in seen if each.number == number), None)
    own = (await keys([state.person])).get(state.person)
    if found is None or own is None or state.erased or "evidence" in hidden_from(state, by):
        raise NotFound("This complaint has no such file for you")
    await log(by.name, id, f"evidence {number}")
    name = (await texts(id, state)).get(found.words.get("name", ""), f"evidence-{number}")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(found.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    content = pieces(found.id, own)
    first = await anext(content)  # what is not there, or was changed, shows before anything is sent
    return StreamingResponse(_sent(first, content), 200, headers, found.media_type)


async def _sent(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece
