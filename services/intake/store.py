"""The complaints: one document each, found by id, by receipt number, or by the request that made it."""

from uuid import UUID

from services.intake.domain.complaint import Complaint, Registration, check_same, register
from shared.documents import Saved
from shared.envelope import Cause
from shared.mongo import Store, Taken, index
from shared.problems import NotFound, Unavailable

complaints = Store(
    "intake",
    "complaints",
    Complaint,
    lift=lambda state: {
        "number": state.number,
        "request": state.request,
        "stage": state.stage.value,
        "registered_at": state.registered_at,
    },
    indexes=[
        index("number", unique=True),
        index("request", unique=True),
        index("stage", "-registered_at"),
        index("-registered_at"),
    ],
    journal=True,
)


async def add(cause: Cause[Registration]) -> Saved[Complaint]:
    """Register once for this request key. Raises Invalid if the key was used for another payload."""
    try:
        return await complaints.update_soon(cause.complaint, register, cause)
    except Taken:
        found = await complaints.find({"request": cause.data.request}, limit=1)
    if not found or found[0].state is None:
        raise Unavailable("The receipt number was taken this very moment; send the same again", (), 1)
    check_same(found[0].state.digest, cause.data.digest)
    return found[0]


async def one(id: UUID) -> tuple[Complaint, int]:
    """A complaint and its version. Raises NotFound."""
    found = await complaints.get(id)
    if found is None or found.state is None:
        raise NotFound("There is no complaint with this id")
    return found.state, found.version
