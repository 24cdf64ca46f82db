"""Passwords and keys: made once, kept in files that nobody else can read."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.provision.parts import ADMIN, AUDITOR, BACKUP, DEFINITIONS, RESTORE, SERVICES
from shared.problems import NotFound

API_KEYS = "api_keys.json"
CALLERS = {"front-end": "api_key", "approver": "approver_key", "partner": "partner_key"}
"""The first callers, and the files with their API keys; publishing a policy takes two."""
ROLES = {
    "front-end": ["recorder", "service_manager", "handler", "department_head", "quality_manager", "sales"],
    "approver": [
        "service_manager", "department_head", "general_manager", "management_representative", "reviewer",
        "approver", "marketing_manager", "data_protection",
    ],
    "partner": ["partner"],
}  # fmt: skip
NOBODY_ELSE = -1


@dataclass(frozen=True)
class Passwords:
    """One password per user and server; a leaked broker password opens no database."""

    broker: Mapping[str, str]
    database: Mapping[str, str]

    @classmethod
    def kept(cls, folder: Path) -> "Passwords":
        """The folder's passwords, each made on the first call that knows its user."""
        path = folder / "passwords.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        fresh = asdict(cls.fresh())
        whole = {server: made | known.get(server, {}) for server, made in fresh.items()}
        if whole != known:
            write_secret(path, json.dumps(whole, indent=1))
        return cls(**whole)

    @classmethod
    def fresh(cls) -> "Passwords":
        broker = [user["name"] for user in json.loads(DEFINITIONS.read_text())["users"]]
        return cls(_passwords(broker), _passwords([*SERVICES, AUDITOR, BACKUP, RESTORE, ADMIN]))


def forget(folder: Path, user: str) -> list[str]:
    """Strike out a user's passwords, so that the next call makes others; for which servers it had any.

    Raises NotFound for somebody who has none. The databases' administrator is known to the database alone:
    changing that word here would lock everybody out.
    """
    known = asdict(Passwords.kept(folder))
    servers = [server for server in known if user in known[server] and (server, user) != ("database", ADMIN)]
    if not servers:
        raise NotFound(f"There is no user {user}; there are {', '.join(sorted(known['broker']))}")
    kept = {
        server: {each: word for each, word in words.items() if each != user or server not in servers}
        for server, words in known.items()
    }
    write_secret(folder / "passwords.json", json.dumps(kept, indent=1))
    return servers


def _passwords(users: Sequence[str]) -> dict[str, str]:
    return {user: secrets.token_urlsafe(24) for user in users}


def write_secret(path: Path, text: str, owner: int = NOBODY_ELSE, group: int = NOBODY_ELSE) -> None:
    """Nobody but `owner` and `group` can read it at any moment, and a crash leaves one file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchown(file.fileno(), owner, group)
        if group != NOBODY_ELSE:
            os.fchmod(file.fileno(), 0o640)
        file.write(text)
    half.replace(path)


def keep_keyfile(path: Path) -> Path:
    """What the members of the replica set know each other by."""
    if not path.exists():
        write_secret(path, base64.b64encode(secrets.token_bytes(512)).decode())
    return path


def keep_token(path: Path) -> str:
    """A random word, made on the first call."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path.read_text()


def keep_api_keys(path: Path, keys: Mapping[str, str]) -> str:
    """The setting `api_keys` as JSON, made on the first call with these keys; `redress keys` changes it."""
    if not path.exists():
        first = {
            name: {"keys": [{"digest": digest(key)}], "roles": ROLES[name]} for name, key in keys.items()
        }
        write_secret(path, json.dumps(first, indent=1))
    return path.read_text()


def digest(key: str) -> str:
    """What is stored of an API key."""
    return hashlib.sha256(key.encode()).hexdigest()
