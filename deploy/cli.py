"""`redress`: the operator's commands."""

import asyncio
from collections import Counter
from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer
from pydantic_core import to_json

from deploy import parked as parking
from deploy.backup import backup, restore
from deploy.calendars import app as calendars
from deploy.defaults import defaults
from deploy.events import app as events
from deploy.keys import app as keys
from deploy.policies import app as policies
from deploy.policies.opening import refusing
from deploy.provision import SERVICES
from deploy.subscribers import app as subscribers
from deploy.verify import verify
from shared.problems import Invalid, Problem

app = typer.Typer(help="Redress: the operator's commands.", no_args_is_help=True)
parked = typer.Typer(help="Events that a service could not take.", no_args_is_help=True)
app.add_typer(parked, name="parked")
app.add_typer(policies, name="policies")
app.add_typer(calendars, name="calendar")
app.add_typer(keys, name="keys")
app.add_typer(events, name="events")
app.add_typer(subscribers, name="subscribers")
app.command()(verify)
app.command()(backup)
app.command()(restore)

Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_OPERATOR_AMQP_URL", help="The broker, as its user 'operator'", show_default=False
    ),
]
Known = StrEnum("Known", list(SERVICES))  # type: ignore[misc]  # the choices are the services
Service = Annotated[Known, typer.Argument()]
By = Annotated[
    str, typer.Option(envvar="REDRESS_OPERATOR", help="Your name, for the record", show_default=False)
]


@app.callback()
def redress(context: typer.Context) -> None:
    """Redress: the operator's commands."""
    context.default_map = defaults(context.command)


@parked.command("list")
def list_(service: Service, url: Url) -> None:
    """Show what is parked for a service, with the reasons and how often each. Nothing is taken away."""
    with refusing():
        found = asyncio.run(parking.listed(url, service.value))
    if not found:
        typer.echo(f"nothing is parked for {service.value}")
    for each in found:
        typer.echo(f"{each.id}\t{each.type}\t{each.attempts} delays\t{each.reason}")
    for (type, reason), count in Counter((each.type, each.reason) for each in found).most_common():
        typer.echo(f"{count} x {type}: {reason}", err=True)


@parked.command()
def show(
    service: Service,
    id: Annotated[str, typer.Argument(help="The message id, as `list` shows it")],
    url: Url,
    personal: Annotated[bool, typer.Option(help="Unmasked; that you read it is kept on record")] = False,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Why you must read it, for the record")] = "",
) -> None:
    """Show a parked message: headers, reason, attempts and events. Data that may be personal is masked."""
    with refusing():
        if personal and not reason:
            raise Invalid("Say why you must read it: --reason")
        deed = parking.Deed("shown", by or getuser(), reason) if personal else None
        for each in asyncio.run(parking.shown(url, service.value, id, deed)):
            typer.echo(to_json(each, indent=2).decode())


@parked.command()
def retry(
    service: Service,
    url: Url,
    id: Annotated[str | None, typer.Option(help="Only this message id")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many")] = False,
    forged: Annotated[
        bool, typer.Option("--forged", help="With --id: though it was published in another's name")
    ] = False,
) -> None:
    """Send parked messages back to their service, with the same ids; what is forged stays."""
    with refusing():
        if forged and id is None:
            raise Invalid("Name the forged message by --id, once you know who sent it and why")
        told = asyncio.run(parking.retried(url, service.value, id, only_look=dry_run, forged=forged))
    typer.echo(f"{told.sent} {'would be ' if dry_run else ''}sent back to {service.value}.inbox")
    if told.forged:
        typer.echo(
            f"{told.forged} stay: published in another's name. Find out who; then discard them", err=True
        )


@parked.command()
def discard(
    service: Service,
    url: Url,
    reason: Annotated[str, typer.Option(help="Why; it is kept on record")],
    id: Annotated[str | None, typer.Option(help="Only this message id")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked for the service")] = False,
    by: By = "",
) -> None:
    """Give parked messages up for good. Who, when and why is kept, with all that is not personal."""
    with refusing():
        if (id is None) != everything or not reason.strip():
            raise Invalid("Name one message by --id, or say --all; and say why by --reason")
        deed = parking.Deed("discarded", by or getuser(), reason)
        count = asyncio.run(parking.discarded(url, service.value, deed, id))
    typer.echo(f"{count} discarded; redress parked records has them")


@parked.command()
def records(url: Url) -> None:
    """Show what was given up or read unmasked, by whom, when and why: one JSON object a line."""
    with refusing():
        for each in asyncio.run(parking.records(url)):
            typer.echo(to_json(each).decode())


def main() -> None:
    try:
        app()
    except Problem as refused:
        raise SystemExit(refused.detail) from None
    except ConnectionError as error:
        raise SystemExit(f"The broker cannot be reached ({error}); is the system running?") from None
    except OSError as error:
        raise SystemExit(
            ": ".join(str(told) for told in (error.filename, error.strerror or error) if told)
        ) from None
