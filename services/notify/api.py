"""What has been told about a complaint, and the tasks that people do for it: calls and letters."""

from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Query, Response

from services.notify.channels.wording import letter
from services.notify.domain.notices import Notices, finish
from services.notify.store import notices, open_tasks
from shared import clock, telemetry
from shared.envelope import Cause
from shared.http import Caller, caller
from shared.problems import NotFound

router = APIRouter(prefix="/v1/notices", tags=["notices"], dependencies=[Depends(caller)])


@router.get("/tasks")
async def tasks(page_size: Annotated[int, Query(ge=1, le=500)] = 100) -> dict[str, Any]:
    """Calls to make and letters to post."""
    found = await open_tasks(page_size)
    return {"tasks": [task for id, state in found for task in _open(id, state)]}


def _open(complaint: str, state: Notices) -> list[dict[str, Any]]:
    wanted = {"id", "kind", "route", "address", "details"}
    return [
        {"complaint": complaint, "number": state.number, **each.model_dump(mode="json", include=wanted)}
        for each in state.notices
        if each.state == "task"
    ]


@router.get("/{complaint}")
async def of_complaint(complaint: UUID) -> dict[str, Any]:
    """Every notice of this complaint and how far it has come."""
    state = await _state(complaint)
    wanted = {"id", "kind", "cycle", "route", "state", "attempts", "reason"}
    return {
        "number": state.number,
        "notices": [e.model_dump(mode="json", include=wanted) for e in state.notices],
    }


@router.get("/{complaint}/{notice}/letter")
async def printable(complaint: UUID, notice: UUID) -> Response:
    """A notice as a page to print and post."""
    state = await _state(complaint)
    found = next((each for each in state.notices if each.id == notice), None)
    if found is None:
        raise NotFound("This complaint has no such notice")
    return Response(letter(state, found), media_type="text/html")


@router.post("/{complaint}/{notice}/done", status_code=204)
async def done(complaint: UUID, notice: UUID, by: Caller) -> None:
    """The call was made, or the letter posted."""
    state = await _state(complaint)
    telemetry.concerns(complaint, next((n.traceparent for n in state.notices if n.id == notice), None))
    cause = Cause(
        id=uuid5(notice, "done"),
        complaint=complaint,
        subject=state.number,
        time=clock.machine_now(),
        by=by,
        data=notice,
        traceparent=telemetry.traceparent(),
    )
    await notices.update_soon(complaint, finish, cause)


async def _state(complaint: UUID) -> Notices:
    found = await notices.get(complaint)
    if found is None or found.state is None:
        raise NotFound("No notices are known for this complaint id")
    return found.state
