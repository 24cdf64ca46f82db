"""The Kubernetes Secrets of a folder that `deploy.provision secrets` has written."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from deploy.provision import SERVICES

NAMESPACE = "redress"
FOLDERS = (*SERVICES, "operator", "mongo", "broker")
"""Each is a Secret `redress-<folder>` whose files have the same names."""


def secrets(folder: Path) -> dict[str, Any]:
    """All of them as one List. Raises FileNotFoundError for a folder without passwords."""
    made = [_secret(name, dict(_files(folder / name))) for name in FOLDERS]
    items = [*made, _secret("provision", _provision(folder))]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            yield path.name, path.read_bytes()


def _provision(folder: Path) -> dict[str, bytes]:
    """What the database's users are made with, and where: the same members as in the services' URLs."""
    url = urlsplit((folder / SERVICES[0] / "redress_mongo_url").read_text())
    hosts = url.netloc.rpartition("@")[2]
    return {"passwords.json": (folder / "passwords.json").read_bytes(), "mongo_hosts": hosts.encode()}


def _secret(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"redress-{name}",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/part-of": "redress"},
        },
        "type": "Opaque",
        "data": {file: base64.b64encode(content).decode() for file, content in files.items()},
    }


def main(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Print the Secrets of FOLDER, passwords and all: pipe it into `kubectl apply -f -`."""
    print(json.dumps(secrets(folder), indent=1))


if __name__ == "__main__":
    typer.run(main)
