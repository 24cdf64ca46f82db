"""One process under the profiler: `python -m bench.profiled services.triage.app FILE` leaves it in FILE.

It begins when the process gets the signal SIGUSR1, so that starting up does not count, and ends with it.
"""

import cProfile
import runpy
import signal
import sys
from time import process_time
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    """A server ends its process by the signal that it was told to stop with, which would lose the profile."""
    raise SystemExit(0)


def main(module: str, file: str) -> None:
    profile = cProfile.Profile(process_time)
    signal.signal(signal.SIGUSR1, lambda number, frame: profile.enable())
    signal.signal(signal.SIGTERM, _leave)
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        profile.disable()
        profile.dump_stats(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
