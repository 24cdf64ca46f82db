"""The calendars that deadlines are counted by, and how a new version comes into use."""

from typing import Annotated, Any
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel
from pydantic_core import to_json

from services.sla import store
from services.sla.domain.publishing import Edition, publish
from shared import clock, telemetry
from shared.copies import CONTENT_BYTES
from shared.envelope import Cause
from shared.http import BodyText, Caller, caller, takes
from shared.policy import Calendar, calendar_draft, calendars, load_calendar
from shared.problems import Conflict, Fault, Invalid, NotFound

router = APIRouter(prefix="/v1/calendars", tags=["calendars"], dependencies=[Depends(caller)])

_NAMES = UUID("5b8f2f51-2b0e-5a4e-9d43-0b7b1f0a6c55")


class Shelved(BaseModel):
    """A calendar, and the years for which it has an official notice (None: it needs none)."""

    calendar: str
    version: int
    time_zone: str
    years: list[int] | None


class Published(BaseModel):
    """A version that counts from now on; `deadlines_open` will be reckoned anew by it."""

    calendar: str
    version: int
    deadlines_open: int


@router.get("")
async def shelf() -> list[Shelved]:
    """Every calendar, in its newest version."""
    found = [load_calendar(name) for name in calendars()]
    return [
        Shelved(
            calendar=each.calendar,
            version=each.version,
            time_zone=each.time_zone,
            years=None if each.years == "all" else list(each.years),
        )
        for each in found
    ]


@router.get("/{name}")
async def show(name: str) -> Calendar:
    """A calendar whole, in its newest version."""
    if name not in calendars():
        raise NotFound("There is no such calendar")
    return load_calendar(name)


@router.put("/{name}/versions/{version}", openapi_extra=takes("application/yaml"))
async def put(
    name: str, version: Annotated[int, Path(ge=1, le=1_000_000)], given: BodyText, by: Caller
) -> Published:
    """Publish the next version of a calendar, or a new calendar; open deadlines follow it by themselves."""
    content = _content(given, name, version)
    newest = load_calendar(name) if name in calendars() else None
    now = newest.version if newest else 0
    same = newest is not None and version == now and newest.model_dump(mode="json") == content
    if not same and version != now + 1:
        raise Conflict(f"{name} is at version {now}; the next one is {now + 1}")
    id = uuid5(_NAMES, f"{name}/{version}")
    edition = Edition(calendar=name, version=version, content=content)
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), id, f"{name}/{version}", clock.now(), by, edition, traceparent=trace)
    await store.editions.update_soon(id, publish, cause)
    return Published(calendar=name, version=version, deadlines_open=await store.reckoned_by(name))


def _content(text: str, name: str, version: int) -> dict[str, Any]:
    """The calendar as it will be published. Raises Invalid for what is none, or is another one."""
    found = Calendar.model_validate(calendar_draft(text, "the body").content)
    if (found.calendar, found.version) != (name, version):
        fault = Fault(detail=f"the body is {found.calendar}/{found.version}", pointer="#/version")
        raise Invalid("Address and body name different calendars", [fault])
    content = found.model_dump(mode="json")
    if len(to_json(content)) > CONTENT_BYTES:
        raise Invalid(f"A calendar has at most {CONTENT_BYTES} bytes")
    return content
