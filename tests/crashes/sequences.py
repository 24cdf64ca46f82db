"""Sequences that Hypothesis thinks up: complaints, steps, faults, kills, repeats and time, in any order.

Two replicas of every service; messages overtake each other and come twice. In the end everything that was
ever published is delivered once more: where that changes anything, something had been lost, or counts twice.
"""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.crashes.gate import Fault
from tests.crashes.laws import Found, Watch, examined
from tests.crashes.world import World, world

MOST_COMPLAINTS = 3
FAR = 60
KINDS = st.sampled_from(["crash", "cut off", "rolled back"])


class Sequences(RuleBasedStateMachine):
    """One world, from its start to its rest."""

    @initialize(seed=st.integers(0, 2**32), disorder=st.sampled_from([0.0, 0.2, 0.5]))
    def begin(self, seed: int, disorder: float) -> None:
        self.kept, self.watch, self.keys = ExitStack(), Watch(), list[str]()
        entered = world(seed=seed, disorder=disorder, replicas=2, audit=self.watch)
        self.world: World = self.kept.enter_context(entered)
        self.hand_in()

    @precondition(lambda self: len(self.keys) < MOST_COMPLAINTS)
    @rule()
    def hand_in(self) -> None:
        self.keys.append(f"customer-{len(self.keys)}")
        self.world.hand_in(self.keys[-1])

    @rule(which=st.integers(0, MOST_COMPLAINTS))
    def hand_in_again(self, which: int) -> None:
        self.world.hand_in(self.keys[which % len(self.keys)])

    @rule(which=st.integers(0, MOST_COMPLAINTS))
    def accept(self, which: int) -> None:
        self.world.take(self.keys[which % len(self.keys)], "accept")

    @rule(seconds=st.floats(0.001, 8))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @precondition(lambda self: self.world.loop.ahead < timedelta(hours=30))  # a key is good for 48
    @rule(hours=st.integers(1, 15))
    def put_clocks_on(self, hours: int) -> None:
        self.world.loop.ahead += timedelta(hours=hours)

    @rule(ahead=st.integers(0, FAR), kind=KINDS, effects=st.integers(0, 5))
    def plan_fault(self, ahead: int, kind: Any, effects: int) -> None:
        index = len(self.world.gate.points) + ahead
        self.world.gate.planned[index] = Fault(index, kind, effects)

    @rule(which=st.integers(0, 9))
    def kill(self, which: int) -> None:
        process = list(self.world.processes.values())[which]
        if process.alive:
            self.world.kill(process)

    @rule(which=st.integers(0))
    def publish_again(self, which: int) -> None:
        if published := list(self.world.broker.published.values()):
            self.world.broker.publish_again(published[which % len(published)])

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.kept:
            violations = list(_settled(self.world, self.watch))
        if violations:
            raise AssertionError("\n".join(violations))


def _settled(found: World, watch: Watch) -> "list[str]":
    """What is wrong once all is at rest, and once everything was delivered again."""
    found.gate.planned.clear()
    try:
        found.rest()
        before = examined(found)
        for message in list(found.broker.published.values()):
            found.broker.publish_again(message)
        found.rest()
    except TimeoutError:
        return [*watch.violations, *found.complaints, f"zombie: not at rest, {found.busy_with()}"]
    after = examined(found)
    return [*watch.violations, *after.violations, *_changed(before, after)]


def _changed(before: Found, after: Found) -> "list[str]":
    states = [name for name, states in before.states.items() if states != after.states[name]]
    counts = {id: len(told) for id, told in before.events.items()}
    more = [each.type for id, told in after.events.items() for each in told[counts.get(id, 0) :]]
    return [
        *(f"{service} changed when everything came again" for service in states),
        *(f"{type} was published when everything came again" for type in more),
    ]
