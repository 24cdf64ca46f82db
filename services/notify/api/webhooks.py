"""Webhooks over HTTP: endpoints that get our events are registered, changed, and given new secrets."""

import hashlib
import secrets
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.notify.api.asking import By, Version, once, own, seen
from services.notify.channels.guard import LONGEST_URL, check
from services.notify.domain.endpoints import (
    PATTERN,
    Endpoint,
    Revision,
    Rotation,
    Secret,
    Switch,
    matching,
    on_offer,
    remove,
    revise,
    rotate,
    switch,
)
from services.notify.domain.signing import SECRET_BYTES, secret_text
from services.notify.store import endpoints as store
from shared import clock
from shared.http import Key, PageToken, carries, page_token, read_page_token
from shared.principals import Principal
from shared.problems import Fault, Invalid

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

Pattern = Annotated[str, StringConstraints(pattern=PATTERN)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
Description = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Given(BaseModel):
    """A body; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid")


class NewWebhook(Given):
    """An endpoint to be registered."""

    url: Url = Field(description="Where events are sent: https://example.com/hooks")
    types: list[Pattern] = Field(
        min_length=1,
        max_length=50,
        description="Event types; `*` stands for any text",
        examples=[["complaint.*.v1"]],
    )
    description: Description = ""


class ChangedWebhook(Given):
    """What is to be changed of it; what is left out stays."""

    url: Url | None = None
    types: list[Pattern] | None = Field(None, min_length=1, max_length=50)
    description: Description | None = None


class Shown(BaseModel):
    """An endpoint. `failing` since when, if it is; then events wait, and are tried again."""

    id: UUID
    owner: str
    of: Literal["partner", "house"] = Field(description="A partner's gets what it handed in, the house's all")
    url: str
    types: list[str]
    description: str
    state: Literal["enabled", "disabled", "failing"]
    reason: str | None = Field(description="Why it is disabled")
    failing_since: AwareDatetime | None
    made_at: AwareDatetime
    secrets_until: list[AwareDatetime] = Field(description="Until when older secrets go on signing, too")


class WithSecret(Shown):
    """The same with the secret that this request made."""

    secret: str | None = Field(
        description="Verify signatures with it; it begins with whsec_. Shown to this request, and to its "
        "repeats with the same Idempotency-Key for 48 hours or until there is a newer one"
    )


class Page(BaseModel):
    """Endpoints."""

    webhooks: list[Shown]
    next_page_token: str | None = None


def _shown(id: UUID, each: Endpoint) -> Shown:
    now = clock.machine_now()
    return Shown(
        id=id,
        of="partner" if each.of_partner else "house",
        types=list(each.types),
        reason=each.disabled,
        secrets_until=[old.until for old in each.secrets if old.until is not None and old.until > now],
        **{name: getattr(each, name) for name in _ALIKE},
    )


_ALIKE = ("owner", "url", "description", "state", "failing_since", "made_at")


def _answer(id: UUID, each: Endpoint, response: Response) -> Shown:
    response.headers["ETag"] = f'"{each.edition}"'
    return _shown(id, each)


def _with_secret(id: UUID, each: Endpoint, request: UUID, response: Response) -> WithSecret:
    response.headers["Cache-Control"] = "no-store"
    secret = each.shown_to(request, clock.machine_now())
    return WithSecret(**dict(_answer(id, each, response)), secret=secret)


def _check_types(patterns: list[str], by: Principal) -> None:
    """Raises Invalid for a pattern that no event of theirs can ever fit."""
    faults = [
        Fault(detail="no public event that you may have is of this type", pointer=f"#/types/{place}")
        for place, each in enumerate(patterns)
        if not matching([each], on_offer(by.is_partner))
    ]
    if faults:
        raise Invalid("There are no such events", faults)


def _new_secret() -> str:
    return secret_text(secrets.token_bytes(SECRET_BYTES))


@router.post("", status_code=201, responses={201: carries("Location", "ETag")})
async def register(given: NewWebhook, by: By, key: Key, response: Response) -> WithSecret:
    """Register an endpoint; the answer has its secret, which is told this once."""
    _check_types(given.types, by)
    await check(given.url, by.name)
    now, id = clock.machine_now(), once(by, "register", key) or uuid4()
    new = Endpoint(
        owner=by.name,
        of_partner=by.is_partner,
        url=given.url,
        types=tuple(given.types),
        description=given.description,
        secrets=(Secret(text=_new_secret(), made_at=now, request=id),),
        made_at=now,
        enabled_at=now,
        digest=hashlib.sha256(given.model_dump_json().encode()).hexdigest(),
    )
    kept = await store.add(id, new)
    response.headers["Location"] = f"/v1/webhooks/{id}"
    return _with_secret(id, kept, id, response)


@router.get("")
async def find(
    by: By,
    page_size: Annotated[int, Query(ge=1, le=200)] = 50,
    token: PageToken = None,
) -> Page:
    """Your endpoints; staff sees all."""
    after = read_page_token(token, dated=False)[1] if token is not None else None
    found, more = await store.of(by.name if by.is_partner else None, after, page_size)
    following = page_token(None, found[-1].id) if more and found else None
    shown = [_shown(each.id, each.state) for each in found if each.state is not None]
    return Page(webhooks=shown, next_page_token=following)


@router.get("/{id:uuid}", responses={200: carries("ETag")})
async def show(id: UUID, by: By, response: Response) -> Shown:
    """One endpoint."""
    return _answer(id, await seen(id, by), response)


@router.patch("/{id:uuid}", responses={200: carries("ETag")})
async def change(id: UUID, given: ChangedWebhook, by: By, version: Version, response: Response) -> Shown:
    """Change an endpoint; what waits is sent to the new URL, at once."""
    await own(id, by)
    wanted: dict[str, Any] = given.model_dump(exclude_none=True)
    if given.types is not None:
        _check_types(given.types, by)
    if given.url is not None:
        await check(given.url, by.name)
    changed = await store.change(id, revise, by.name, Revision(edition=version, **wanted))
    return _answer(id, changed, response)


@router.delete("/{id:uuid}", status_code=204)
async def take_away(id: UUID, by: By, version: Version) -> None:
    """Remove an endpoint; what waits for it is never sent."""
    await own(id, by)
    await store.change(id, remove, by.name, version)


@router.post("/{id:uuid}/secrets", status_code=201, responses={201: carries("ETag")})
async def renew_secret(id: UUID, by: By, key: Key, version: Version, response: Response) -> WithSecret:
    """Get a new secret; for 24 hours messages are signed with the old one, too."""
    await own(id, by)
    request, asked = once(by, f"rotate {id}", key) or uuid4(), Rotation(edition=version, secret=_new_secret())
    changed = await store.change(id, rotate, by.name, asked, request)
    return _with_secret(id, changed, request, response)


@router.post("/{id:uuid}:enable", responses={200: carries("ETag")})
async def enable(id: UUID, by: By, version: Version, response: Response) -> Shown:
    """Send events there again, first those that were held."""
    await seen(id, by)
    changed = await store.change(id, switch, by.name, Switch(edition=version, on=True))
    return _answer(id, changed, response)


@router.post("/{id:uuid}:disable", responses={200: carries("ETag")})
async def disable(id: UUID, by: By, version: Version, response: Response) -> Shown:
    """Send nothing there any more; what waits is held, what happens meanwhile is not kept for it."""
    await seen(id, by)
    changed = await store.change(id, switch, by.name, Switch(edition=version, on=False))
    return _answer(id, changed, response)
