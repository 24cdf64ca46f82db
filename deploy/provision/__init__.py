"""Who may enter: passwords, certificates, the broker's definitions and the database's users."""

from deploy.provision.addresses import amqp_url, management_url, mongo_url
from deploy.provision.broker import broker_definitions, password_hash
from deploy.provision.parts import (
    ACTIONS,
    ADMIN,
    AUDITOR,
    BACKUP,
    BUCKETS,
    COLLECTIONS,
    COMPLAINTS,
    DEFINITIONS,
    REPLICA_SET,
    RESTORE,
    SERVICES,
    VHOST,
)
from deploy.provision.passwords import (
    API_KEYS,
    CALLERS,
    ROLES,
    Passwords,
    digest,
    keep_api_keys,
    keep_keyfile,
    keep_token,
    write_secret,
)
from deploy.provision.secrets import write_secrets

__all__ = [
    "ACTIONS",
    "ADMIN",
    "API_KEYS",
    "AUDITOR",
    "BACKUP",
    "BUCKETS",
    "CALLERS",
    "COLLECTIONS",
    "COMPLAINTS",
    "DEFINITIONS",
    "REPLICA_SET",
    "RESTORE",
    "ROLES",
    "SERVICES",
    "VHOST",
    "Passwords",
    "amqp_url",
    "broker_definitions",
    "digest",
    "keep_api_keys",
    "keep_keyfile",
    "keep_token",
    "management_url",
    "mongo_url",
    "password_hash",
    "write_secret",
    "write_secrets",
]
