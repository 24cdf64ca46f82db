"""Delegations over HTTP: somebody hands a role of theirs to somebody else for a while."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.api.calling import By
from services.intake.domain.approval import Delegation, NewDelegation, delegate
from services.intake.store import delegations as store
from shared import clock
from shared.http import Key

router = APIRouter(prefix="/v1/delegations", tags=["delegations"])


class Given(BaseModel):
    """A delegation."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    role: str
    by: str
    to: str
    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime


def _given(id: UUID, found: Delegation) -> Given:
    return Given(id=id, **found.model_dump())


@router.post("", status_code=201)
async def give(given: NewDelegation, by: By, key: Key) -> Given:
    """Hand on a role that you hold, from one instant to another."""
    return _given(*await store.give(delegate(given, by, clock.now()), key))


@router.get("")
async def find(by: By) -> list[Given]:
    """The delegations that you gave or were given."""
    return [_given(each.id, each.state) for each in await store.given_to_or_by(by.name) if each.state]


@router.post("/{id}/end", status_code=204)
async def end(id: UUID, by: By) -> None:
    """Take back a role that you handed on."""
    await store.take_back(id, by.name)
