"""`redress calendar`: the commands; what they say is made in the modules beside this one."""

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.calendars import asking, drafting, wording
from deploy.calendars.importing import imported
from deploy.calendars.opening import calendar_of, notes, opened, title, years_told
from deploy.calendars.remote import Sla
from deploy.policies.checking import lines
from deploy.policies.opening import text_of
from deploy.telling import aligned, refusing
from shared.events import Language
from shared.policy import Calendar, calendars, intervals_of, load_calendar
from shared.problems import Invalid, Problem

app = typer.Typer(help="Calendars: what is worked, what is due when and why.", no_args_is_help=True)


class Spoken(StrEnum):
    """The languages of words."""

    CHINESE = "zh-CN"
    TAIWAN = "zh-TW"
    ENGLISH = "en"

    @property
    def of_words(self) -> Language:
        return self.value


Ends = StrEnum("Ends", ["midnight", "closing", "same_time"])
Named = Annotated[str, typer.Argument(metavar="NAME | FILE", help="A calendar of the box, or a file")]
Start = Annotated[str, typer.Argument(help="ISO 8601; without an offset in the calendar's zone")]
Length = Annotated[str, typer.Argument(metavar="DURATION", help="24h, 90m, 8wh, 5wd, 15d")]
By = Annotated[str, typer.Option("--calendar", metavar="NAME | FILE", help="The calendar")]
Of = Annotated[str | None, typer.Option("--department", help="By its hours")]
Pauses = Annotated[
    list[str] | None, typer.Option("--pause", metavar="A..B", help="It stands still then; repeatable")
]
How = Annotated[Ends, typer.Option("--ends", help="How the last day ends")]
Opening = Annotated[bool, typer.Option("--from-opening", help="Count from the next opening")]
Roll = Annotated[bool, typer.Option("--roll", help="Move an end on to a working day")]
In = Annotated[Spoken, typer.Option("--language", help="The language of words")]
Raw = Annotated[bool, typer.Option("--json", help="As JSON")]
Out = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it there, not to stdout")]
Url = Annotated[str, typer.Option("--url", envvar="REDRESS_SLA_URL", help="Where sla is")]
Key = Annotated[str, typer.Option("--key", envvar="REDRESS_API_KEY", help="Your API key", show_default=False)]
LOCAL = "http://127.0.0.1:8003"
CHINA = "cn-mainland"


@app.command("list")
def list_(as_json: Raw = False) -> None:
    """Show every calendar of the box, and the years for which it has a notice."""
    with refusing():
        found = [load_calendar(name) for name in calendars()]
    if as_json:
        keys = {"calendar", "version", "time_zone", "years", "source"}
        typer.echo(_json([each.model_dump(mode="json", include=keys) for each in found]))
        return
    rows = [[title(each), each.time_zone, years_told(each.years), each.source] for each in found]
    typer.echo("\n".join(aligned(rows)))


@app.command()
def show(name: Named, language: In = Spoken.ENGLISH, as_json: Raw = False) -> None:
    """Show a calendar: hours, days off, make-up days, departments."""
    with refusing():
        found = calendar_of(name)
    if as_json:
        typer.echo(_json(found.model_dump(mode="json")))
    else:
        typer.echo("\n".join(wording.shown(found, language.of_words)))


@app.command()
def check(files: Annotated[list[str], typer.Argument(metavar="FILE | -")]) -> None:
    """Say all that is wrong with calendars, with line and mend."""
    refused = False
    for file in files:
        try:
            found = opened(file)
        except Problem as problem:
            refused = True
            typer.echo("\n".join([f"REFUSED {file}", *lines(problem, file)]))
            continue
        typer.echo(f"ok  {found.title}  {_held(found.calendar)}")
        typer.echo("".join(f"note  {each}\n" for each in notes(found)), nl=False)
    raise typer.Exit(refused)


def _held(calendar: Calendar) -> str:
    days = f"{len(calendar.days_off)} days off, {len(calendar.days_worked)} make-up days"
    return f"{days}, years {years_told(calendar.years)}"


@app.command()
def due(
    start: Start,
    duration: Length,
    calendar: By = CHINA,
    department: Of = None,
    pause: Pauses = None,
    ends: How = Ends.midnight,
    from_opening: Opening = False,
    roll: Roll = False,
    language: In = Spoken.ENGLISH,
    as_json: Raw = False,
) -> None:
    """Say when something is due, and whether a notice is missing that could move it."""
    with refusing():
        asked = _asked(start, duration, calendar, department, pause, ends, from_opening, roll)
    typer.echo(_json(_told(asked)) if as_json else "\n".join(wording.answer(asked, language.of_words)))


