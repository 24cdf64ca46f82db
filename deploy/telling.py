"""How commands speak: refusals as lines on stderr, tables in columns."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unicodedata import combining, east_asian_width

import typer

from shared.problems import Fault, Problem


@contextmanager
def refusing(file: str = "") -> Iterator[None]:
    """A refusal inside as lines on stderr, and exit code 1; `file` is what the server calls the body."""
    try:
        yield
    except Problem as problem:
        typer.echo(problem.detail, err=True)
        for fault in problem.errors:
            typer.echo(f"  {fault_line(fault, file)}", err=True)
        raise typer.Exit(1) from None


def fault_line(fault: Fault, name: str = "") -> str:
    """`file:line  pointer  what is wrong`."""
    detail = " ".join(fault.detail.split())
    if name and detail.startswith("the body:"):
        detail = name + detail.removeprefix("the body")
    found = re.fullmatch(rf"((?:{re.escape(name)}|\S+\.ya?ml):\d+): (.*)", detail)
    where, what = found.groups() if found else (name, detail)
    return "  ".join(filter(None, (where, fault.pointer, what)))


def width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
