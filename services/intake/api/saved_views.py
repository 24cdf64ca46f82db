"""Saved views over HTTP: lists of the ledger that somebody comes back to, and may share with the staff."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake.api.calling import By, Version, address_of
from services.intake.domain.ledger import Filters
from services.intake.domain.roles import check_may
from services.intake.domain.saved_views import NewView, SavedView
from services.intake.store import saved_views as store
from shared.http import carries

router = APIRouter(prefix="/v1/views", tags=["views"])
ViewName = Annotated[
    str,
    Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x20/\x7f]([^\x00-\x1f/\x7f]*[^\x00-\x20/\x7f])?$"),
]


class Shown(BaseModel):
    """A saved view."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    name: str
    by: str
    shared: bool
    filters: Filters
    edition: int = Field(description="Its ETag, without the quotes")
    listed: str = Field(alias="list", description="The list that it narrows")


def _shown(view: SavedView) -> Shown:
    return Shown(**dict(view), listed=address_of(view.filters))


@router.get("")
async def find(by: By) -> list[Shown]:
    """Your own views, and those that others share."""
    check_may(by, "see supervision", (), ())
    return [_shown(each) for each in await store.seen_by(by.name)]


@router.put("/{name}", responses={200: carries("ETag")})
async def put(name: ViewName, given: NewView, by: By, version: Version, response: Response) -> Shown:
    """Save a view of your own under a name; it replaces the one of that name."""
    check_may(by, "see supervision", (), ())
    view = SavedView(name=name, by=by.name, filters=given.filters, shared=given.shared)
    kept = await store.put(view, version)
    response.headers["ETag"] = f'"{kept.edition}"'
    return _shown(kept)


@router.delete("/{name}", status_code=204)
async def remove(name: ViewName, by: By, version: Version) -> None:
    """Remove a view of your own."""
    check_may(by, "see supervision", (), ())
    await store.remove(name, by.name, version)
