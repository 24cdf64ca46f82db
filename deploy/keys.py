"""`redress keys`: API keys of callers, made and replaced in a file; the file holds no key, only digests."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from deploy.provision import digest, write_secret
from deploy.telling import refusing
from shared import clock
from shared.policy import available, draft_of
from shared.principals import DATA_PROTECTION
from shared.problems import Fault, Invalid, Problem, fitting
from shared.settings import PARTNER, SUBSCRIBER, ApiKey, ApiKeys, CallerName

app = typer.Typer(help="API keys of callers: made, replaced, never stored.", no_args_is_help=True)

Callers = dict[CallerName, ApiKeys]
_CALLERS: TypeAdapter[Callers] = TypeAdapter(Callers)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

File = Annotated[
    Path, typer.Option("--file", help="Where the setting api_keys is kept", envvar="REDRESS_API_KEYS_FILE")
]
Name = Annotated[str, typer.Argument(help="The caller")]


@app.command()
def new(
    name: Name,
    file: File,
    role: Annotated[list[str] | None, typer.Option(help="A word of the packs; repeatable")] = None,
    department: Annotated[list[str] | None, typer.Option(help="Theirs; repeatable")] = None,
) -> None:
    """Add a caller (a partner, if no role is given) and print its key: it is shown this once."""
    roles = role or [PARTNER]
    for word in sorted({*roles} - _known() if role else ()):
        typer.echo(f"note: no pack in the box has the role {word}", err=True)
    with refusing(), _changed(file) as callers:
        if name in callers:
            raise Problem(f"{name} has a key already; replace it with: redress keys rotate {name}")
        key = secrets.token_urlsafe(32)
        with fitting(f"A partner has no role beside it but {SUBSCRIBER}: it sees its own complaints only"):
            callers[name] = ApiKeys(
                keys=(ApiKey(digest=digest(key)),),
                roles=frozenset(roles),
                departments=frozenset(department or ()),
            )
    _tell(key, file)


@app.command()
def rotate(
    name: Name,
    file: File,
    within: Annotated[str, typer.Option(help="How long the old keys stay good: 30m, 12h, 7d")] = "7d",
) -> None:
    """Give a caller one more key, print it this once, and let the old ones end."""
    with refusing(), _changed(file) as callers:
        if name not in callers:
            raise Problem(f"There is no {name} in {file}; it has: {', '.join(sorted(callers)) or 'nobody'}")
        key, now = secrets.token_urlsafe(32), clock.now()
        end = now + _duration(within)
        old = [each for each in callers[name].keys if each.until is None or each.until > now]
        ending = [ApiKey(digest=each.digest, until=min(each.until or end, end)) for each in old]
        keys = (*ending, ApiKey(digest=digest(key)))
        callers[name] = callers[name].model_copy(update={"keys": keys})
    typer.echo(f"{len(old)} old key(s) of {name} end by {end.isoformat(timespec='seconds')}", err=True)
    _tell(key, file)


def _tell(key: str, file: Path) -> None:
    typer.echo(key)
    typer.echo(f"{file} has its digest only; services know it when they are started with that file", err=True)


@contextmanager
def _changed(file: Path) -> Iterator[Callers]:
    """The callers in a file, none if there is no file yet; written back unless refused. Raises Invalid."""
    try:
        callers = _CALLERS.validate_json(file.read_bytes()) if file.exists() else {}
    except (OSError, ValidationError):
        raise Invalid(f"{file} cannot be read as the setting api_keys") from None
    yield callers
    with fitting("A caller's name has up to 100 characters, no space, colon or bar"):
        found = _CALLERS.validate_python(callers)
    try:
        write_secret(file, _CALLERS.dump_json(found, indent=1, exclude_none=True).decode())
    except OSError as error:
        raise Problem(f"{file} cannot be written: {error.strerror}") from None


def _duration(text: str) -> timedelta:
    """Raises Invalid unless it is a number of minutes, hours or days."""
    found = re.fullmatch(r"([0-9]{1,4})([mhd])", text)
    if found is None:
        raise Invalid("This is no duration", [Fault(detail="say 30m, 12h or 7d", pointer="#/within")])
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _known() -> set[str]:
    """The roles of all packs in the box, and those that belong to no pack."""
    words = (draft_of(pack, version).content.get("roles", {}) for pack, version in available())
    return {PARTNER, SUBSCRIBER, DATA_PROTECTION}.union(*words)
