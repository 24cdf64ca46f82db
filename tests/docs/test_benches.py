"""What takes minutes, on a scale of seconds: measurements end, and the demo plays a complaint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.reading import ROOT

SMALL = {
    "bench": ("--parts", "chain", "--n", "8", "--floor-n", "8", "--repeats", "1"),
    "bench.accept": ("--n", "200", "--repeats", "1"),
    "bench.policies": ("--n", "20"),
}
DEMO = """
import sys
from pathlib import Path

from deploy.local import demo

demo.FOLDER = Path(sys.argv.pop())
demo.main()
"""


def run(*words: str, folder: Path) -> str:
    nowhere = {"REDRESS_AMQP_URL": "-", "REDRESS_MONGO_URL": "-", "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
    return said.stdout


@pytest.mark.parametrize("module", SMALL)
def test_a_measurement_comes_to_its_end(module: str, tmp_path: Path) -> None:
    assert run("-m", module, *SMALL[module], folder=tmp_path).strip()


def test_the_demo_plays_a_file_of_ones_own(tmp_path: Path) -> None:
    first = (ROOT / "samples" / "complaints.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "one.jsonl").write_text(first + "\n", encoding="utf-8")
    said = run("-c", DEMO, str(tmp_path / "one.jsonl"), str(tmp_path / "demo"), folder=tmp_path)
    assert "1 of 1 complaints closed" in said
