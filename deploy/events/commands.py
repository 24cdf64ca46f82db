"""The commands of `redress events`."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

import typer
import uvloop

from deploy.events.keeping import kept
from deploy.events.replaying import Output, Replay, replayed
from deploy.events.team import UNREAD, Team, connected
from deploy.telling import refusing
from shared.history import History
from shared.places import MARK, Place, Start
from shared.problems import Fault, Invalid
from shared.wanted import Wanted

INTERRUPTED, UNHEARD = 130, 141
"""Exit codes as a shell has them of SIGINT and SIGPIPE."""

app = typer.Typer(help="What has happened: read again from the history.", no_args_is_help=True)
Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_OPERATOR_AMQP_URL", help="The broker, as its user 'operator'", show_default=False
    ),
]
ManagementUrl = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="REDRESS_MANAGEMENT_URL",
        help="The broker's management, as its administrator",
        show_default=False,
    ),
]


@app.command()
def replay(
    url: Url,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            help="What next= said, an offset, or when it happened: 2026-09-18 or 2026-09-18T09:00+08:00",
        ),
    ] = "first",
    to: Annotated[
        str | None, typer.Option(help="The same, itself not included; the end there is now, if left out")
    ] = None,
    type: Annotated[
        list[str] | None, typer.Option(help="Only such events; * is any text: 'complaint.*.v1'; repeatable")
    ] = None,
    complaint: Annotated[str | None, typer.Option(help="Only of this complaint: its id or number")] = None,
    team: Annotated[str | None, typer.Option(help="Into the queue team.NAME, not to the output")] = None,
    unread: Annotated[
        int, typer.Option(min=1, max=UNREAD, help="With --team: how many messages may wait there unread")
    ] = UNREAD,
) -> None:
    """Replay public events in the order of the stream, one CloudEvent a line, or into a team's queue.

    Ends where the stream ended when it began. The last line on stderr says at which offset to go on.
    """
    done = Replay(began=monotonic())
    with refusing():
        start, stop = place(from_, "from"), place(to, "to") if to is not None else None
        since = start if isinstance(start, datetime) else None
        until = stop if isinstance(stop, datetime) else None
        wanted = Wanted(tuple(type or ()), complaint, since, until)
        last = stop if isinstance(stop, int) else stop.offset if isinstance(stop, Place) else None
        into = f"team.{team}" if team is not None else None
        with _telling(done):
            uvloop.run(_replayed(url, start, last, wanted, into, unread, done))


@contextmanager
def _telling(done: Replay) -> Iterator[None]:
    """However it ends, the last line on stderr says where to go on; not if nobody reads the output on."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped: {done}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit(UNHEARD) from None
    except BaseException as error:
        if isinstance(error, OSError):
            _drop_output()
        typer.echo(f"broken off: {done}", err=True)
        raise
    typer.echo(f"done: {done}", err=True)


def _drop_output() -> None:
    """What the output did not take is not tried once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def place(text: str, option: str) -> Start:
    """An offset, `first`, an instant, or what `next=` said. Raises Invalid for anything else."""
    if text == "first" or re.fullmatch("[0-9]{1,18}", text):
        return "first" if text == "first" else int(text)
    if re.fullmatch(f"[1-9][0-9]{{,17}}:{MARK}", text):
        offset, _, mark = text.partition(":")
        return Place(int(offset), 0, mark)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is not None and len(text) == len("2026-09-18"):
        return found.replace(tzinfo=UTC)
    if found is None or found.tzinfo is None:
        told = "give an offset, a date (it begins in UTC), or a time with its offset: 2026-09-18T09:00+08:00"
        raise Invalid("This is no place in the history", [Fault(detail=told, pointer=f"#/{option}")])
    return found


async def _replayed(
    url: str, start: Start, stop: int | None, wanted: Wanted, queue: str | None, unread: int, done: Replay
) -> None:
    if queue is None:
        await replayed(History(url), start, stop, wanted, Output(), done)
        return
    async with await connected(url) as connection:
        into = await Team.of(connection, queue, unread)
        await replayed(History(url), start, stop, wanted, into, done)


@app.command()
def keep(
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Older segments go")],
    gigabytes: Annotated[int, typer.Option(min=1, max=1_000_000, help="On each replica; the oldest go")],
    url: ManagementUrl,
) -> None:
    """Keep the history so long, and so much of it: what comes first counts. On the running stream, too."""
    with refusing():
        kept(url, days, gigabytes)
    typer.echo(f"history: {days} days, at most {gigabytes} GB on each replica")
