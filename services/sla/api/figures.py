"""Figures: how much was in time, and what comes due."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.sla import store
from services.sla.api.deadlines import Month, Short
from shared import clock
from shared.http import caller
from shared.policy import latest, load
from shared.problems import Fault, Invalid

router = APIRouter(prefix="/v1", tags=["deadlines"], dependencies=[Depends(caller)])

By = Literal["pack", "clock", "grade", "department", "month"]
EVERY: tuple[By, ...] = ("pack", "clock", "grade", "department", "month")


class Reached(BaseModel):
    """A target that the pack sets for this clock, and whether it was reached; None: nothing to count."""

    target: str
    at_least: float | None
    reached: bool | None


class Row(BaseModel):
    """Clocks that fell due: `late` were missed, or are past their time and still run.

    `rate` is met / (met + late); none of both is no rate. `open` are not due yet or stand still; neither
    they nor the cancelled count.
    """

    pack: str | None = None
    clock: str | None = None
    grade: str | None = None
    department: str | None = None
    month: str | None = None
    met: int
    late: int
    open: int
    cancelled: int
    rate: float | None
    targets: list[Reached] = []


class Statistics(BaseModel):
    """How much was in time, of what fell due in these months."""

    first: str
    last: str
    rows: list[Row]


@router.get("/statistics/deadlines")
async def on_time(
    first: Annotated[Month | None, Query(alias="from", description="Default: the present month")] = None,
    last: Annotated[Month | None, Query(alias="to", description="Default: as `from`")] = None,
    by: Annotated[str, Query(description=f"Some of {', '.join(EVERY)}, with commas")] = "clock",
    pack: Short | None = None,
    clock_name: Annotated[str | None, Query(alias="clock", max_length=100)] = None,
    grade: Short | None = None,
    department: Short | None = None,
) -> Statistics:
    """How many clocks were met, by any of pack, clock, grade, department and month of the due time."""
    now = clock.now()
    begin = first or f"{now:%Y-%m}"
    end = last or begin
    if begin > end:
        raise Invalid("The period ends before it begins", [Fault(detail="give from <= to", pointer="#/to")])
    given = {"pack": pack, "clock": clock_name, "grade": grade, "department": department}
    wanted = {key: each for key, each in given.items() if each is not None}
    found = await store.figures(begin, end, _dimensions(by), wanted, now)
    return Statistics(first=begin, last=end, rows=[_row(each, wanted) for each in found])


def _dimensions(by: str) -> list[str]:
    given = [each.strip() for each in by.split(",") if each.strip()]
    if unknown := [each for each in given if each not in EVERY]:
        fault = Fault(detail=f"use some of {', '.join(EVERY)}", pointer="#/by")
        raise Invalid(f"Figures are not kept by {unknown[0]}", [fault])
    return list(dict.fromkeys(given))


def _row(found: dict[str, Any], wanted: dict[str, str]) -> Row:
    counted = found["met"] + found["late"]
    names = {name: value for name, value in found["_id"].items() if value is not None}
    counts = {name: found[name] for name in ("met", "late", "open", "cancelled")}
    rate = found["met"] / counted if counted else None
    return Row(
        **(wanted | names), **counts, rate=rate, targets=_targets(wanted | names, found["met"], counted)
    )


def _targets(about: dict[str, str], met: int, counted: int) -> list[Reached]:
    """What the newest version of the pack wants to see of this clock."""
    if "pack" not in about or "clock" not in about:
        return []
    pack = load(about["pack"], latest(about["pack"]))
    return [
        Reached(target=name, at_least=target.at_least, reached=target.reached(Decimal(met), Decimal(counted)))
        for name, target in pack.targets.items()
        if target.of == about["clock"] and target.share
    ]


class Hour(BaseModel):
    """How many deadlines fall due in the hour from then on."""

    hour: AwareDatetime
    department: str | None
    deadlines: int


class Forecast(BaseModel):
    """What comes due, by hour and department, and by department in all."""

    since: AwareDatetime
    until: AwareDatetime
    departments: dict[str, int] = Field(description="An empty name: nobody has been told to answer yet")
    hours: list[Hour]


@router.get("/forecast")
async def forecast(hours: Annotated[int, Query(ge=1, le=24 * 92)] = 24) -> Forecast:
    """What comes due in the next hours, by department; clocks that stand still have no time to tell."""
    now = clock.now()
    until = now + timedelta(hours=hours)
    found = await store.coming(now, until)
    totals: dict[str, int] = {}
    for each in found:
        name = each["_id"].get("department") or ""
        totals[name] = totals.get(name, 0) + each["deadlines"]
    lines = [
        Hour(hour=each["_id"]["hour"], department=each["_id"].get("department"), deadlines=each["deadlines"])
        for each in found
    ]
    return Forecast(since=now, until=until, departments=dict(sorted(totals.items())), hours=lines)
