"""How well a pack's words classify texts whose label is known: `python -m deploy.evaluate FILE`.

The file holds one JSON object a line: `text` and `type` (a class of the pack; labels in `also_acceptable` are
right, too), or `title`, `text` and `department`. A label is a name of the pack or its Chinese title.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from services.triage.domain.classification import Suggestion, read, suggest
from shared.policy import Pack, latest, load
from shared.problems import Problem

PACKS = {"type": "base", "department": "cn-petition"}
"""What a row's label may be called, and the pack that is asked if none is named."""

OPEN = "to be decided"
FAULTS_SHOWN = 10


class FileFault(Exception):
    """A file that cannot be used; the message says where and how to mend it."""


@dataclass(frozen=True)
class Row:
    """One text and what it is known to be."""

    line: int
    text: str
    label: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A row beside what the pack says of it: `said` only if sure enough, `forced` in any case."""

    label: str
    accepted: frozenset[str]
    said: str | None
    forced: str


def rows_of(file: Path) -> tuple[str, list[Row]]:
    """What the labels are called, and the rows. Raises FileFault, naming line and mend."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise FileFault(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileFault(f"{file} is not UTF-8 text; save it as UTF-8, one JSON object a line") from None
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise FileFault(
            f'{file} is empty; give one JSON object a line, such as {{"text": "...", "type": "..."}}'
        )
    faults: list[str] = []
    found = [_object(number, line, faults) for number, line in numbered]
    kind = next((kind for row in found for kind in PACKS if row and kind in row), "type")
    pairs = zip(numbered, found, strict=True)
    rows = [_row(number, row, kind, faults) for (number, _), row in pairs if row is not None]
    if faults:
        more = [f"... and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise FileFault("\n".join([f"{file} cannot be used:", *faults[:FAULTS_SHOWN], *more]))
    return kind, rows


def _object(number: int, line: str, faults: list[str]) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError as error:
        faults.append(f"line {number}: not JSON ({error}); each line is one JSON object")
        return None
    if not isinstance(row, dict):
        faults.append(
            f"line {number}: not an object; write it as {{...}}, one a line, without a list around them"
        )
        return None
    return row


def _row(number: int, row: dict[str, Any], kind: str, faults: list[str]) -> Row:
    text, title, label = row.get("text"), row.get("title") or "", row.get(kind)
    others = row.get("also_acceptable") or []
    for wrong, mend in (
        (
            not isinstance(text, str) or not text.strip(),
            'there is no "text"; give the words of the complaint',
        ),
        (not isinstance(title, str), '"title" is not text; put it in quotes, or leave it out'),
        (
            not isinstance(label, str) or not label.strip(),
            f'there is no "{kind}"; give what the text is known to be',
        ),
        (
            not isinstance(others, list) or not all(isinstance(each, str) for each in others),
            '"also_acceptable" is not a list of labels; write it as ["service"], or leave it out',
        ),
    ):
        if wrong:
            faults.append(f"line {number}: {mend}")
    words = f"{title}\n{text}" if title else str(text)
    return Row(number, words, str(label).strip(), tuple(others) if isinstance(others, list) else ())


def names_in(pack: Pack, kind: str) -> dict[str, str]:
    """The pack's name for each label that it knows."""
    known: Mapping[str, Any] = pack.classes if kind == "type" else pack.departments
    if kind == "department":
        known = {
            name: each for name, each in pack.departments.items() if any(each.cues.model_dump().values())
        }
    return {label: name for name, each in known.items() for label in (name, each.title["zh-CN"])}


def judged(rows: Iterable[Row], pack: Pack, kind: str) -> Iterator[Judged]:
    """What the pack says of each row whose label it knows."""
    names = names_in(pack, kind)
    for row in rows:
        if row.label in names:
            accepted = {names[label] for label in (row.label, *row.others) if label in names}
            found, forced = _suggested(row.text, pack, kind)
            yield Judged(names[row.label], frozenset(accepted), found.name, forced or _fallback(pack, kind))


def _suggested(text: str, pack: Pack, kind: str) -> tuple[Suggestion, str | None]:
    reading = read(text, pack)
    votes = reading.votes if kind == "type" else reading.departments
    best = max(votes, key=lambda name: votes[name]) if votes else None
    return suggest(votes, pack.classification.threshold), best


def _fallback(pack: Pack, kind: str) -> str:
    return pack.fallback_class if kind == "type" else next(iter(names_in(pack, kind).values()))


def report(rows: list[Row], pack: Pack, kind: str) -> list[str]:
    """The figures, line by line. Raises FileFault if the pack knows none of the labels."""
    names = names_in(pack, kind)
    foreign = Counter(label for row in rows for label in (row.label, *row.others) if label not in names)
    results = list(judged(rows, pack, kind))
    if not results:
        raise FileFault(
            f"the pack {pack.pack} knows none of the labels {', '.join(sorted(foreign))}; "
            f"it knows {', '.join(sorted(set(names.values()))) or 'none of its own'}"
        )
    labels = list(dict.fromkeys(names.values()))
    counts = ", ".join(f"{label} ({times} times)" for label, times in foreign.items())
    left_out = f"{len(rows) - len(results)} rows are left out for it"
    unknown = [f"Labels that the pack does not know: {counts}; {left_out}."]
    return [
        f"{len(results)} rows, pack {pack.pack} {pack.version}, threshold {pack.classification.threshold}",
        *(unknown if foreign else []),
        "",
        *_summary(results),
        "",
        *_by_label(results, labels),
        "",
        "Rows: what it is. Columns: what the pack says.",
        *_confusion(results, labels),
    ]


def _summary(results: list[Judged]) -> list[str]:
    decided = [each for each in results if each.said]
    table = [["", "", "right", "strictly right"]]
    for words, said in (
        ("decided", [(each, each.said) for each in decided]),
        ("if all were decided", [(each, each.forced) for each in results]),
    ):
        right = sum(name in each.accepted for each, name in said)
        strict = sum(name == each.label for each, name in said)
        table.append(
            [words, _share(len(said), len(results)), _share(right, len(said)), _share(strict, len(said))]
        )
    return [*_aligned(table), "right: the label or one of also_acceptable; strictly right: the label itself"]


def _by_label(results: list[Judged], labels: list[str]) -> list[str]:
    table = [["", "rows", "said", "precision", "recall"]]
    for label in labels:
        true = sum(each.label == label for each in results)
        said = sum(each.said == label for each in results)
        both = sum(each.said == label == each.label for each in results)
        table.append([label, str(true), str(said), _percent(both, said), _percent(both, true)])
    return _aligned(table)


def _confusion(results: list[Judged], labels: list[str]) -> list[str]:
    cells = Counter((each.label, each.said or OPEN) for each in results)
    columns = [*labels, OPEN]
    return _aligned(
        [["", *columns], *([row, *(str(cells[row, each]) for each in columns)] for row in labels)]
    )


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in table
    ]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({_percent(part, whole)})"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def evaluate(
    file: Annotated[
        Path, typer.Argument(help="JSON lines with text and type, or title, text and department")
    ],
    pack: Annotated[str | None, typer.Option(help="The policy pack; else base, or cn-petition")] = None,
) -> None:
    """Measure how well a policy pack classifies the texts of a file."""
    try:
        kind, rows = rows_of(file)
        name = pack or PACKS[kind]
        typer.echo("\n".join(report(rows, load(name, latest(name)), kind)))
    except (FileFault, Problem) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


def main() -> None:
    typer.run(evaluate)


if __name__ == "__main__":
    main()
