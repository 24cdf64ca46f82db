"""Packages from npm that cannot be had: the mend is told, and nothing half-done is kept."""

from pathlib import Path

import pytest

from tests.kit import npm


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages are kept, while no registry answers and nothing was fetched before."""
    monkeypatch.setattr(npm, "KEPT", tmp_path / "kept")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    return tmp_path / "kept"


@pytest.mark.parametrize(("patience", "told"), [(100.0, "ECONNREFUSED"), (0.01, "longer than")])
def test_a_registry_out_of_reach_is_told_with_the_mend(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, patience: float, told: str
) -> None:
    monkeypatch.setattr(npm, "PATIENCE_S", patience)
    with pytest.raises(AssertionError, match=rf"(?s)packages needs: .*{told}.*Mend: let npm reach"):
        npm.installed(npm.OURS)
    assert not [each for each in nowhere.rglob("node_modules") if each.parent.suffix != ".begun"]
