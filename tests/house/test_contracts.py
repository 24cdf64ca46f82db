"""Each wall of `.importlinter` is broken on purpose, in a copy of the tree, and seen to break alone."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / ".importlinter", encoding="utf-8")
NAMES = {CONFIG[part]["name"]: part.split(":")[2] for part in CONFIG.sections() if ":contract:" in part}

BREAKS = [
    ("floors services", "shared/clock.py", "import services.intake.domain.stages"),
    ("floors", "shared/service.py", "import deploy.provision"),
    ("floors", "services/sla/api.py", "import deploy.provision"),
    ("workshop", "services/triage/store.py", "import tests.kit"),
    ("workshop", "shared/bus.py", "def late() -> None:\n    import bench"),
    ("workshop", "deploy/cli.py", "from tests import kit"),
    ("services", "services/intake/api.py", "from services.triage.domain import classification"),
    ("services", "services/survey/domain/links.py", "from services.sla.domain import deadlines"),
    ("rooms", "services/triage/listeners.py", "from services.triage import api"),
    ("rooms", "services/survey/ticker.py", "from services.survey import api"),
    ("rooms", "services/notify/api/notices.py", "from services.notify import ticker"),
    ("rooms", "services/intake/api.py", "from services.intake import app"),
    ("rooms", "services/notify/store/notices.py", "from services.notify.channels import gateway"),
    ("rooms", "services/intake/channels/scanner.py", "from services.intake import store"),
    ("rooms", "services/notify/channels/gateway.py", "from services.notify import store"),
    ("rooms domain-shared domain-libraries", "services/sla/domain/deadlines.py", "import services.sla.store"),
    ("rooms back-rooms", "services/triage/store.py", "from services.triage import listeners"),
    ("shared", "shared/problems.py", "from shared import events"),
    ("shared", "shared/settings.py", "from shared.clock import now"),
    ("shared", "shared/bus.py", "from shared.mongo import Store"),
    ("shared", "shared/mongo.py", "from shared.files import Files"),
    ("shared", "shared/outbox.py", "from shared.files import Files"),
    ("shared", "shared/http/rates.py", "from shared import outbox"),
    ("shared back-rooms", "shared/mongo.py", "from shared import bus"),
    ("shared domain-libraries", "shared/envelope.py", "from shared import telemetry"),
    ("domain-shared", "services/sla/domain/deadlines.py", "from shared.documents import Change"),
    ("domain-shared domain-libraries", "services/intake/domain/stages.py", "from shared import settings"),
    ("domain-libraries", "services/triage/domain/grading.py", "import httpx"),
    ("domain-libraries", "services/notify/domain/notices.py", "from structlog.stdlib import get_logger"),
    ("domain-libraries", "shared/policy/pack.py", "import structlog"),
    ("domain-stdlib", "services/survey/domain/links.py", "from os import environ"),
    ("domain-stdlib", "services/intake/domain/handling.py", "from time import time"),
    ("domain-stdlib", "services/sla/domain/deadlines.py", "from pathlib import Path"),
    ("back-rooms", "services/intake/store.py", "from fastapi import Request"),
    ("back-rooms", "services/survey/store.py", "from shared import http"),
    ("back-rooms", "services/notify/channels/email.py", "from shared.outbox import Relay"),
    ("database-driver", "services/intake/api.py", "from pymongo import IndexModel"),
    ("database-driver", "services/sla/store.py", "import bson.binary"),
    ("database-driver", "shared/documents.py", "from bson import ObjectId"),
    ("database-driver", "shared/files.py", "from gridfs import AsyncGridFSBucket"),
    ("broker-driver", "services/sla/ticker.py", "import aio_pika"),
    ("broker-driver", "shared/service.py", "from faststream.rabbit import RabbitBroker"),
]
"""The contracts that must break, the file, and the bad import added to it."""

NEWCOMERS = [
    ("shared", "shared/cache.py"),
    ("rooms", "services/triage/cron.py"),
    ("rooms", "services/sla/channels_2/__init__.py"),
    ("services", "services/portal"),
]
"""The contract that must break when this module or service appears without a declared place."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for room in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=_all_but_python)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def _all_but_python(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if not name.endswith(".py") and not Path(folder, name, "__init__.py").exists()
    ]


def broken(tree: Path) -> set[str]:
    """The contracts that lint-imports calls broken in this tree; all must have been checked."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    plain = os.environ | {"COLUMNS": "500", "NO_COLOR": "1", "TERM": "dumb"}
    ran = subprocess.run(command, cwd=tree, env=plain, capture_output=True, text=True, check=False)
    told = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", ran.stdout, re.MULTILINE))
    assert set(told) == set(NAMES), ran.stdout + ran.stderr
    assert ran.returncode == (1 if "BROKEN" in told.values() else 0)
    return {NAMES[name] for name, verdict in told.items() if verdict == "BROKEN"}


def test_the_tree_as_it_is_breaks_nothing(tree: Path) -> None:
    assert broken(tree) == set()


@pytest.mark.parametrize(("contracts", "file", "line"), BREAKS)
def test_a_bad_import_breaks_its_contract_and_no_other(
    tree: Path, contracts: str, file: str, line: str
) -> None:
    with (tree / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    assert broken(tree) == set(contracts.split())


@pytest.mark.parametrize(("contract", "newcomer"), NEWCOMERS)
def test_what_has_no_declared_place_breaks_its_contract(tree: Path, contract: str, newcomer: str) -> None:
    path = tree / newcomer
    if path.suffix:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    else:
        for room in ("", "domain", "app.py", "api.py", "listeners.py", "store.py"):
            (path / room).touch() if "." in room else (path / room).mkdir()
        for package in ("", "domain"):
            (path / package / "__init__.py").touch()
    assert broken(tree) == {contract}


def test_every_contract_is_broken_alone_by_some_case() -> None:
    assert {contracts for contracts, *_ in BREAKS if " " not in contracts} == set(NAMES.values())


def test_no_forbidden_library_is_misspelt() -> None:
    forbidden = " ".join(part.get("forbidden_modules", "") for part in CONFIG.values()).split()
    libraries = {name for name in forbidden if "." not in name and name not in ("tests", "bench")}
    assert len(libraries) > 40
    assert {name for name in libraries if find_spec(name) is None} == set()
