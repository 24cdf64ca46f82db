"""`python -m tests.hostile.fuzzing TARGET OUT -runs=N -seed=S FOLDER`: a fuzzer that is led by coverage.

Where atheris has no wheel, Hypothesis damages the seeds instead, and the table says so.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile.tally import Tally

SLOW_S = 25
"""No input may take longer; libFuzzer ends the run at one that does."""
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")


def fuzzed(name: str, runs: int, chance: int) -> Tally:
    """So many inputs for one target."""
    return _led(name, runs, chance) if find_spec("atheris") else unled(name, runs, chance)


def _led(name: str, runs: int, chance: int) -> Tally:
    """atheris, in a process of its own: it ends its process, and what it runs it changes."""
    from tests.hostile.targets import TARGETS

    tally = Tally(f"files into {name} (atheris)")
    with tempfile.TemporaryDirectory() as folder:
        corpus, out = Path(folder, "corpus"), Path(folder, "failures.jsonl")
        corpus.mkdir()
        for at, each in enumerate(TARGETS[name].seeds):
            (corpus / f"seed-{at}").write_bytes(each)
        out.touch()
        words = [
            f"-runs={runs}",
            f"-seed={chance}",
            f"-max_len={TARGETS[name].longest}",
            f"-timeout={SLOW_S}",
        ]
        command = [sys.executable, "-m", "tests.hostile.fuzzing", name, str(out), *words]
        more = ["-print_final_stats=1", "-rss_limit_mb=2048", f"-artifact_prefix={folder}/", str(corpus)]
        ran = subprocess.run([*command, *more], capture_output=True, text=True)
        told = _EXECUTED.search(ran.stderr)
        tally.inputs = int(told[1]) if told else 0
        for line in out.read_text().splitlines():
            tally.wrong(*json.loads(line))
        if ran.returncode or not tally.inputs:
            tally.wrong(f"the fuzzer ended with {ran.returncode}", ran.stderr[-2_000:])
    return tally


def unled(name: str, runs: int, chance: int) -> Tally:
    from tests.hostile.targets import TARGETS, tried

    target, tally = TARGETS[name], Tally(f"files into {name} (Hypothesis)")
    pieces = st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=12))

    @seed(chance)
    @settings(
        max_examples=runs, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(start=st.sampled_from(target.seeds), changes=st.lists(pieces, max_size=6))
    def go(start: bytes, changes: list[tuple[int, int, bytes]]) -> None:
        for place, length, instead in changes:
            at = place % (len(start) + 1)
            start = start[:at] + instead + start[at + length :]
        tally.inputs += 1
        if how := tried(target, start):
            tally.wrong(how, start)

    go()
    return tally


def main() -> None:
    import atheris

    name, out, *words = sys.argv[1:]
    with atheris.instrument_imports(include=["shared.policy", "deploy.calendars", "services.intake.domain"]):
        from tests.hostile.targets import TARGETS, tried
    target, seen = TARGETS[name], set()

    def one(given: bytes) -> None:
        how = tried(target, given)
        if how is not None and how not in seen:
            seen.add(how)
            with Path(out).open("a") as file:
                file.write(json.dumps([how, repr(given)]) + "\n")

    atheris.Setup([sys.argv[0], *words], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
