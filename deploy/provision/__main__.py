"""`python -m deploy.provision`: secrets, database, and new passwords."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from deploy.provision.database import open_database
from deploy.provision.passwords import NOBODY_ELSE, Passwords, forget
from deploy.provision.secrets import CERTIFICATES, Hosts, Owners, write_certificates, write_secrets
from shared.problems import Problem

app = typer.Typer(help="Who may enter: made once, kept, and made anew.", no_args_is_help=True)

MEMBERS = Hosts().mongo
Members = Annotated[str, typer.Option(help="The replica set's members.")]
Tls = Annotated[
    bool, typer.Option("--tls", help="Over TLS, with certificates of the house or brought along.")
]
SEEN_AS = "/run/secrets/ca.pem"


@app.command("secrets")
def secrets_(
    folder: Path,
    amqp_host: Annotated[str | None, typer.Option(help="Where the services find the broker.")] = None,
    mongo_hosts: Members = MEMBERS,
    management_host: Annotated[str | None, typer.Option(help="The broker's HTTP API.")] = None,
    owner: Annotated[int, typer.Option(help="User id that reads the services' files.")] = NOBODY_ELSE,
    database_owner: Annotated[int, typer.Option(help="User id that reads the database's.")] = NOBODY_ELSE,
    broker_group: Annotated[int, typer.Option(help="Group id that reads the broker's.")] = NOBODY_ELSE,
    tls: Tls = False,
    broker_name: Annotated[
        list[str] | None,
        typer.Option(help="With --tls: what else the broker is called, in its certificate; repeatable"),
    ] = None,
) -> None:
    """Write passwords, keyfile, definitions, each service's URLs and the first API keys below FOLDER."""
    amqp = amqp_host or ("rabbitmq:5671" if tls else "rabbitmq:5672")
    management = management_host or ("rabbitmq:15671" if tls else "rabbitmq:15672")
    owners = Owners(owner, database_owner, broker_group)
    if tls:
        _tell(folder, owners, broker_name or ())
    write_secrets(folder, Hosts(amqp, mongo_hosts, management, SEEN_AS if tls else None), owners)


def _tell(folder: Path, owners: Owners, names: Sequence[str]) -> None:
    """Write the certificates, and say what is new and what somebody must see to."""
    try:
        found = write_certificates(folder, owners, names)
    except Problem as refused:
        raise SystemExit(f"TLS: {refused}") from None
    if found.made:
        print(f"new certificates: {', '.join(found.made)}; servers know them when they are started again")
    for name in found.ending:
        end = found.servers[name].first.not_valid_after_utc
        print(f"the certificate {name}.pem that was brought along ends on {end:%Y-%m-%d}: bring another")


@app.command("database")
def database(
    folder: Path,
    mongo_hosts: Members = MEMBERS,
    door: Annotated[str | None, typer.Option(help="A member's address on its own machine.")] = None,
    tls: Tls = False,
) -> None:
    """Make the replica set, its roles and its users; run it again at any time."""
    members = [host if ":" in host else f"{host}:27017" for host in mongo_hosts.split(",")]
    ca = str(folder / CERTIFICATES / "ca.pem") if tls else None
    asyncio.run(open_database(members, Passwords.kept(folder), door, ca))


@app.command("rotate")
def rotate(folder: Path, user: Annotated[str, typer.Argument(help="A user of broker or database")]) -> None:
    """Let USER's passwords be made anew by the next `secrets`; broker and database must be told then."""
    try:
        servers = forget(folder, user)
    except Problem as refused:
        raise SystemExit(str(refused)) from None
    print(f"{user} gets new passwords for {' and '.join(servers)} by the next `secrets`")


if __name__ == "__main__":
    app()