@app.command()
def explain(
    start: Start,
    duration: Length,
    calendar: By = CHINA,
    department: Of = None,
    pause: Pauses = None,
    ends: How = Ends.midnight,
    from_opening: Opening = False,
    roll: Roll = False,
    language: In = Spoken.CHINESE,
    as_json: Raw = False,
) -> None:
    """Say when something is due, with every interval that counted or did not, and why."""
    with refusing():
        asked = _asked(start, duration, calendar, department, pause, ends, from_opening, roll)
    if not as_json:
        typer.echo("\n".join(wording.explained(asked, language.of_words)))
        return
    unit, budget = asked.amount
    found = intervals_of(asked.budget, asked.start, asked.due, asked.table, asked.pauses) if asked.due else []
    counted = {"unit": unit, "budget": _number(budget), "total": _number(sum(each.amount for each in found))}
    told = [each.model_dump(mode="json") | {"amount": _number(each.amount)} for each in found]
    typer.echo(_json(_told(asked) | counted | {"intervals": told}))


def _asked(
    start: str,
    duration: str,
    calendar: str,
    department: str | None,
    pause: list[str] | None,
    ends: Ends,
    from_opening: bool,
    roll: bool,
) -> asking.Due:
    table = asking.table_of(calendar_of(calendar), department)
    budget = asking.length(duration, ends=ends.value, roll=roll, from_opening=from_opening)
    stretches = asking.pauses(pause or (), table.zone)
    return asking.due(table, asking.instant(start, table.zone), budget, stretches)


def _told(asked: asking.Due) -> dict[str, Any]:
    told = {"calendar": title(asked.table.calendar), "start": asked.start.isoformat()}
    if asked.due is None:
        return told | {"due": None, "paused": asked.paused.isoformat()}
    day = wording.weekday(asked.due, "en")
    missing = asked.unofficial
    return told | {
        "due": asked.due.isoformat(),
        "weekday": day,
        "provisional": bool(missing),
        "without_notice": missing,
    }


@app.command()
def between(
    start: Start,
    end: Annotated[str, typer.Argument(help="The same")],
    calendar: By = CHINA,
    department: Of = None,
    pause: Pauses = None,
    as_json: Raw = False,
) -> None:
    """Say how much time lies between two instants: worked, in working days, and natural."""
    with refusing():
        table = asking.table_of(calendar_of(calendar), department)
        first, last = asking.instant(start, table.zone), asking.instant(end, table.zone)
        found = asking.between(table, first, last, asking.pauses(pause or (), table.zone))
    if as_json:
        seconds = {"worked": found.worked.total_seconds(), "natural": found.natural.total_seconds()}
        typer.echo(_json({"calendar": title(table.calendar), "working_days": found.working_days, **seconds}))
        return
    rows = [["working time", wording.clock(found.worked)], ["working days", str(found.working_days)]]
    typer.echo("\n".join(aligned([*rows, ["natural time", wording.clock(found.natural)]])))


@app.command("import")
def import_(
    name: Named,
    file: Annotated[
        str, typer.Argument(metavar="FILE | -", help="The notice's text, or its numbered sentences")
    ],
    year: Annotated[int, typer.Option("--year", min=1950, max=2200, help="The year of the notice")],
    output: Out = None,
    doubts: Annotated[
        bool, typer.Option("--check", help="Warn of weekdays and sums that do not fit the dates")
    ] = False,
) -> None:
    """Make the next version of a calendar from a yearly notice of China's State Council."""
    with refusing(file):
        found = imported(opened(name), year, text_of(file), file)
    for note in found.notes:
        typer.echo(f"note  {note}", err=True)
    for doubt in found.notice.doubts if doubts else ():
        typer.echo(f"warning  {doubt}", err=True)
    _put(found.text, output)


@app.command()
def draft(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="GB-ENG, US, AU-NSW: a country, or a part of it")
    ],
    calendar: Annotated[str, typer.Option("--calendar", metavar="NAME", help="What it is to be called")],
    years: Annotated[str, typer.Option("--years", metavar="A-B", help="2024-2030, or one year")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="Europe/London")],
    hours: Annotated[
        str, typer.Option("--hours", metavar="A-B", help="From Monday to Friday")
    ] = "09:00-17:00",
    output: Out = None,
) -> None:
    """Make a calendar from the library `holidays`."""
    with refusing():
        opens, _, closes = hours.partition("-")
        text = drafting.drafted(place, calendar, _years(years), time_zone, (opens, closes))
    _put(text, output)


def _years(given: str) -> range:
    found = re.fullmatch(r"([12]\d{3})(?:-([12]\d{3}))?", given)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < first + 100:
        raise Invalid(f"--years {given} are none; write them as 2024-2030")
    return range(first, last + 1)


@app.command()
def publish(
    file: Annotated[str, typer.Argument(metavar="FILE | -")], url: Url = LOCAL, key: Key = ""
) -> None:
    """Publish a version of a calendar; open deadlines follow it."""
    with refusing(file):
        found = opened(file)
        answer = Sla(url, key).publish(found.calendar.calendar, found.calendar.version, found.text)
    told = answer if isinstance(answer, dict) else {}
    name = f"{told.get('calendar', found.calendar.calendar)}/{told.get('version', found.calendar.version)}"
    typer.echo(
        f"published  {name}  {told.get('deadlines_open', 'all')} open deadlines will be counted anew by it"
    )


def _put(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    with refusing():
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Invalid(f"{output} cannot be written: {error.strerror}") from None


def _number(amount: Any) -> int | float:
    return int(amount) if amount == int(amount) else float(amount)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
