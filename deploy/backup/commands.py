"""`redress backup` and `redress restore`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from pydantic_core import from_json, to_json
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.backup import broker
from deploy.backup.archive import MANIFEST, Manifest, opened, sha256, total
from deploy.backup.copying import Copying
from deploy.backup.filling import Filling
from deploy.provision import write_secret
from deploy.telling import refusing
from shared.problems import Problem, Unavailable

BROKER = "broker.json"
USUAL = 45
"""Minutes: a little more than the longest way through all delays."""
PARKED = ".parked"

Management = Annotated[
    str | None,
    typer.Option(envvar="REDRESS_MANAGEMENT_URL", help="The broker's HTTP API; without it, no broker"),
]
Key = Annotated[
    str | None, typer.Option(envvar="REDRESS_PUBLIC_KEY", help="The house's public key", show_default=False)
]
Folder = Annotated[Path, typer.Argument(file_okay=False, help="The folder of the copy")]


def backup(
    folder: Folder,
    url: Annotated[
        str,
        typer.Option(envvar="REDRESS_BACKUP_MONGO_URL", help="The database, as its user 'backup'"),
    ],
    management_url: Management = None,
    public_key: Key = None,
    in_flight: Annotated[
        int, typer.Option(min=0, help="Minutes for which events may have been on their way")
    ] = USUAL,
    force: Annotated[
        bool, typer.Option("--force", help="Though events wait that may have been owed before --in-flight")
    ] = False,
) -> None:
    """Copy all databases as of one moment, and the broker's other users and queues, to a new FOLDER.

    Everybody works on meanwhile. The keys of the house are not in it: keep the folder of secrets elsewhere.
    """
    began = monotonic()
    with refusing():
        if folder.exists() and any(folder.iterdir()):
            raise Problem(f"{folder} is not empty; a copy wants a folder of its own")
        if management_url:
            _check_waiting(management_url, in_flight, force=force)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = broker.others(management_url) if management_url else None
        if others is not None:
            write_secret(folder / BROKER, to_json(others, indent=1).decode())
        with _database(url) as client:
            found = _copied(client, folder, public_key, timedelta(minutes=in_flight), others is not None)
        write_secret(folder / MANIFEST, found.model_dump_json(indent=1))
        if management_url:
            _warn_of_parked(management_url)
    _tell_of(found, monotonic() - began)


def _copied(
    client: MongoClient[dict[str, Any]], folder: Path, key: str | None, window: timedelta, with_broker: bool
) -> Manifest:
    with client.start_session(snapshot=True) as session:
        copying = Copying(client, folder, session, _say)
        collections = tuple(copying.collections())
        return Manifest(
            at=copying.moment.as_datetime(),
            database=client.server_info()["version"],
            public_key=key,
            collections=collections,
            in_flight=tuple(copying.in_flight(window)) if window else (),
            broker=BROKER if with_broker else None,
            broker_sha256=sha256(folder / BROKER) if with_broker else None,
        )


def _check_waiting(url: str, minutes: int, *, force: bool) -> None:
    """Raises Problem if events may have waited longer than so long, for then the broker alone has them.

    Nobody tells since when, so a window that was named by hand is believed.
    """
    if force or not (found := broker.stuck(url)):
        return
    told = ", ".join(f"{name} {count}" for name, count in found.items())
    if minutes > USUAL:
        _say(f"events wait, and are in it if they came within {minutes} minutes: {told}")
        return
    raise Problem(
        f"Events wait for their services: {told}. Those older than {minutes} minutes lie at the broker only "
        "and would not be in the copy. Let the services work them off; or give --in-flight MINUTES, longer "
        f"than the oldest has waited (more than {USUAL}); or --force, if you know that none is that old"
    )


def _warn_of_parked(url: str) -> None:
    for name, count in broker.waiting(url).items():
        if name.endswith(PARKED) and count:
            service = name.removesuffix(PARKED)
            _say(f"note: {count} parked messages of {service} are not in it: redress parked list {service}")


def _tell_of(found: Manifest, seconds: float) -> None:
    whole = total([each.packed for each in found.packed])
    rate = whole.size / max(seconds, 0.001) / 1e6
    typer.echo(
        f"as of {found.at.isoformat()}: documents={whole.documents} bytes={whole.size} "
        f"packed={whole.stored} seconds={seconds:.1f} MB/s={rate:.1f}"
    )


def restore(
    folder: Folder,
    url: Annotated[
        str,
        typer.Option(envvar="REDRESS_RESTORE_MONGO_URL", help="The database, as its user 'restore'"),
    ],
    management_url: Management = None,
    public_key: Key = None,
    force: Annotated[bool, typer.Option("--force", help="Delete first what the databases hold")] = False,
) -> None:
    """Fill empty databases from a copy in FOLDER, and let other teams in at the broker again.

    Broker and database must have been prepared, with the house's old keys, and no service may run.
    """
    began = monotonic()
    with refusing():
        found = opened(folder)
        _check_key(found, public_key)
        with _database(url) as client:
            filling = Filling(client, folder, _say)
            filling.clear(force=force)
            for collection in found.collections:
                filling.fill(collection)
            for owed in found.in_flight:
                filling.owe_again(owed)
        if found.broker and management_url:
            others = from_json((folder / found.broker).read_bytes())
            broker.bring_back(management_url, others)
            _say(f"broker: {len(others['users'])} users and {len(others['queues'])} queues of other teams")
    _tell_of(found, monotonic() - began)
    typer.echo("Next: start the services, then `redress verify`.")


def _check_key(found: Manifest, key: str | None) -> None:
    if key is None or found.public_key is None:
        _say("note: REDRESS_PUBLIC_KEY was not given then or now: nobody checked that the keys fit this copy")
    elif key != found.public_key:
        raise Problem(
            "This house has another sealing key than the copy: no personal data could be read. "
            "Bring the folder of secrets back first (docs/backup.md)"
        )


@contextmanager
def _database(url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
            yield client
    except PyMongoError as error:
        told = (
            f"{type(error).__name__}, code {error.code}" if hasattr(error, "code") else type(error).__name__
        )
        raise Unavailable(f"The database refused or went away ({told})") from None


def _say(line: str) -> None:
    typer.echo(line, err=True)
