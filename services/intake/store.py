"""The complaints: one document each, found by id, by receipt number, or by the request that made it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.intake.domain.complaint import Complaint, Registration, check_same
from services.intake.domain.registration import register
from shared import clock
from shared.copies import Copies
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
copies = Copies(complaints)

SAME_WITHIN = timedelta(minutes=10)


async def add(cause: Cause[Registration]) -> Saved[Complaint]:
    """Register once for this request. Raises Invalid if its key was used for another payload.

    A request without a key is known by its content for a while: whoever sends the same again, because a
    button was pressed twice or an answer got lost, has not complained twice.
    """
    asked, later = cause.data, cause
    while True:
        try:
            return await complaints.update_soon(cause.complaint, register, later)
        except Taken:
            found = await complaints.find({"request": later.data.request}, limit=1)
        if not found or found[0].state is None:
            raise Unavailable("The receipt number was taken this very moment; send the same again", (), 1)
        known = found[0].state
        if asked.keyed or clock.machine_now() - clock.wake_at(known.registered_at) <= SAME_WITHIN:
            check_same(known.digest, asked.digest)
            return found[0]
        request = f"{asked.request} after {known.number}"
        later = replace(cause, data=asked.model_copy(update={"request": request}))


async def one(id: UUID) -> tuple[Complaint, int]:
    """A complaint and its version. Raises NotFound."""
    found = await complaints.get(id)
    if found is None or found.state is None:
        raise NotFound("There is no complaint with this id")
    return found.state, found.version
