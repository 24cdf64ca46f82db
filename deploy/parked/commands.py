"""`redress parked`: what a service could not take, seen, sent back or given up."""

import asyncio
from collections import Counter
from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer
from pydantic_core import to_json

from deploy.parked import messages
from deploy.provision import SERVICES
from deploy.telling import refusing
from shared.problems import Invalid

app = typer.Typer(help="Events that a service could not take.", no_args_is_help=True)

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


@app.command("list")
def list_(service: Service, url: Url) -> None:
    """Show what is parked for a service, with the reasons and how often each. Nothing is taken away."""
    with refusing():
        found = asyncio.run(messages.listed(url, service.value))
    if not found:
        typer.echo(f"nothing is parked for {service.value}")
    for each in found:
        typer.echo(f"{each.id}\t{each.type}\t{each.attempts} delays\t{each.reason}")
    for (type, reason), count in Counter((each.type, each.reason) for each in found).most_common():
        typer.echo(f"{count} x {type}: {reason}", err=True)


@app.command()
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
        deed = messages.Deed("shown", by or getuser(), reason) if personal else None
        for each in asyncio.run(messages.shown(url, service.value, id, deed)):
            typer.echo(to_json(each, indent=2).decode())


@app.command()
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
        told = asyncio.run(messages.retried(url, service.value, id, only_look=dry_run, forged=forged))
    typer.echo(f"{told.sent} {'would be ' if dry_run else ''}sent back to {service.value}.inbox")
    if told.forged:
        typer.echo(
            f"{told.forged} stay: published in another's name. Find out who; then discard them", err=True
        )


@app.command()
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
        deed = messages.Deed("discarded", by or getuser(), reason)
        count = asyncio.run(messages.discarded(url, service.value, deed, id))
    typer.echo(f"{count} discarded; redress parked records has them")


@app.command()
def records(url: Url) -> None:
    """Show what was given up or read unmasked, by whom, when and why: one JSON object a line."""
    with refusing():
        for each in asyncio.run(messages.records(url)):
            typer.echo(to_json(each).decode())
