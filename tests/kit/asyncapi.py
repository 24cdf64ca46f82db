"""The official JSON Schema of AsyncAPI documents, as its makers publish it with npm."""

import json
from typing import Any

from tests.kit.npm import OURS, installed


def official_schema(version: str) -> dict[str, Any]:
    """The schema of documents of this version."""
    path = installed(OURS) / "@asyncapi" / "specs" / "schemas" / f"{version}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
