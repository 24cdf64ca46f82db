"""One process under the profiler: `python -m bench.profiled services.triage.app FILE` leaves it in FILE."""

import cProfile
import runpy
import signal
import sys
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    """The server ends a process by the signal that it was told to stop with, which would lose the profile."""
    raise SystemExit(0)


def main(module: str, file: str) -> None:
    signal.signal(signal.SIGTERM, _leave)
    profile = cProfile.Profile()
    try:
        profile.runcall(runpy.run_module, module, run_name="__main__")
    finally:
        profile.dump_stats(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
