"""What is due when."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends

from services.sla.store import deadlines
from shared.http import caller
from shared.problems import NotFound

router = APIRouter(prefix="/v1/deadlines", tags=["deadlines"], dependencies=[Depends(caller)])


@router.get("/{complaint}")
async def clocks(complaint: UUID) -> dict[str, Any]:
    """All clocks of this complaint, and the marks that started and stopped them."""
    found = await deadlines.get(complaint)
    if found is None or found.state is None:
        raise NotFound("No deadlines are known for this complaint id")
    return found.state.model_dump(mode="json", include={"number", "marks", "clocks"})
