"""Where the broker and the database are reached, by whom, and how they are trusted."""

from urllib.parse import quote

from deploy.provision.parts import ADMIN, AUDITOR, BACKUP, COMPLAINTS, REPLICA_SET, RESTORE, VHOST
from deploy.provision.passwords import Passwords

HOMES = {AUDITOR: COMPLAINTS, BACKUP: ADMIN, RESTORE: ADMIN}
"""Databases in which users are kept that do not bear their names."""


def amqp_url(user: str, passwords: Passwords, host: str, ca: str | None = None) -> str:
    """The broker, as this user; with `ca`, a file, over TLS and only if one of its authorities vouches."""
    scheme, trust = ("amqps", f"&cafile={quote(ca)}") if ca else ("amqp", "")
    return f"{scheme}://{user}:{quote(passwords.broker[user], safe='')}@{host}/{VHOST}?heartbeat=10{trust}"


def management_url(passwords: Passwords, host: str, ca: str | None = None) -> str:
    """The broker's HTTP API, as its administrator; `ca` stands in the query as in the broker's own URL."""
    scheme, trust = ("https", f"?cafile={quote(ca)}") if ca else ("http", "")
    return f"{scheme}://{ADMIN}:{quote(passwords.broker[ADMIN], safe='')}@{host}{trust}"


def mongo_url(user: str, passwords: Passwords, hosts: str, ca: str | None = None) -> str:
    """The database, as this user; with `ca` over TLS as above."""
    home = HOMES.get(user, user)
    options = f"authSource={home}&replicaSet={REPLICA_SET}&w=majority&journal=true&wtimeoutMS=10000"
    trust = f"&tls=true&tlsCAFile={quote(ca, safe='')}" if ca else ""
    return f"mongodb://{user}:{quote(passwords.database[user], safe='')}@{hosts}/?{options}{trust}"
