"""A pack in a file of its own."""

from pathlib import Path

import pytest

from tests.local.typed import MINE


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, encoding="utf-8")
    return file
