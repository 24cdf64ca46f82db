"""A pack and a calendar in files of their own, and a server that answers what it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.served import Served, serving
from tests.local.typed import MINE, SHOP


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, encoding="utf-8")
    return file


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP, encoding="utf-8")
    return file
