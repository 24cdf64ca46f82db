"""Ending what runs beside: a cancel that really ends a task."""

import asyncio
from typing import Any

PATIENCE_S = 1.0


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel until every task has ended.

    Once is not enough: `asyncio.wait_for`, which the database driver uses, loses a cancel that comes at the
    same moment as its answer (python/cpython#86296, mended in Python 3.12).
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=PATIENCE_S)
