"""The saved views: one document for each name of each person."""

from typing import Any
from uuid import UUID, uuid4, uuid5

from services.intake.domain.saved_views import SavedView, Saving, save
from services.intake.store.complaints import complaints
from shared import clock
from shared.driver import index
from shared.envelope import Cause
from shared.problems import Conflict

VIEWS = UUID("3d0f9f52-6a1e-5c7d-8b8e-5d7a0f7c4a92")
MOST = 200
"""Views of one person, and shared ones that a list shows."""


def lift(view: SavedView) -> dict[str, Any]:
    there = None if view.removed else view
    return {"viewer": there and there.by, "shared_view": there.name if there and there.shared else None}


views = complaints.beside(SavedView, lift=lift, indexes=[index("viewer"), index("shared_view", "_id")])


async def put(view: SavedView, edition: int | None) -> SavedView:
    """Raises PreconditionFailed, or Conflict for one too many."""
    id = _id(view.by, view.name)
    own = await views.find({"viewer": view.by}, limit=MOST)
    if len(own) == MOST and id not in {each.id for each in own}:
        raise Conflict(f"Nobody keeps more than {MOST} views; remove some first")
    return await _save(id, view.by, Saving(view, edition))


async def remove(name: str, by: str, edition: int | None) -> None:
    """Raises NotFound, PreconditionFailed."""
    await _save(_id(by, name), by, Saving(None, edition))


def _id(by: str, name: str) -> UUID:
    return uuid5(VIEWS, f"{by}|{name}")


async def _save(id: UUID, by: str, wanted: Saving) -> SavedView:
    saved = await views.update_soon(id, save, Cause(uuid4(), id, "", clock.now(), by, wanted))
    assert saved.state is not None
    return saved.state


async def seen_by(name: str) -> list[SavedView]:
    """One's own views, then those that others share, each by name."""
    own = await views.find({"viewer": name}, limit=MOST)
    others = await views.find(
        {"shared_view": {"$exists": True}, "viewer": {"$ne": name}}, sort="shared_view,_id", limit=MOST
    )
    mine = sorted((each.state for each in own if each.state), key=lambda view: view.name)
    return [*mine, *(each.state for each in others if each.state)]
