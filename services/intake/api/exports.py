"""Exports over HTTP: the ledger as CSV or XLSX, row by row, without anything that points to a person."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import xlsxwriter
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.intake.api.calling import By
from services.intake.domain.ledger import Entry, Filters, cells, entry, query
from services.intake.domain.roles import Actor
from services.intake.store.complaints import every
from shared import clock
from shared.http import carries

ROWS, PIECE = 200, 65_536
"""Rows that are written at once, and bytes that are sent at once."""
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
HEADINGS = [field.alias or name for name, field in Entry.model_fields.items()]
router = APIRouter(prefix="/v1/complaints", tags=["ledger"])


class Export(Filters):
    """The complaints of the ledger, as a file."""

    format: Literal["csv", "xlsx"] = "csv"


@router.get(
    ":export",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in TYPES.values()}} | carries("Content-Disposition")},
)
async def export(given: Annotated[Export, Query()], by: By) -> StreamingResponse:
    """The ledger as a file: what the same filters list, newest first."""
    rows = _rows(query(given, by, clock.now()), by)  # what refuses it does so before anything is sent
    pieces = _csv(rows) if given.format == "csv" else _xlsx(rows)
    name = f"complaints-{clock.now():%Y%m%d}.{given.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, 200, headers, TYPES[given.format])


async def _rows(wanted: Mapping[str, Any], by: Actor) -> AsyncIterator[list[list[Any]]]:
    """The rows below the headings, so many at a time."""
    now, rows = clock.now(), list[list[Any]]()
    async for saved in every(wanted):
        assert saved.state is not None
        rows.append(cells(entry(saved.id, saved.state, by, now)))
        if len(rows) == ROWS:
            yield rows
            rows = []
    yield rows


async def _csv(rows: AsyncIterator[list[list[Any]]]) -> AsyncIterator[bytes]:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield b"\xef\xbb\xbf" + _lines([HEADINGS])
    async for some in rows:
        yield _lines(some)


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def _xlsx(rows: AsyncIterator[list[list[Any]]]) -> AsyncIterator[bytes]:
    """A workbook is sent once its last row is written; until then it grows on disk, not in memory."""
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, OPTIONS)
        sheet = book.add_worksheet("complaints")
        sheet.write_row(0, 0, HEADINGS)
        at = 1
        async for some in rows:
            await asyncio.to_thread(_write, sheet, at, some)
            at += len(some)
        await asyncio.to_thread(book.close)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _write(sheet: Any, at: int, rows: list[list[Any]]) -> None:
    for number, row in enumerate(rows):
        sheet.write_row(at + number, 0, row)
