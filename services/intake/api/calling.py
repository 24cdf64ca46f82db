"""What every door of intake does with a request: who acts, under which key, on which version."""

import hmac
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.handling import AddEvidence, Request, possible_for, take
from services.intake.domain.ledger import Filters
from services.intake.domain.particulars import Revision, private_texts, split
from services.intake.domain.roles import Actor
from services.intake.domain.stages import Stage
from services.intake.domain.steps import Approve, Reject
from services.intake.store.complaints import complaints, one
from services.intake.store.delegations import instead
from services.intake.store.people import keys, sealed
from shared import clock, telemetry
from shared.documents import Saved
from shared.envelope import Cause
from shared.events import Outcome
from shared.http import Who, version_of
from shared.problems import Fault, PreconditionRequired
from shared.settings import settings


async def actor(who: Who) -> Actor:
    """Who acts."""
    return Actor(who.name, who.roles, who.departments)


By = Annotated[Actor, Depends(actor)]


Version = Annotated[int | None, Depends(version_of("complaint", "p?"))]
ValidateOnly = Annotated[bool, Query(description="Check it, and change nothing")]


def address_of(filters: Filters) -> str:
    """The address of the list that is narrowed like this."""
    return f"/v1/complaints?{urlencode(filters.model_dump(mode='json', exclude_none=True))}"


def digest_of(payload: BaseModel | AddEvidence) -> str:
    """What tells one payload from another, by whom; fields that only a newer version knows do not count."""
    if isinstance(payload, AddEvidence):
        plain = payload.file.sha256
    else:
        plain = payload.model_dump_json(exclude_unset=True)
    return hmac.digest(settings().customers_key, plain.encode(), "sha256").hex()


class Receipt(BaseModel):
    """Where a complaint stands."""

    id: UUID
    number: str
    stage: Stage
    cycle: int
    outcome: Outcome | None = Field(description="How it ended, once it has")
    possible: list[str] = Field(description="The steps that can be taken now, by you")


def short(id: UUID, state: Complaint, by: Actor) -> Receipt:
    """A complaint's receipt."""
    return Receipt(
        id=id,
        number=state.number,
        stage=state.stage,
        cycle=state.cycle,
        outcome=state.outcome if state.closed_at else None,
        possible=possible_for(state, by),
    )


def etag(state: Complaint) -> str:
    """The version of a record as its readers see it."""
    return f'"{state.edition}"'


def receipt(saved: Saved[Complaint], by: Actor, response: Response) -> Receipt:
    """The same, with the version as ETag; that of what is on record, where it was only checked."""
    assert saved.state is not None
    response.headers["ETag"] = etag(saved.state)
    return short(saved.id, saved.state, by)


def kept_key(by: Actor, route: str, key: str | None) -> str | None:
    """An Idempotency-Key as it is kept: for each caller and route, and without its words."""
    if key is None:
        return None
    return f"{route} {hmac.digest(settings().customers_key, f'{by.name}|{key}'.encode(), 'sha256').hex()}"


def route_of(asked: Any) -> str:
    """The route by which it came: all steps come by one."""
    return "step" if hasattr(asked, "step") else type(asked).__name__


async def ask(
    id: UUID, asked: Any, by: Actor, key: str | None, version: int | None = None, *, only_check: bool = False
) -> Saved[Complaint]:
    """Have something done to a complaint. Raises what refuses it."""
    state = await one(id, by)
    if isinstance(asked, Approve | Reject):
        if version is None:
            fault = Fault(detail="send the ETag of what you read as If-Match", pointer="#/If-Match")
            raise PreconditionRequired("Whoever approves or rejects says what they have read", [fault])
        by = Actor(by.name, by.roles, by.departments, await instead(by, clock.now()))
    telemetry.concerns(id, state.traceparent)
    texts, words = _texts(asked, state)
    cause = Cause(
        id=uuid4(),
        complaint=id,
        subject=state.number,
        time=clock.now(),
        by=by.name,
        data=Request(
            asked,
            by,
            kept_key(by, route_of(asked), key),
            digest_of(asked),
            sealed=await _sealed(id, state, texts),
            words=words,
            edition=version,
        ),
        traceparent=telemetry.traceparent(),
    )
    if only_check:
        after, _ = take(state, cause)
        return Saved(id, after.model_copy(update={"edition": state.edition}), 0, False)
    return await complaints.update_soon(id, take, cause)


def _texts(asked: Any, state: Complaint) -> tuple[dict[str, str], dict[str, str]]:
    """The free texts of a request by the names under which they will be kept, and those names by field."""
    if isinstance(asked, Revision):
        return private_texts(split(asked.details, pack_of(state)).private), {}
    if isinstance(asked, AddEvidence):
        return dict(asked.texts), {}
    said = {field: getattr(asked, field) for field in asked.words}
    words = {field: f"{field} {uuid4()}" for field, text in said.items() if text is not None}
    return {name: said[field] for field, name in words.items()}, words


async def _sealed(id: UUID, state: Complaint, texts: Mapping[str, str]) -> dict[str, str]:
    """The texts as the record keeps them; none of whoever was erased."""
    if not texts:
        return {}
    key = (await keys([state.person])).get(state.person)
    return sealed(id, texts, key) if key is not None else {}
