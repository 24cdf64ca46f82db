"""A service whose machine's clock is wrong: `python -m tests.faults.skewed SECONDS SERVICE`."""

import importlib
import sys
from datetime import datetime, timedelta, tzinfo
from typing import Self

from shared import clock


def skew(seconds: float) -> None:
    """Let the one place that asks the time get a wrong answer from now on."""
    offset = timedelta(seconds=seconds)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + offset

    vars(clock)["datetime"] = Wrong


if __name__ == "__main__":
    skew(float(sys.argv[1]))
    importlib.import_module(f"services.{sys.argv[2]}.app").service.run()
