"""Whether anything that the house is made of is known to be vulnerable, and what was not asked about."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
VULNERABLE, NOT_ASKED = 1, 3
SCANNERS: dict[str, Sequence[str]] = {
    "trivy": ("trivy", "image", "--exit-code", "1", "--ignore-unfixed", "redress"),
    "grype": ("grype", "--fail-on", "high", "redress"),
}


def main() -> None:
    """Exit 0 if all was asked about and nothing found, 1 for findings, 3 if something was not asked about."""
    packages, image = packages_told(LOCK), image_told()
    print(f"packages: {packages[1]}\nimage: {image[1]}")
    ended = {packages[0], image[0]}
    sys.exit(VULNERABLE if VULNERABLE in ended else max(ended))


def packages_told(lock: Path) -> tuple[int, str]:
    """Whether the packages of the lock are fit, and that in words."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--disable-pip", "--require-hashes"]
    try:
        ran = subprocess.run([*command, "-r", str(lock)], capture_output=True, text=True, timeout=600)
        found = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return NOT_ASKED, "NOT AUDITED: the vulnerability service did not answer; ask again with a network"
    return judged(found)


def judged(found: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """What the findings mean: a package that nobody could ask about is not a good one."""
    bad = [f"{each['name']} {each['version']}: {_ids(each)}" for each in found if each.get("vulns")]
    silent = [each["name"] for each in found if "skip_reason" in each]
    if bad:
        return VULNERABLE, "VULNERABLE:\n  " + "\n  ".join(bad)
    if silent or not found:
        told = f"{len(silent)} of {len(found)} packages could not be asked about"
        return NOT_ASKED, f"NOT AUDITED: {told}; is the vulnerability service within reach?"
    return 0, f"{len(found)} audited, nothing known against them"


def _ids(each: dict[str, Any]) -> str:
    return ", ".join(vulnerability["id"] for vulnerability in each["vulns"])


def image_told() -> tuple[int, str]:
    """What a scanner of this machine says of the image, if there is one."""
    for name, command in SCANNERS.items():
        if shutil.which(name):
            ran = subprocess.run(command)
            return (VULNERABLE if ran.returncode else 0), f"{name} ended with {ran.returncode}"
    return NOT_ASKED, f"NOT SCANNED: neither {' nor '.join(SCANNERS)} is installed here"


if __name__ == "__main__":
    main()
