"""The broker's definitions: the topology, and its users with hashes of their passwords."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from deploy.provision.parts import DEFINITIONS
from deploy.provision.passwords import Passwords


def broker_definitions(passwords: Passwords) -> str:
    """The topology file as the broker loads it: every user with a password hash, and no guest."""
    definitions = json.loads(DEFINITIONS.read_text())
    definitions["users"] = [broker_user(user, passwords) for user in definitions["users"]]
    return json.dumps(definitions, indent=1)


def broker_user(user: Mapping[str, Any], passwords: Passwords) -> dict[str, Any]:
    return {
        **user,
        "password_hash": password_hash(passwords.broker[user["name"]]),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }


def password_hash(password: str) -> str:
    """The same each time: a broker that finds its definitions unchanged need not load them again."""
    salt = hmac.digest(password.encode(), b"salt", "sha256")[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
