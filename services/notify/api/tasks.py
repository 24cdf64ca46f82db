"""What people do for the voice: calls to make and letters to post, for the desk, who sees addresses."""

from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.notify.api.paging import after
from services.notify.channels.letters import letters
from services.notify.domain.duties import check_desk
from services.notify.domain.record import Notice, Notices, Route
from services.notify.domain.sending import Missed, finish, miss
from services.notify.store.notices import notices, open_tasks, place
from shared import clock, telemetry
from shared.envelope import Cause
from shared.events import Instant
from shared.http import PageToken, Who, caller, page_token
from shared.policy import NoticeKind
from shared.problems import NotFound

router = APIRouter(prefix="/v1/notices", tags=["tasks"], dependencies=[Depends(caller)])


async def desk(who: Who) -> str:
    """The name of somebody of the desk. Raises Forbidden."""
    check_desk(who.roles)
    return who.name


BY_PEOPLE: tuple[Route, ...] = ("letter", "call")
D = TypeVar("D")
Desk = Annotated[str, Depends(desk)]


class Task(BaseModel):
    """A call to make or a letter to post: to whom, with which words, and what came of it so far.

    Whoever was not reached is called again from `again_at`; `reason` is why no machine could deliver it.
    """

    complaint: UUID
    number: str
    id: UUID
    kind: NoticeKind
    to: str
    route: Route | None
    address: str
    details: dict[str, str]
    attempts: int
    again_at: AwareDatetime | None
    reason: str | None

    @classmethod
    def of(cls, complaint: UUID, number: str, each: Notice) -> "Task":
        known = each.model_dump(include=set(cls.model_fields) - {"to", "details"})
        hidden = () if each.route in BY_PEOPLE else ("link",)
        details = {name: word for name, word in each.details.items() if name not in hidden}
        return cls(**known, details=details, complaint=complaint, number=number, to=each.to or "customer")


class Tasks(BaseModel):
    """What waits for people."""

    tasks: list[Task]
    next_page_token: str | None = None


class Again(BaseModel):
    """When to call again."""

    model_config = ConfigDict(extra="forbid")

    again_at: Instant | None = Field(None, description="Two hours from now, unless you say otherwise")


PageSize = Annotated[int, Query(ge=1, le=500, description="Complaints, each with its tasks")]
Later = Annotated[bool, Query(description="Whoever is to be called again later, too")]
Open = list[tuple[UUID, Notices, Notice]]


@router.get("/tasks")
async def tasks(
    by: Desk,
    route: Literal["call", "letter", "email", "chat"] | None = None,
    later: Later = False,
    page_size: PageSize = 100,
    token: PageToken = None,
) -> Tasks:
    """Calls to make and letters to post, and what no machine could deliver; the longest due first."""
    found, following = await _open(route, page_size, token, None if later else clock.machine_now())
    shown = [Task.of(id, state.number, each) for id, state, each in found]
    return Tasks(tasks=shown, next_page_token=following)


@router.get("/letters", response_class=HTMLResponse)
async def outbox(by: Desk, page_size: PageSize = 100, token: PageToken = None) -> Response:
    """Every letter to post, each on pages of its own, to be printed at once.

    The header `Link` leads to the next ones, if there are more (`rel="next"`, RFC 8288).
    """
    found, following = await _open("letter", page_size, token, None)
    more = f"{router.prefix}/letters?page_size={page_size}&page_token={following}"
    headers = {"Link": f'<{more}>; rel="next"'} if following else None
    made = letters([(state, each) for _, state, each in found])
    return Response(made, media_type="text/html", headers=headers)


async def _open(
    route: Route | None, page_size: int, token: str | None, until: datetime | None
) -> tuple[Open, str | None]:
    """The open tasks of a page, and the token of the next one."""
    found, more = await open_tasks(route, after(token), page_size, until)
    tasks = [
        (saved.id, saved.state, each)
        for saved in found
        if saved.state is not None
        for each in saved.state.notices
        if each.state == "task" and route in (None, each.route)
        if until is None or each.again_at is None or each.again_at <= until
    ]
    return tasks, page_token(*await place(found[-1])) if more else None


@router.get("/{complaint}/{notice}/letter", response_class=HTMLResponse)
async def printable(complaint: UUID, notice: UUID, by: Desk) -> Response:
    """A letter or the words of a call, as a page to print.

    What goes by mail or message is its customer's alone, above all the link to a survey.
    """
    state, found = await _one(complaint, notice)
    if found.route not in BY_PEOPLE:
        raise NotFound("This notice is neither a letter nor a call")
    if state.erased and found.to_customer:
        raise NotFound("The words of this notice were erased with all that was known of the customer")
    return Response(letters([(state, found)]), media_type="text/html")


@router.post("/{complaint}/{notice}/done", status_code=204)
async def done(complaint: UUID, notice: UUID, by: Desk) -> None:
    """The call was made and somebody reached, or the letter posted."""
    state, found = await _one(complaint, notice)
    cause = _cause(uuid5(notice, "done"), complaint, state, by, found.id)
    telemetry.concerns(complaint, found.traceparent)
    await notices.update_soon(complaint, finish, cause)


@router.post("/{complaint}/{notice}/missed", status_code=204)
async def missed(
    complaint: UUID,
    notice: UUID,
    given: Again,
    by: Desk,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", max_length=255, description="Yours for this call; it counts once"),
    ] = None,
) -> None:
    """Nobody was reached: the call stays to be made, and this one is counted."""
    state, found = await _one(complaint, notice)
    id = uuid5(notice, f"missed {by} {key}") if key else uuid4()
    telemetry.concerns(complaint, found.traceparent)
    await notices.update_soon(
        complaint, miss, _cause(id, complaint, state, by, Missed(notice, given.again_at))
    )


def _cause(id: UUID, complaint: UUID, state: Notices, by: str, data: D) -> Cause[D]:
    now, trace = clock.machine_now(), telemetry.traceparent()
    return Cause(id, complaint, state.number, now, by, data, traceparent=trace)


async def _one(complaint: UUID, notice: UUID) -> tuple[Notices, Notice]:
    saved = await notices.get(complaint)
    state = saved.state if saved else None
    found = next((each for each in state.notices if each.id == notice), None) if state else None
    if state is None or found is None:
        raise NotFound("No such notice is known for this complaint id")
    return state, found
