"""`redress`: the operator's commands."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from deploy import parked as parking
from deploy.calendars import app as calendars
from deploy.policies import app as policies
from deploy.provision import SERVICES

app = typer.Typer(help="Redress: the operator's commands.", no_args_is_help=True)
parked = typer.Typer(help="Events that a service could not take.", no_args_is_help=True)
app.add_typer(parked, name="parked")
app.add_typer(policies, name="policies")
app.add_typer(calendars, name="calendar")

Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_OPERATOR_AMQP_URL", help="The broker, as its user 'operator'", show_default=False
    ),
]
Known = StrEnum("Known", list(SERVICES))  # type: ignore[misc]  # the choices are the services
Service = Annotated[Known, typer.Argument()]


@app.callback()
def redress() -> None:
    """Redress: the operator's commands."""


@parked.command("list")
def list_(service: Service, url: Url) -> None:
    """Show what is parked for a service, with the reasons. Nothing is taken away."""
    found = asyncio.run(parking.listed(url, service.value))
    if not found:
        typer.echo(f"nothing is parked for {service.value}")
    for each in found:
        typer.echo(f"{each.id}\t{each.type}\t{each.attempts} delays\t{each.reason}")


@parked.command()
def retry(
    service: Service, url: Url, id: Annotated[str | None, typer.Option(help="Only this message id")] = None
) -> None:
    """Send parked messages back to their service, with the same ids."""
    typer.echo(f"{asyncio.run(parking.retried(url, service.value, id))} sent back to {service.value}.inbox")


def main() -> None:
    try:
        app()
    except OSError as error:
        raise SystemExit(f"The broker cannot be reached ({error}); is the system running?") from None
