"""The vocabulary over HTTP: the titles of whatever answers name by its id."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.intake.api.calling import By
from services.intake.domain.roles import check_may
from services.intake.domain.titles import Vocabulary, vocabulary
from services.intake.store.complaints import copies
from shared.policy import load
from shared.policy.pack import NAME
from shared.settings import settings

router = APIRouter(prefix="/v1/vocabulary", tags=["ledger"])


@router.get("")
async def show(
    by: By,
    pack: Annotated[
        str | None, Query(pattern=NAME, description="A pack's name; default: the house's own")
    ] = None,
) -> Vocabulary:
    """What stages, channels, grades, classes and departments are called, in every language."""
    check_may(by, "see supervision", (), ())
    name = pack or settings().pack
    return vocabulary(load(name, copies.latest(name)))
