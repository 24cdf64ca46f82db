"""Saved views: filters of the ledger under a name, one's own or shared with the staff."""

from typing import NamedTuple

from pydantic import BaseModel, Field

from services.intake.domain.forms import Given
from services.intake.domain.ledger import Filters
from shared.envelope import Cause
from shared.events import Fact
from shared.problems import NotFound, PreconditionFailed


class NewView(Given):
    """What to save; it takes the place of what is saved under that name."""

    filters: Filters
    shared: bool = Field(False, description="Whether all of the staff see it")


class SavedView(BaseModel):
    """Filters that somebody saved; `edition` counts its changes, also those before it was removed."""

    name: str
    by: str
    filters: Filters
    shared: bool
    edition: int = 1
    removed: bool = False


class Saving(NamedTuple):
    """What somebody wants under a name of theirs (None: nothing any more), and the edition they read."""

    view: SavedView | None
    edition: int | None


def save(state: SavedView | None, cause: Cause[Saving]) -> tuple[SavedView, list[Fact]]:
    """Save or remove; the same again changes nothing.

    Raises PreconditionFailed if it has changed since it was read, NotFound where there is nothing to remove.
    """
    wanted, edition = cause.data
    known = state if state is not None and not state.removed else None
    if edition is not None and edition != (known.edition if known else None):
        raise PreconditionFailed("It has changed since you read it: read it again")
    if wanted is None:
        if known is None:
            raise NotFound("You have no view of this name")
        return known.model_copy(update={"removed": True, "edition": known.edition + 1}), []
    if known is not None and (known.filters, known.shared) == (wanted.filters, wanted.shared):
        return known, []
    return wanted.model_copy(update={"edition": state.edition + 1 if state else 1}), []
