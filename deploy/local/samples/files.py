"""Files as rows: JSON lines, or CSV whatever its delimiter."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.samples.words import DELIMITERS, a_heading

Json = dict[str, Any]


class SampleError(Exception):
    """The whole file cannot be used; the message says what to do about it."""


def rows(path: Path) -> Iterator[tuple[int, Json | str]]:
    """Each row with its line (in CSV its row below the heading, which is 1), or the reason why it is none."""
    text = content(path)
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} or text.lstrip().startswith("{"):
        return lines(text)
    return table(path, text)


def content(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SampleError(f"{path} does not exist. Give the path of a .jsonl or .csv file.") from None
    except UnicodeDecodeError:
        raise SampleError(f"{path} is not UTF-8 text. Save it as JSON lines or as CSV in UTF-8.") from None
    except OSError as error:
        raise SampleError(f"{path} cannot be read ({error.strerror}). Give a .jsonl or .csv file.") from None
    if not text.strip():
        raise SampleError(f"{path} is empty. Give one complaint a line, as samples/complaints.jsonl does.")
    if "\0" in text:
        raise SampleError(f"{path} is a binary file. Save it as JSON lines or as CSV in UTF-8.")
    return text


def lines(text: str) -> Iterator[tuple[int, Json | str]]:
    # Not splitlines(): that also cuts at U+2028, which JSON allows inside a text.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, parsed(line)


def parsed(line: str) -> Json | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON (it takes one object a line)"
    return row if isinstance(row, dict) else "not an object"


def table(path: Path, text: str) -> Iterator[tuple[int, Json | str]]:
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=heading.count)
    csv.field_size_limit(max(len(text), 131_072))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not any(a_heading(name) for name in reader.fieldnames or []):
        raise SampleError(
            f"{path} is neither JSON lines nor a CSV file with headings this knows. "
            "Name at least one column 'description', 'text' or 'issue' (描述, 内容)."
        )
    for number, row in enumerate(reader, 2):
        if any(row.pop(None, ())):
            yield number, "more cells than headings (a text with the delimiter in it needs quotes)"
        else:
            yield number, {name: unfolded(cell) for name, cell in row.items()}


def unfolded(cell: str | None) -> object:
    """A list or an object that a CSV export wrote into one cell, else the cell's text."""
    cell = (cell or "").strip()
    try:
        return json.loads(cell) if cell.startswith(("[", "{")) else cell
    except (ValueError, RecursionError):
        return cell
