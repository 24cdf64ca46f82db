"""Every fault at every request of one complaint's way: each in a run of its own, then rest, then the laws."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.crashes.gate import Fault, Point
from tests.crashes.laws import Watch, examined
from tests.crashes.world import World, world

A_DAY_LATER = timedelta(hours=30)
Story = Callable[[World], None]
Effects = tuple[Counter[str], dict[str, Any]]


def a_way(found: World) -> None:
    """A complaint is handed in and accepted, and nobody does any more until deadlines have passed."""
    found.hand_in("ann")
    found.take("ann", "accept")
    found.rest()
    found.pass_time(A_DAY_LATER)
    found.rest()


@dataclass(slots=True)
class Run:
    """What one run came to: the requests it made, the effects, and what was wrong."""

    points: list[Point] = field(default_factory=list)
    struck: list[Fault] = field(default_factory=list)
    effects: Effects = field(default_factory=lambda: (Counter(), {}))
    violations: list[str] = field(default_factory=list)


def played(story: Story = a_way, faults: Sequence[Fault] = (), *, seed: int = 1, replicas: int = 1) -> Run:
    """A story with these faults."""
    watch = Watch()
    with world(faults, seed=seed, replicas=replicas, audit=watch) as found:
        try:
            story(found)
        except TimeoutError:
            watch.violations.append(f"zombie: not at rest, {found.busy_with()}")
        laws = examined(found)
        told = laws.effects(found.accepted["ann"]) if "ann" in found.accepted else (Counter(), {})
        return Run(found.gate.points, found.gate.struck, told, [*watch.violations, *laws.violations])


def faults_of(calm: Run) -> list[Fault]:
    """Everything that can befall the requests of a run."""
    return [fault for index, point in enumerate(calm.points) for fault in point.faults(index)]


def judged(calm: Run, fault: Fault, story: Story = a_way, seed: int = 1) -> list[str]:
    """What a fault breaks."""
    run = played(story, [fault], seed=seed)
    return [*run.violations, *_differences(calm.effects, run.effects), *_missed(calm, run, fault)]


def _missed(calm: Run, run: Run, fault: Fault) -> Iterator[str]:
    if run.struck != [fault] or run.points[: fault.index + 1] != calm.points[: fault.index + 1]:
        yield "the fault did not strike where it was to strike"


def _differences(calm: Effects, shaken: Effects) -> Iterator[str]:
    (said, states), (said_now, states_now) = calm, shaken
    for type in said.keys() | said_now.keys():
        if said[type] != said_now[type]:
            yield f"{type} was published {said_now[type]} times instead of {said[type]}"
    for service, state in states.items():
        yield from (f"{service} ended otherwise: {each}" for each in _where(state, states_now.get(service)))


def _where(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _where(one.get(key), other.get(key), f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, its) in enumerate(zip(one, other, strict=True)):
            yield from _where(mine, its, f"{path}/{number}")
    elif one != other:
        yield f"{path} is {other} instead of {one}"
