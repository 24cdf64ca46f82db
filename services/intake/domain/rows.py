"""Rows: complaints that come many in a file, as JSON lines or as CSV with a heading for every field."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from services.intake.domain.forms import NewComplaint
from shared.problems import Fault, Invalid, Problem, faults

MOST_ROWS = 20_000
TRUTH = {"true": True, "false": False}
Form = Literal["csv", "jsonl"]


class RowReport(BaseModel):
    """What became of one row: `row` counts from 1, headings left out."""

    row: int
    status: Literal["created", "repeated", "valid", "refused"]
    id: str | None = None
    number: str | None = None
    detail: str | None = None
    errors: list[Fault] = []


class Unreadable(NamedTuple):
    """A row that cannot even be looked at, and why."""

    why: str


Row = NewComplaint | RowReport
NOT_UTF8 = Unreadable("The row is not UTF-8: save the file as UTF-8, and send it again")
_HALVES = re.compile("[\ud800-\udfff]")


def read_rows(lines: Iterable[str], form: Form) -> Iterator[tuple[int, Row]]:
    """Every row as a complaint, or as the report of what is wrong with it.

    A heading of a CSV is the way to a field: `complainant.name`, `product.batch`, `details.vin`. What comes
    after a row at which a file stops to be CSV, or after MOST_ROWS, is not read. Raises Invalid for a CSV
    without headings.
    """
    bodies = _csv(lines) if form == "csv" else _json(lines)
    for number, body in enumerate(bodies, 1):
        if number > MOST_ROWS:
            yield (
                number,
                _report(number, f"Send at most {MOST_ROWS} rows at once; this and the rest were not read"),
            )
            return
        yield number, _read(number, body)


def _read(number: int, body: Any) -> Row:
    if isinstance(body, Unreadable):
        return _report(number, body.why)
    try:
        return NewComplaint.model_validate(body)
    except ValidationError as error:
        return _report(number, "The row does not have the form of a complaint", faults(error))


def _report(number: int, why: str, errors: Sequence[Fault] = ()) -> RowReport:
    return RowReport(row=number, status="refused", detail=why, errors=list(errors))


def refused(number: int, problem: Problem) -> RowReport:
    """The report of a row that a rule refused."""
    return _report(number, problem.detail, problem.errors)


def _json(lines: Iterable[str]) -> Iterator[Any]:
    for line in lines:
        if not line.strip():
            continue
        if not _is_utf8(line):
            yield NOT_UTF8
            continue
        try:
            yield from_json(line)
        except ValueError:
            yield Unreadable("The line is no JSON: write each complaint as one object on one line")


def _csv(lines: Iterable[str]) -> Iterator[Any]:
    """Raises Invalid for a file without headings."""
    reader = csv.reader(lines, strict=True)
    try:
        headings = _headings(next(reader, []))
        for row in reader:
            if row:
                yield _nested(headings, row)
    except csv.Error as error:
        yield Unreadable(
            f"This is no CSV, from about line {reader.line_num} on ({error}): put cells that hold commas,"
            " quotes or line ends into quotes, double the quotes inside, and close each; the rest is not read"
        )


def _headings(row: list[str]) -> list[str]:
    found = [name.strip() for name in row]
    if not _is_utf8("".join(found)):
        raise Invalid("The file is not UTF-8: save it as CSV UTF-8, and send it again")
    if not found or len(set(found)) < len(found) or not all(name and name.isprintable() for name in found):
        fault = Fault(detail="the first row names each field once, such as complainant.name", pointer="#")
        raise Invalid("The file has no headings", [fault])
    return found


def _nested(headings: list[str], row: list[str]) -> Any:
    """A row as the form that it stands for; an empty cell is a field left out."""
    if len(row) > len(headings):
        return Unreadable("The row has more cells than there are headings")
    if not _is_utf8("".join(row)):
        return NOT_UTF8
    body: dict[str, Any] = {}
    for heading, cell in zip(headings, row, strict=False):
        if cell.strip():
            _put(body, heading.split("."), TRUTH.get(cell.strip().casefold(), cell.strip()))
    return body


def _is_utf8(text: str) -> bool:
    """Whether it was: bytes that were not have become halves of surrogate pairs."""
    return not _HALVES.search(text)


def _put(body: dict[str, Any], way: list[str], value: Any) -> None:
    for part in way[:-1]:
        inner = body.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        body = inner
    body[way[-1]] = value


def counted(reports: Iterable[RowReport]) -> Mapping[str, int]:
    """How many rows came to what."""
    found = dict.fromkeys(("created", "repeated", "valid", "refused"), 0)
    for each in reports:
        found[each.status] += 1
    return found
