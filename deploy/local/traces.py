"""Traces as the services' own exporters wrote them: read, joined and printed as a tree."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.tree import Tree


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span."""

    trace: str
    id: str
    parent: str | None
    service: str
    name: str
    start: datetime
    end: datetime

    @property
    def milliseconds(self) -> float:
        return (self.end - self.start).total_seconds() * 1000


def read(folder: Path) -> dict[str, list[Span]]:
    """All spans in the folder's `*.spans` files, by trace id."""
    traces: dict[str, list[Span]] = defaultdict(list)
    for path in folder.glob("*.spans"):
        for line in path.read_text(encoding="utf-8").splitlines():
            span = _span(line)
            traces[span.trace].append(span)
    return traces


def _span(line: str) -> Span:
    found = json.loads(line)
    parent = found["parent_id"]
    return Span(
        trace=found["context"]["trace_id"].removeprefix("0x"),
        id=found["context"]["span_id"].removeprefix("0x"),
        parent=parent.removeprefix("0x") if parent else None,
        service=found["resource"]["attributes"]["service.name"],
        name=found["name"],
        start=datetime.fromisoformat(found["start_time"]),
        end=datetime.fromisoformat(found["end_time"]),
    )


def orphans(spans: list[Span]) -> list[Span]:
    """Spans whose parent is missing, beside the one root."""
    known = {span.id for span in spans}
    return [span for span in spans if span.parent is not None and span.parent not in known]


def tree(spans: list[Span]) -> Tree:
    """One trace as a tree, children in the order of their start, each with service and duration."""
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda each: each.start):
        children[span.parent].append(span)
    start = min(span.start for span in spans)
    whole = Tree(f"trace {spans[0].trace}")
    _grow(whole, children, None, start)
    return whole


def _grow(branch: Tree, children: dict[str | None, list[Span]], parent: str | None, start: datetime) -> None:
    for span in children[parent]:
        at = (span.start - start).total_seconds() * 1000
        took = f"[green]{span.milliseconds:.1f} ms[/] [dim]at {at:.0f} ms[/]"
        text = f"[bold]{span.service}[/] {span.name}  {took}"
        _grow(branch.add(text), children, span.id, start)
