"""Handing in: a complaint becomes a record, one by one or many in a file."""

import secrets
from uuid import UUID

import uuid_utils
from fastapi import Response
from pydantic import Field

from services.intake.api.calling import Receipt, digest_of, kept_key, receipt
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
from shared.policy import load
from shared.sealing import house_key
from shared.settings import settings

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class HandedIn(Receipt):
    """Where a complaint stands, and what lets its customer see that at any time."""

    secret: str = Field(description="Opens `/v1/receipts/{number}`; for the customer, and told nowhere else")
    receipt_url: str = Field(description="The same as a page, with the secret: the link for the customer")


def handed_in(saved: Saved[Complaint], by: Actor, response: Response) -> HandedIn:
    """The receipt for whoever handed the complaint in."""
    told = receipt(saved, by, response)
    secret = secret_of(told.number, house_key("receipts"))
    return HandedIn(**told.model_dump(), secret=secret, receipt_url=receipt_url(told.number))


def receipt_url(number: str) -> str:
    """The page on which a customer sees where the complaint stands."""
    secret = secret_of(number, house_key("receipts"))
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
    number = "RC-" + "".join(secrets.choice(ALPHABET) for _ in range(10))
    asked = Registration(
        checked=found,
        caller=by.name,
        request=kept_key(by, "register", key) or f"{by.name}|={digest}",
        keyed=key is not None,
        digest=digest,
        person=person,
        sealed=sealed(id, found.texts, own),
        receipt_url=receipt_url(number),
        fingerprints=prints,
        partner=by.name if by.is_partner else None,
    )
    telemetry.concerns(id, None)
    return await add(Cause(id, id, number, clock.now(), by.name, asked, traceparent=telemetry.traceparent()))
