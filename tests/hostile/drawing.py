"""Drawing: inputs by Hypothesis, each tried on the loop that the house runs on; a seed repeats them all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.hostile.tally import Tally

T = TypeVar("T")
PATIENCE_S = 120
"""No input may keep the house busy for longer."""


async def tried(
    tally: Tally,
    examples: int,
    chance: int,
    inputs: st.SearchStrategy[T],
    attempt: Callable[[T], Awaitable[str | None]],
) -> Tally:
    """Try so many; `attempt` says what went wrong, if anything, and whatever it raises is wrong too."""
    loop = asyncio.get_running_loop()

    @seed(chance)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn=inputs)
    def go(drawn: T) -> None:
        tally.inputs += 1
        try:
            how = asyncio.run_coroutine_threadsafe(_awaited(attempt, drawn), loop).result(PATIENCE_S)
        except Exception as error:
            how = f"{type(error).__name__}: {error}"[:200]
        if how is not None:
            tally.wrong(how, repr(drawn))

    await asyncio.to_thread(go)
    return tally


async def _awaited(attempt: Callable[[T], Awaitable[str | None]], drawn: T) -> str | None:
    return await attempt(drawn)
