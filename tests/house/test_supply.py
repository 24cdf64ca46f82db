"""What the house is made of: pinned, hashed, told in a bill, and never called safe by silence."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import audit
from deploy.audit import NOT_ASKED, VULNERABLE, judged
from deploy.sbom import ROOT, bill

LOCK = (ROOT / "requirements.lock").read_text()
ENTRIES = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK)[1:]


def test_everything_is_pinned_and_has_hashes() -> None:
    assert len(ENTRIES) > 100
    for entry in ENTRIES:
        assert re.match(r"[A-Za-z0-9._-]+==\d\S*", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in LOCK


def test_the_image_is_built_with_the_hashes() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "--require-hashes" in dockerfile
    assert "--constraints requirements.lock" in dockerfile


def test_the_bill_names_what_runs_and_not_what_developers_use() -> None:
    found = {each["name"]: each for each in bill(ROOT)["components"]}
    assert {"aio-pika", "aiormq", "pymongo", "pydantic-core", "starlette", "cffi", "anyio"} <= set(found)
    assert not {"pytest", "mypy", "ruff", "playwright", "pip-audit", "hypothesis"} & set(found)
    for name, each in found.items():
        assert each["purl"] == f"pkg:pypi/{name}@{each['version']}"
        assert f"\n{name}=={each['version']}" in LOCK.lower().replace("_", "-").replace("\n.", "\n")
        hashes = [file["hashes"][0]["content"] for file in each["externalReferences"]]
        assert hashes
        assert all(f"sha256:{hash}" in LOCK for hash in hashes)


def test_the_bill_is_valid() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    debian = [("libc6", "2.41-12", "amd64"), ("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "amd64")]
    text = json.dumps(bill(ROOT, debian))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


CLEAN: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1"}]}
SILENT: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        ([CLEAN], 0, "1 audited"),
        ([CLEAN, BAD], VULNERABLE, "b 2: CVE-1"),
        ([CLEAN, SILENT], NOT_ASKED, "1 of 2"),
        ([SILENT, BAD], VULNERABLE, "CVE-1"),
        ([], NOT_ASKED, "NOT AUDITED"),
    ],
)
def test_silence_is_no_consent(found: list[dict[str, Any]], code: int, told: str) -> None:
    ended, words = judged(found)
    assert (ended, told in words) == (code, True)


def test_an_auditor_that_says_nothing_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mute").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "mute").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "mute"))
    assert audit.packages_told(ROOT / "requirements.lock")[0] == NOT_ASKED


def test_without_a_scanner_the_image_counts_as_not_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, told = audit.image_told()
    assert (code, "NOT SCANNED" in told) == (NOT_ASKED, True)
