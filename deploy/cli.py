"""`redress`: the operator's commands."""

import asyncio
from typing import Annotated

import typer

from deploy import parked as parking

app = typer.Typer(help="Redress: the operator's commands.", no_args_is_help=True)
parked = typer.Typer(help="Events that a service could not take.", no_args_is_help=True)
app.add_typer(parked, name="parked")

Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_OPERATOR_AMQP_URL", help="The broker, as its user 'operator'", show_default=False
    ),
]
Service = Annotated[str, typer.Argument(help="intake, triage, sla, notify or survey")]


@app.callback()
def redress() -> None:
    """Redress: the operator's commands."""


@parked.command("list")
def list_(service: Service, url: Url) -> None:
    """Show what is parked for a service, with the reasons. Nothing is taken away."""
    for each in asyncio.run(parking.listed(url, service)):
        typer.echo(f"{each.id}\t{each.type}\t{each.attempts} delays\t{each.reason}")


@parked.command()
def retry(
    service: Service, url: Url, id: Annotated[str | None, typer.Option(help="Only this message id")] = None
) -> None:
    """Send parked messages back to their service, with the same ids."""
    typer.echo(f"{asyncio.run(parking.retried(url, service, id))} sent back to {service}.inbox")


def main() -> None:
    app()
