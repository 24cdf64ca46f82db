"""Why a complaint has the grade it has."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends

from services.triage.store import gradings
from shared.http import caller
from shared.problems import NotFound

router = APIRouter(prefix="/v1/gradings", tags=["gradings"], dependencies=[Depends(caller)])


@router.get("/{complaint}")
async def grading(complaint: UUID) -> dict[str, Any]:
    """Every decision on this complaint, by cycle: class, grade, all rules that matched, departments."""
    found = await gradings.get(complaint)
    if found is None or found.state is None:
        raise NotFound("No grading is known for this complaint id")
    return found.state.model_dump(mode="json", by_alias=True, include={"decisions", "routes"})
