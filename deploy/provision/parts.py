"""The parts of the house by name: services, other users, and what each may touch in the database."""

from collections.abc import Mapping, Sequence
from pathlib import Path

SERVICES = ("intake", "triage", "sla", "notify", "survey")
COLLECTIONS = {
    "intake": "complaints",
    "triage": "gradings",
    "sla": "deadlines",
    "notify": "notices",
    "survey": "surveys",
}
COMPLAINTS = "intake"
ACTIONS = ["find", "insert", "update", "createIndex", "listIndexes"]
WATCHED = ("intake",)
"""Services whose boards follow changes as they happen."""
BUCKETS = {
    "intake": {
        "complaints.files": ["find", "insert", "update", "remove", "createIndex"],
        "complaints.chunks": ["find", "insert", "remove", "createIndex"],
    }
}
"""Files of a service, and what it may do with them: nothing else can ever be removed."""
DEFINITIONS = Path(__file__).parents[1] / "broker" / "definitions.json"
VHOST = REPLICA_SET = "redress"
ADMIN = "admin"
AUDITOR = "auditor"
"""Who may read the complaints in the database, to verify their history, and nothing else."""
BACKUP = "backup"
"""Who may read everything in the database, to carry a copy away, and nothing else."""
RESTORE = "restore"
"""Who may fill the services' collections again."""
COPYING: Mapping[str, Sequence[str]] = {
    BACKUP: ["find", "changeStream", "listIndexes", "listCollections"],
    RESTORE: ["find", "insert", "update", "createIndex", "listCollections", "dropCollection"],
}
"""What those two may do with the services' databases."""
Rights = Mapping[str, Sequence[str]]
"""Actions by collection."""


def rights_of(service: str) -> Rights:
    """What a service may do with its own collections; no other database is known to it."""
    own = [*ACTIONS, "changeStream"] if service in WATCHED else ACTIONS
    return {COLLECTIONS[service]: own} | BUCKETS.get(service, {})
