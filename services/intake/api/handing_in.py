"""Handing in: a complaint becomes a record, one by one or many in a file."""

import secrets
from uuid import UUID

import uuid_utils
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.intake.api.calling import By, Receipt, ValidateOnly, actor, digest_of, etag, kept_key, short
from services.intake.domain.complaint import Complaint
from services.intake.domain.fingerprints import fingerprints
from services.intake.domain.forms import NewComplaint
from services.intake.domain.receipts import secret_of
from services.intake.domain.registration import Checked, Registration, checked
from services.intake.domain.roles import Actor, check_may
from services.intake.store.complaints import add, copies
from services.intake.store.people import met, sealed
from shared import clock, telemetry
from shared.documents import Saved
from shared.envelope import Cause
from shared.http import Key, carries, idempotency_key, principal, straight
from shared.policy import load
from shared.sealing import house_key
from shared.settings import settings

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters, of which a random byte chooses each as often."""


class Valid(BaseModel):
    """A complaint that could be handed in, and was not."""

    valid: bool = True
    pack: str
    pack_version: int


class HandedIn(Receipt):
    """Where a complaint stands, and what lets its customer see that at any time."""

    secret: str = Field(description="Opens `/v1/receipts/{number}`; for the customer, and told nowhere else")
    receipt_url: str = Field(description="The same as a page, with the secret: the link for the customer")


def _receipt(saved: Saved[Complaint], by: Actor) -> tuple[HandedIn, dict[str, str]]:
    """The receipt for whoever handed the complaint in, and the headers that go with it."""
    assert saved.state is not None
    told, secret = short(saved.id, saved.state, by), _secret(saved.state.number)
    whole = HandedIn(**dict(told), secret=secret, receipt_url=_receipt_url(told.number, secret))
    return whole, {"Location": f"/v1/complaints/{saved.id}", "ETag": etag(saved.state)}


def _secret(number: str) -> str:
    return secret_of(number, house_key("receipts"))


def _receipt_url(number: str, secret: str) -> str:
    """The page on which a customer sees where the complaint stands."""
    return f"{settings().receipt_url.rstrip('/')}/receipts/{number}?secret={secret}"


def check(given: NewComplaint, by: Actor) -> Checked:
    """A complaint that can be handed in. Raises what refuses it."""
    check_may(by, "register", (), ())
    name = given.pack or settings().pack
    return checked(given, clock.now(), load(name, copies.latest(name)))


async def hand_in(given: NewComplaint, by: Actor, key: str | None) -> Saved[Complaint]:
    """Register a complaint once for this key, or without one for its content. Raises what refuses it."""
    found = check(given, by)
    id, digest = UUID(bytes=uuid_utils.uuid7().bytes), digest_of(given)
    prints = fingerprints(given.complainant, settings().customers_key)
    person, own = await met(prints, id)
    number = "RC-" + "".join(ALPHABET[byte % 32] for byte in secrets.token_bytes(10))
    asked = Registration(
        checked=found,
        caller=by.name,
        request=kept_key(by, "register", key) or f"{by.name}|={digest}",
        keyed=key is not None,
        digest=digest,
        person=person,
        sealed=sealed(id, found.texts, own),
        receipt_url=_receipt_url(number, _secret(number)),
        fingerprints=prints,
        partner=by.name if by.is_partner else None,
    )
    telemetry.concerns(id, None)
    return await add(Cause(id, id, number, clock.now(), by.name, asked, traceparent=telemetry.traceparent()))


async def _register_at_once(given: NewComplaint, request: Request) -> Response:
    by = await actor(await principal(request))
    key = await idempotency_key(request.headers.get("idempotency-key"))
    told, headers = _receipt(await hand_in(given, by, key), by)
    return Response(told.model_dump_json(), 201, headers, "application/json")


router = APIRouter(
    prefix="/v1/complaints", tags=["complaints"], route_class=straight(NewComplaint, _register_at_once)
)


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": Valid, "description": "It was only checked"},
        201: {"model": HandedIn, "description": "It is on record"} | carries("Location", "ETag"),
    },
)
async def register(
    given: NewComplaint, by: By, key: Key, response: Response, validate_only: ValidateOnly = False
) -> HandedIn | Valid:
    """Hand in a complaint. The same Idempotency-Key with the same body gets the same receipt again."""
    if validate_only:
        response.status_code = 200
        found = check(given, by).registered
        return Valid(pack=found.pack, pack_version=found.pack_version)
    told, headers = _receipt(await hand_in(given, by, key), by)
    response.headers.update(headers)
    return told
