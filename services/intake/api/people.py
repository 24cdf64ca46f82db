"""The data of people over HTTP: given out or erased on request; and who has read what."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.calling import By
from services.intake.domain.fingerprints import fingerprints
from services.intake.domain.forms import Complainant, Whom
from services.intake.domain.roles import Actor, check_may
from services.intake.domain.views import view
from services.intake.store.complaints import one
from services.intake.store.people import complaints_of, erase_people, keys, known_by, linked_with, opened
from services.intake.store.readings import EVERYBODY, Reading, log, logged
from shared.settings import settings

router = APIRouter(prefix="/v1", tags=["people"])


class Erased(BaseModel):
    """What was erased: of how many entries of people, and in how many complaints."""

    people: int
    complaints: int
    linked: int = Field(description="How many more share a way to be reached with them, and were left alone")


class Known(BaseModel):
    """Everything that the record holds about one person."""

    complaints: list[dict[str, Any]]
    linked: int = Field(description="How many more share a way to be reached with them, and are not in it")


class Read(BaseModel):
    """One read of personal data."""

    at: AwareDatetime
    by: str
    complaint: UUID | None = Field(description="None: all that a search looked into")
    what: str


@router.post("/people:erase", responses={404: {}})
async def erase(given: Whom, by: By) -> Erased:
    """Erase a person: contact, words and files of all their complaints, here and in every other service.

    What figures are made of stays. Asked again, it erases what has come since. Who erased is in the log.
    """
    check_may(by, "erase", (), ())
    people, linked = await _people(given, by)
    for each in await complaints_of(people):
        await log(by.name, each.id, "erase")
    return Erased(people=len(people), complaints=await erase_people(people), linked=linked)


@router.post("/people:export", responses={404: {}})
async def export(given: Whom, by: By) -> Known:
    """What the record holds about a person, files by their names; the reads are logged."""
    check_may(by, "export", (), ())
    people, linked = await _people(given, by)
    found = await complaints_of(people)
    own = await keys(each.state.person for each in found if each.state)
    shown = []
    for each in found:
        assert each.state is not None
        await log(by.name, each.id, "export")
        words = opened(each.id, each.state, own.get(each.state.person))
        shown.append({"id": str(each.id)} | view(each.state, words, by))
    return Known(complaints=shown, linked=linked)


async def _people(given: Whom, by: Actor) -> tuple[list[UUID], int]:
    """Whom this names, and how many more share a way to be reached. Raises NotFound for no such complaint."""
    if given.complaint is not None:
        state = await one(given.complaint, by)
        named = [state.person] if state.erased is None else []
    else:
        ways = given.model_dump(exclude={"complaint", "linked"}, exclude_none=True)
        who = Complainant.model_validate({"name": "-"} | ways)
        named = await known_by(fingerprints(who, settings().customers_key))
    everybody = await linked_with(named)
    return (everybody, 0) if given.linked else (named, len(everybody) - len(named))


@router.get("/reads")
async def reads(
    by: By,
    complaint: UUID | None = None,
    reader: Annotated[str | None, Query(max_length=200)] = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Read]:
    """Who has opened personal data, the newest first."""
    check_may(by, "read the log", (), ())
    found = await logged(complaint, reader, page_size)
    return [_read(each.state) for each in found if each.state]


def _read(kept: Reading) -> Read:
    about = None if kept.complaint == EVERYBODY else kept.complaint
    return Read(at=kept.at, by=kept.by, complaint=about, what=kept.what)
