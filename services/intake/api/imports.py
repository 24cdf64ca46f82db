"""Imports over HTTP: many complaints in a file, each taken or refused by itself, with a report."""

import asyncio
import io
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.intake.api.calling import By, ValidateOnly
from services.intake.api.handing_in import check, hand_in
from services.intake.domain.complaint import Complaint
from services.intake.domain.forms import NewComplaint
from services.intake.domain.registration import Checked
from services.intake.domain.roles import Actor, check_may
from services.intake.domain.rows import Row, RowReport, counted, read_rows, refused
from shared.documents import Saved
from shared.http import Key, takes
from shared.problems import Problem, Unavailable, UnsupportedMedia

AT_ONCE = 64
IN_MEMORY = 2**20
FORMS: dict[str, Literal["csv", "jsonl"]] = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
router = APIRouter(prefix="/v1/complaints", tags=["ledger"])


class Report(BaseModel):
    """What became of every row."""

    created: int
    repeated: int
    valid: int
    refused: int
    rows: list[RowReport]


@router.post(":import", openapi_extra=takes(*FORMS))
async def import_rows(request: Request, by: By, key: Key, validate_only: ValidateOnly = False) -> Report:
    """Hand in many complaints: CSV with headings, or a JSON object a line; a refused row stops no other.

    The same Idempotency-Key makes no complaint twice, so that an import that was cut off is sent again.
    """
    check_may(by, "register", (), ())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMS:
        raise UnsupportedMedia(f"Send {' or '.join(FORMS)}")
    reports: list[RowReport] = []
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
        rows = read_rows(_lines(file), FORMS[kind])
        while some := list(islice(rows, AT_ONCE)):
            taken = (_take(number, row, by, key, only_check=validate_only) for number, row in some)
            reports += await asyncio.gather(*taken)
    return Report(**counted(reports), rows=reports)


def _lines(file: "tempfile.SpooledTemporaryFile[bytes]") -> Iterator[str]:
    """The file as text; what is no UTF-8 becomes half a surrogate pair, which no text has otherwise."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


async def _take(number: int, row: Row, by: Actor, key: str | None, *, only_check: bool) -> RowReport:
    """One row, whatever becomes of it. Raises what is no refusal."""
    if isinstance(row, RowReport):
        return row
    [outcome] = await asyncio.gather(
        _one(row, by, f"{key} {number}" if key else None, only_check), return_exceptions=True
    )
    if isinstance(outcome, Problem) and not isinstance(outcome, Unavailable):
        return refused(number, outcome)
    if isinstance(outcome, BaseException):
        raise outcome
    if isinstance(outcome, Checked):
        return RowReport(row=number, status="valid")
    assert outcome.state is not None
    status: Literal["created", "repeated"] = "created" if outcome.changed else "repeated"
    return RowReport(row=number, status=status, id=str(outcome.id), number=outcome.state.number)


async def _one(row: NewComplaint, by: Actor, key: str | None, only_check: bool) -> Checked | Saved[Complaint]:
    return check(row, by) if only_check else await hand_in(row, by, key)
