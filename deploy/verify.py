"""`redress verify`: whether every complaint's history is the one that was written."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

import typer
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.journals import Checked, check_all, shelve
from deploy.provision import COLLECTIONS
from deploy.telling import refusing
from shared.driver import OPTIONS
from shared.problems import Fault, Invalid, NotFound, Unavailable

BATCH, AHEAD = 500, 2
"""Documents checked together, and batches for each process that are read before they can be checked."""
TELL_S = 10.0
NEEDED = {"number": 1, "head": 1, "journal": 1, "state.registered_at": 1}

Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_AUDITOR_MONGO_URL", help="The database, as its user 'auditor'", show_default=False
    ),
]
Key = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_PUBLIC_KEY", help="The house's public key, 64 hex digits", show_default=False
    ),
]


def verify(
    url: Url,
    public_key: Key,
    complaint: Annotated[str | None, typer.Option(help="Only this one: its id or receipt number")] = None,
    rebuild: Annotated[
        bool, typer.Option(help="Also make each complaint of its journal, and compare it with its record")
    ] = False,
) -> None:
    """Check every complaint's hash chain, signed head and numbers of events; exit code 1 on faults.

    Reads only, and needs no secret: whoever has the public key can do it.
    """
    with refusing():
        key, began, checked = _key(public_key), monotonic(), Checked()
        due = began + TELL_S
        copies = _published(url) if rebuild else []
        batches = _read(url, complaint, rebuild)
        for some in _checked(batches, key, rebuild, copies, alone=complaint is not None):
            for wrong in some.wrong:
                typer.echo(str(wrong))
            checked += some
            if monotonic() >= due:
                typer.echo(_told(checked, monotonic() - began), err=True)
                due += TELL_S
        if complaint and not checked.complaints:
            raise NotFound(f"There is no complaint {complaint}")
    typer.echo(_told(checked, monotonic() - began))
    raise typer.Exit(bool(checked.wrong))


def _told(checked: Checked, seconds: float) -> str:
    counts = f"verified={checked.complaints} entries={checked.entries} faults={len(checked.wrong)}"
    return f"{counts} seconds={seconds:.1f}"


def _key(given: str) -> bytes:
    """Raises Invalid unless it may be a public key."""
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Invalid(
            "This is no public key", [Fault(detail="give 64 hexadecimal digits", pointer="#/public-key")]
        )
    return key


def _published(url: str) -> list[dict[str, Any]]:
    """The packs and calendars that were published at run time. Raises Unavailable."""
    try:
        with MongoClient[Any](url, serverSelectionTimeoutMS=5_000) as client:
            found = client["intake"][COLLECTIONS["intake"]].find({"policy": {"$exists": True}}, {"state": 1})
            return [each["state"] for each in found]
    except PyMongoError as error:
        raise _away(error) from None


def _away(error: PyMongoError) -> Unavailable:
    return Unavailable(f"The database cannot be read ({type(error).__name__}); is it running?")


def _read(url: str, complaint: str | None, rebuild: bool) -> Iterator[bytes]:
    """The documents as they lie there, so many at a time. Raises Unavailable."""
    wanted = None if rebuild else NEEDED
    try:
        with MongoClient[Any](url, serverSelectionTimeoutMS=5_000) as client:
            found = client["intake"].get_collection(COLLECTIONS["intake"], codec_options=OPTIONS)
            yield from found.find_raw_batches(_query(complaint), wanted, batch_size=BATCH)
    except PyMongoError as error:
        raise _away(error) from None


def _query(complaint: str | None) -> Mapping[str, Any]:
    if complaint is None:
        return {}
    try:
        return {"_id": UUID(complaint)}
    except ValueError:
        return {"number": complaint}


def _checked(
    batches: Iterator[bytes], key: bytes, rebuild: bool, copies: list[dict[str, Any]], *, alone: bool
) -> Iterator[Checked]:
    """Batches are checked by as many processes as there are processors, in the order in which they come."""
    if alone:
        shelve(copies)
        yield from (check_all(batch, key, rebuild=rebuild) for batch in batches)
        return
    processes = os.cpu_count() or 1
    waiting: deque[Future[Checked]] = deque()
    with ProcessPoolExecutor(processes, get_context("spawn"), shelve, (copies,)) as pool:
        for batch in batches:
            waiting.append(pool.submit(check_all, batch, key, rebuild=rebuild))
            while len(waiting) > processes * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
