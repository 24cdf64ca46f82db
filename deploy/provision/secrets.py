"""The folder of secrets: what each service, each server and the operator find in theirs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.provision import certificates
from deploy.provision.addresses import amqp_url, management_url, mongo_url
from deploy.provision.broker import broker_definitions
from deploy.provision.certificates import Certificates
from deploy.provision.parts import ADMIN, AUDITOR, BACKUP, RESTORE, SERVICES
from deploy.provision.passwords import (
    API_KEYS,
    CALLERS,
    NOBODY_ELSE,
    Passwords,
    keep_api_keys,
    keep_keyfile,
    keep_token,
    write_secret,
)
from shared.chain import public_key

MADE_FOR = {
    "broker": ("rabbitmq", "localhost", "127.0.0.1"),
    "database": ("mongo1", "mongo2", "mongo3", "localhost", "127.0.0.1"),
}
"""The servers that have a certificate each, and by which names they are reached."""
CERTIFICATES = "tls"
"""The folder of the certificates, below that of all secrets."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the services find the broker, the replica set and the broker's HTTP API.

    `ca` is the file, as they see it, of the authorities that vouch for all three; None without TLS.
    """

    amqp: str = "rabbitmq:5672"
    mongo: str = "mongo1,mongo2,mongo3"
    management: str = "rabbitmq:15672"
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Owners:
    """User and group ids that may read files: the services', the database's, and the broker's group."""

    services: int = NOBODY_ELSE
    database: int = NOBODY_ELSE
    broker_group: int = NOBODY_ELSE


def write_secrets(folder: Path, hosts: Hosts = Hosts(), owners: Owners = Owners()) -> None:
    """Write passwords, keyfile, definitions, each service's URLs and the first API keys below `folder`."""
    passwords = Passwords.kept(folder)
    os.chown(keep_keyfile(folder / "mongo" / "keyfile"), owners.database, -1)
    write_secret(folder / "mongo" / "admin_password", passwords.database[ADMIN])
    definitions = folder / "broker" / "definitions.json"
    write_secret(definitions, broker_definitions(passwords))
    definitions.chmod(0o644)  # hashes of random words only, and the broker's user id differs by image
    keys = {caller: keep_token(folder / name) for caller, name in CALLERS.items()}
    api_keys = keep_api_keys(folder / API_KEYS, keys)
    files = _service_files(passwords, hosts, api_keys, keep_token(folder / "sealing_key"))
    files["operator"] |= {f"redress_{CALLERS[caller]}": key for caller, key in keys.items()}
    files["operator"] |= {
        "redress_management_url": management_url(passwords, hosts.management, hosts.ca),
        "redress_public_key": public_key(keep_token(folder / "sealing_key").encode()).hex(),
    }
    files["operator"] |= {
        f"redress_{user}_mongo_url": mongo_url(user, passwords, hosts.mongo, hosts.ca)
        for user in (AUDITOR, BACKUP, RESTORE)
    }
    files["survey"]["redress_survey_key"] = keep_token(folder / "survey_key")
    files["intake"]["redress_fingerprint_key"] = keep_token(folder / "fingerprint_key")
    for user, named in files.items():
        for name, text in named.items():
            write_secret(folder / user / name, text, owners.services)


def _service_files(
    passwords: Passwords, hosts: Hosts, api_keys: str, sealing_key: str
) -> dict[str, dict[str, str]]:
    """What each service finds in its folder, and the operator in theirs."""
    services = {
        service: {
            "redress_amqp_url": amqp_url(service, passwords, hosts.amqp, hosts.ca),
            "redress_mongo_url": mongo_url(service, passwords, hosts.mongo, hosts.ca),
            "redress_api_keys": api_keys,
            "redress_sealing_key": sealing_key,
        }
        for service in SERVICES
    }
    return services | {
        "operator": {"redress_operator_amqp_url": amqp_url("operator", passwords, hosts.amqp, hosts.ca)}
    }


def write_certificates(
    folder: Path, owners: Owners = Owners(), broker_names: Sequence[str] = ()
) -> Certificates:
    """Give the servers their certificates and everybody that of the authority. Raises Invalid as `keep` does.

    A key can be read by its server alone. `broker_names` are what others call the broker, besides the house.
    """
    named = tuple(dict.fromkeys((*MADE_FOR["broker"], *broker_names)))
    found = certificates.keep(folder / CERTIFICATES, {**MADE_FOR, "broker": named})
    broker, database = found.servers["broker"], found.servers["database"]
    group = owners.broker_group
    write_secret(folder / "broker" / "server.key", broker.key, group=group)
    _write_open(folder / "broker", {"server.pem": broker.certificate, "ca.pem": found.authority})
    write_secret(folder / "mongo" / "server.pem", database.certificate + database.key, owners.database)
    for user in ("mongo", "operator", *SERVICES):
        _write_open(folder / user, {"ca.pem": found.authority})
    return found


def _write_open(folder: Path, files: Mapping[str, str]) -> None:
    """Certificates are no secrets."""
    for name, text in files.items():
        write_secret(folder / name, text)
        (folder / name).chmod(0o644)
