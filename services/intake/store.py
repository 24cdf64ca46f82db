"""The complaints: one document each, found by id, by receipt number, or by the request that made it."""

from uuid import UUID

from services.intake.domain.complaint import Complaint, Registration, register
from shared.envelope import Cause
from shared.mongo import Saved, Store, Taken, index
from shared.problems import Fault, Invalid, NotFound

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
    indexes=[index("number", unique=True), index("request", unique=True), index("stage", "-registered_at")],
    journal=True,
)


async def add(cause: Cause[Registration]) -> Saved[Complaint]:
    """Register once for this request key. Raises Invalid if the key was used for another payload."""
    try:
        return await complaints.update_soon(cause.complaint, register, cause)
    except Taken:
        found = await complaints.find({"request": cause.data.request}, limit=1)
    if found[0].state is None or found[0].state.digest != cause.data.digest:
        fault = Fault(detail="take a new key for a new complaint", pointer="#/Idempotency-Key")
        raise Invalid("This Idempotency-Key was used for another payload", [fault])
    return found[0]


async def one(id: UUID) -> tuple[Complaint, int]:
    """A complaint and its version. Raises NotFound."""
    found = await complaints.get(id)
    if found is None or found.state is None:
        raise NotFound("There is no complaint with this id")
    return found.state, found.version
