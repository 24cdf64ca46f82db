"""Figures of surveys over HTTP: who was asked, who answered, and how content they were."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.survey import store
from services.survey.domain.figures import DIMENSIONS, Figures, dimensions, figures, period
from shared import clock
from shared.events import Instant
from shared.http import caller

router = APIRouter(prefix="/v1", tags=["surveys"], dependencies=[Depends(caller)])


@router.get("/surveys:statistics")
async def statistics(
    since: Annotated[Instant | None, Query(alias="from", description="Default: 30 days before")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Default: now")] = None,
    by: Annotated[
        str | None, Query(max_length=100, description=f"Some of {', '.join(DIMENSIONS)}, with commas")
    ] = None,
) -> Figures:
    """Surveys about answers that reached customers in a period, by any dimensions, exact to the survey."""
    begin, end = period(since, until, clock.now())
    return figures(await store.counts(begin, end, dimensions(by)), begin, end)
