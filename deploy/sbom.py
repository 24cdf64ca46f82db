"""A bill of materials (CycloneDX 1.6, JSON): what the image holds, each with its version and its hashes."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "redress"
_PINNED = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.DOTALL)
_NEEDED_BY = re.compile(r"#\s+(?:via\s+)?([A-Za-z0-9._-]+)(?: \(pyproject\.toml\))?\s*$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LIST = ("dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}\\n")


def main() -> None:
    """Write it to standard output; `--image` adds the Debian packages of the image that is here."""
    debian = _installed() if "--image" in sys.argv[1:] else ()
    print(json.dumps(bill(ROOT, debian), indent=1, ensure_ascii=False))


def bill(root: Path, debian: Sequence[tuple[str, str, str]] = ()) -> dict[str, Any]:
    """The bill for the lock below `root`, and Debian packages by name, version and architecture."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    locked = dict(_locked((root / "requirements.lock").read_text()))
    python = [
        _component(name, *locked[name][:2]) for name in sorted(_needed(project["dependencies"], locked))
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": project["name"],
                "name": project["name"],
                "version": project["version"],
            }
        },
        "components": [*python, *(_package(*each) for each in debian)],
    }


def _locked(text: str) -> Iterator[tuple[str, tuple[str, list[str], set[str]]]]:
    """Name -> version, hashes, and who needs it."""
    for name, version, rest in _PINNED.findall(text):
        needed_by: set[str] = {canonicalize_name(each) for each in _NEEDED_BY.findall(rest)}
        yield canonicalize_name(name), (version, _HASH.findall(rest), needed_by)


def _needed(wanted: Sequence[str], locked: Mapping[str, tuple[str, list[str], set[str]]]) -> set[str]:
    """What runs: the wanted ones and all that those need; the tools of developers are in the lock, too."""
    found: set[str] = set()
    fresh: set[str] = {canonicalize_name(Requirement(each).name) for each in wanted}
    while fresh:
        found |= fresh
        fresh = {name for name, (_, _, by) in locked.items() if by & fresh} - found
    return found


def _component(name: str, version: str, hashes: Sequence[str]) -> dict[str, Any]:
    """The lock names the hash of every file that the version comes in; one of them was installed."""
    purl = f"pkg:pypi/{name}@{version}"
    files = [
        {"type": "distribution", "url": purl, "hashes": [{"alg": "SHA-256", "content": each}]}
        for each in hashes
    ]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "externalReferences": files,
    }


def _package(name: str, version: str, architecture: str) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _installed() -> list[tuple[str, str, str]]:
    command = ["docker", "run", "--rm", "--network=none", "--entrypoint", _LIST[0], IMAGE, *_LIST[1:]]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [(name, version, arch) for name, version, arch in (line.split() for line in told.splitlines())]


if __name__ == "__main__":
    main()
