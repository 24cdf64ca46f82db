"""Workload over HTTP: who holds what since when, and what falls due in the days to come."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.api.calling import By, address_of
from services.intake.domain.holding import Holding
from services.intake.domain.ledger import Filters
from services.intake.domain.roles import check_may
from services.intake.domain.stages import Stage
from services.intake.domain.workload import forecast, holders
from services.intake.store import workload as store
from services.intake.store.house import house

router = APIRouter(prefix="/v1", tags=["supervision"])


class Shown(BaseModel):
    """A figure, with the list of the complaints behind it."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Holder(Shown):
    """What one of the holders has in hand."""

    kind: Holding
    department: str | None = Field(description="Which leads the handling, where departments have it in hand")
    handler: str | None = Field(description="None where `kind` is handler: not for you to see")
    open: int
    overdue: int = Field(description="Of these a clock has run out")
    since: AwareDatetime = Field(description="The longest that one of these has been held")
    listed: str | None = Field(alias="list", description="The list of just these")


class AtStage(Shown):
    """How many open complaints stand at a stage."""

    stage: Stage
    open: int
    listed: str = Field(alias="list", description="The list of just these")


class Holdings(BaseModel):
    """Everything that is open, by whoever holds it, most that is overdue first, and by stage."""

    open: int
    holders: list[Holder]
    stages: list[AtStage]


class Day(Shown):
    """What falls due on a day."""

    date: date
    due: int
    departments: dict[str, int] = Field(description="By leading department; an empty name: none leads yet")
    listed: str = Field(alias="list", description="The list of just these")


class Forecast(Shown):
    """Complaints by the day of the house on which their next clock runs out; midnight ends a day."""

    time_zone: str
    overdue: int
    listed: str = Field(alias="list", description="The list of the overdue")
    days: list[Day]


@router.get("/holdings")
async def show_holdings(by: By) -> Holdings:
    """Who holds what since when: handlers, departments, the desk, and the customers who are asked."""
    check_may(by, "see supervision", (), ())
    found, counted = holders(await store.held(by, house().now), by), await store.by_stage()
    lists = [each.filters and address_of(each.filters) for each in found]
    return Holdings(
        open=sum(count for _, count in counted),
        stages=[
            AtStage(stage=stage, open=count, listed=address_of(Filters(stage=stage)))
            for stage, count in counted
        ],
        holders=[
            Holder(**each.model_dump(exclude={"filters"}), listed=address)
            for each, address in zip(found, lists, strict=True)
        ],
    )


@router.get("/forecast")
async def show_forecast(by: By, days: Annotated[int, Query(ge=1, le=92)] = 14) -> Forecast:
    """What falls due on each of the days to come, today first, and how much is overdue."""
    check_may(by, "see supervision", (), ())
    known = house()
    zone, now = known.months.zone, known.now
    late, counted = await store.falling_due(now, days, zone)
    return Forecast(
        time_zone=zone.key,
        overdue=late,
        listed=address_of(Filters(overdue=True)),
        days=[
            Day(**each.model_dump(exclude={"filters"}), listed=address_of(each.filters))
            for each in forecast(counted, now, days, zone)
        ],
    )
