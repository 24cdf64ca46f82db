"""A task ends, even when a library under it loses a cancel."""

import asyncio

import pytest

from shared.tasks import end


async def deaf(losing: int) -> None:
    """A loop over a library that loses the first cancels, as `asyncio.wait_for` may before Python 3.12."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            losing -= 1
            if losing < 0:
                raise


async def test_lost_cancels_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tasks.PATIENCE_S", 0.01)
    tasks = [asyncio.create_task(deaf(losing)) for losing in (0, 1, 3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(90):
        await end(*tasks)
    assert all(task.cancelled() for task in tasks)


async def test_what_has_ended_is_left_alone() -> None:
    done = asyncio.create_task(asyncio.sleep(0, "done"))
    await done
    await end(done)
    await end()
    assert done.result() == "done"
