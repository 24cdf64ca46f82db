"""The log of reads: who saw what of whose personal data, and when."""

from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel

from services.intake.store.complaints import complaints
from shared import clock
from shared.documents import Saved
from shared.driver import index
from shared.envelope import Cause
from shared.events import Fact

EVERYBODY = UUID(int=0)
"""What is read when all texts are looked into."""


class Reading(BaseModel):
    """One read: `what` names the view, the file or the export."""

    at: AwareDatetime
    by: str
    complaint: UUID
    what: str


readings = complaints.beside(
    Reading,
    lift=lambda read: {"read_at": read.at, "reader": read.by, "read": read.complaint},
    indexes=[index("-read_at", "-_id"), index("read", "-read_at"), index("reader", "-read_at")],
)


def note(state: Reading | None, cause: Cause[Reading]) -> tuple[Reading, list[Fact]]:
    """A read is noted once."""
    return state or cause.data, []


async def log(by: str, complaint: UUID, what: str) -> None:
    """Keep that this was read, before it is shown."""
    id, now = uuid4(), clock.now()
    await readings.update_soon(
        id, note, Cause(id, id, "", now, by, Reading(at=now, by=by, complaint=complaint, what=what))
    )


async def logged(complaint: UUID | None, by: str | None, limit: int) -> list[Saved[Reading]]:
    """The newest reads, of one complaint or by one reader."""
    given = {"read": complaint, "reader": by}
    query: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    query |= {"read_at": {"$exists": True}}
    return await readings.find(query, sort="-read_at", limit=limit)
