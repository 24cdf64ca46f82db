"""Every deadline was set once, spoke once when it was due and not before, and ended once and rightly.

What sla's replicas take for the time does not count here: one of them is wrong.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.policy import load
from tests.faults.checks.world import World
from tests.faults.expected import ENDS, REVISION, STOPPED_BY, Key, instant, kind_of
from tests.faults.ledger import Entry
from tests.faults.witness import Told

GRACE = timedelta(seconds=30)
"""By so much may a deadline be late that was due when sla was stopped, which takes its time."""
SPOKEN = ("warned", "breached", "escalated")
Said = dict[str, list[Told]]


def check(world: World) -> None:
    pack = load("base", 1)
    for entry in world.known.values():
        for cycle in range(1, max(1, entry.cycles) + 1):
            for name, rule in pack.clocks.items():
                if cycle == 1 or rule.start != "registered":
                    _clock(world, entry, cycle, name, rule.stop)
        _steps(world, entry)


def _clock(world: World, entry: Entry, cycle: int, name: str, stop: str) -> None:
    said = {
        kind: list(world.at((entry.id, f"deadline.{kind}.v1", cycle, name)))
        for kind in ("set", *SPOKEN, *ENDS)
    }
    ended = _cycle_ended(world, entry.id, cycle)
    _correct(world, said, ended)
    clock = f"clock {name} of cycle {cycle}"
    stops = [each for each in _stops(world, entry.id, cycle, stop) if _heard_of(world, each)]
    if world.stopped is not None and any(each.heard > world.stopped - GRACE for each in stops):
        return  # sla was told as it left, and may have heard of it or not
    stopped = min((each.time for each in stops), default=None)
    over = bool(entry.scores or stopped)
    dues = {each.data["due"] for each in said["set"]}
    _moved(world, said, len(list(_revisions(world, entry.id, cycle))))
    _count(world, entry, clock, said, ends=1 if over else 0)
    _spoke_when_due(world, entry, clock, said, dues)
    if not said["set"]:
        return
    due = instant(said["set"][-1].data["due"])
    if over:
        _judge(world, entry, clock, said, due, stopped or ended)
        _excused(world, entry, clock, said, stops)
        _ended_rightly(world, entry, clock, said, due, (stopped, ended))
    else:
        _judge(world, entry, clock, said, due, _now(world, due))


def _heard_of(world: World, each: Told) -> bool:
    """Whether sla was still there when it was said."""
    return world.stopped is None or each.heard < world.stopped


def _now(world: World, due: datetime) -> datetime | None:
    """Until when a clock that still runs could have spoken; just before it was due if that is not sure."""
    assert world.stopped is not None
    sure = world.clock.business_time(world.stopped - GRACE)
    return None if due < sure else due


def _correct(world: World, said: Said, cycle_ended: datetime | None) -> None:
    """News that came after the cycle's end may tell that a clock ended with it was stopped before.

    So one end may be corrected by one of another kind.
    """
    ends = sorted((each for kind in ENDS for each in said[kind]), key=lambda each: each.sequence)
    for each in ends[:-1]:
        kind = each.type.split(".")[1]
        if kind == ends[-1].type.split(".")[1] or len(said[kind]) > 1:
            continue
        if kind == "cancelled" or (kind == "missed" and instant(each.data["stopped"]) == cycle_ended):
            said[kind].remove(each)
            world.findings.notes[
                "clocks ended with their cycle though stopped before (the news came later)"
            ] += 1


def _revisions(world: World, complaint: str, cycle: int) -> Iterator[Key]:
    """Of its grade, which a neighbour's late news may move, and its clocks with it."""
    for key in world.by_complaint.get(complaint, {}):
        if key[1] == "complaint.graded.v1" and key[2] == cycle and key[3].startswith(REVISION):
            yield key


def _moved(world: World, said: Said, revisions: int) -> None:
    """A clock may be set anew by each revision of the grade; the last word is what counts."""
    said["set"].sort(key=lambda each: each.sequence)
    for _ in range(min(revisions, len(said["set"]) - 1)):
        said["set"].pop(0)
        world.findings.notes["clocks moved by a revised grade (a neighbour's news came later)"] += 1


def _spoke_when_due(world: World, entry: Entry, clock: str, said: Said, dues: set[str]) -> None:
    """Of a due time that was set: breach and ladder not before it, warnings not before what sla noted."""
    warnings = _warnings(world, entry.id, clock)
    for each in (each for kind in SPOKEN for each in said[kind]):
        due = instant(each.data["due"])
        at = warnings.get(due) if each.type == "deadline.warned.v1" else due
        if each.data["due"] not in dues:
            world.findings.fault("timers_early", entry.id, f"{clock} spoke of {due}, which was never set")
        elif at is not None and each.heard < world.clock.machine_time(at):
            told = f"{clock} was heard at {each.heard}, due {due}"
            world.findings.fault("timers_early", entry.id, told)


def _warnings(world: World, complaint: str, clock: str) -> dict[datetime, datetime]:
    """When sla's document has the first warning of this clock, by its due time."""
    found = dict[datetime, datetime]()
    for each in world.state("sla", complaint).get("clocks", []):
        warnings = [instant(step["at"]) for step in each["steps"] if step["kind"] == "warn"]
        if warnings and f"clock {each['name']} of cycle {each['cycle']}" == clock:
            found[instant(each["due"])] = min(warnings)
    return found


def _excused(world: World, entry: Entry, clock: str, said: Said, stops: list[Told]) -> None:
    """A clock that was stopped in time may be breached only if sla could not have heard of that by then."""
    for each in said["breached"] if stops else ():
        due = world.clock.machine_time(instant(each.data["due"]))
        if min(stop.time for stop in stops) > instant(each.data["due"]):
            continue
        heard = min(stop.heard for stop in stops)
        struck = any(
            blow.began <= due and heard <= (blow.ended or due) + GRACE
            for blow in world.ledger.against("sla", "broker", "database", "intake", "notify")
        )
        if heard + GRACE < due and not struck:
            told = f"{clock} was stopped at {heard}, which sla ought to have heard, and breached at {due}"
            world.findings.fault("timers_early", entry.id, told)


def _cycle_ended(world: World, complaint: str, cycle: int) -> datetime | None:
    ends = (("complaint.closed.v1", cycle), ("complaint.reopened.v1", cycle + 1))
    found = [each for type, number in ends for each in world.at((complaint, type, number, ""))]
    return min((each.time for each in found if _heard_of(world, each)), default=None)


def _count(world: World, entry: Entry, clock: str, said: Said, ends: int) -> None:
    ended = sum(len(said[kind]) for kind in ENDS)
    for kind, want, count in (("set", 1, len(said["set"])), ("end", ends, ended)):
        row = world.findings.table[
            "deadline.set.v1" if kind == "set" else "deadline: met, missed or cancelled"
        ]
        row.update(expected=want, once=count == want == 1, missing=count < want, twice=count > want)
        if count < want:
            world.findings.fault("lost", entry.id, f"{clock} has no {kind}")
        if count > want:
            told = "; ".join(_told(each) for one in said.values() for each in one)
            what = f"{clock} has {count} of {kind}, not {want}: {told}"
            world.findings.fault("duplicate_effects", entry.id, what)
    for kind in SPOKEN:
        about = Counter((each.data["due"], each.data.get("rung")) for each in said[kind])
        for (due, rung), times in about.items():
            if times > 1:
                told = f"{clock} {kind} {times} times of {due}, rung {rung}"
                world.findings.fault("timers_double", entry.id, told)


def _judge(world: World, entry: Entry, clock: str, said: Said, due: datetime, ended: datetime | None) -> None:
    """By the times that others told: a clock stopped too late, or not before the end, was breached."""
    if world.stopped is not None and world.clock.machine_time(due) > world.stopped - GRACE:
        return  # sla had gone, or was about to
    late = ended is None or ended > due
    row = world.findings.table["deadline.breached.v1"]
    row.update(expected=late, once=late and len(said["breached"]) == 1)
    row.update(missing=late and not said["breached"], twice=len(said["breached"]) > 1)
    if late and not said["breached"]:
        told = f"{clock} was due {due}, ended {ended}, and said nothing"
        world.findings.fault("timers_missed", entry.id, told)
    if said["breached"] and not late:
        world.findings.notes["clocks breached though stopped in time (the news came later)"] += 1


def _ended_rightly(
    world: World,
    entry: Entry,
    clock: str,
    said: Said,
    due: datetime,
    ends: tuple[datetime | None, datetime | None],
) -> None:
    stopped, ended = ends
    late = any(at is not None and at > due for at in (stopped or ended,))
    right = "missed" if late else "met" if stopped else "cancelled"
    if wrong := [kind for kind in ENDS if said[kind] and kind != right]:
        told = f"{clock} ended as {wrong}, not as {right}; due {due}, stopped {stopped}, cycle ended {ended}"
        world.findings.fault("duplicate_effects", entry.id, told)


def _stops(world: World, complaint: str, cycle: int, mark: str) -> Iterator[Told]:
    for key, found in world.by_complaint.get(complaint, {}).items():
        if key[1] == STOPPED_BY[mark] and key[2] == cycle:
            yield from (
                each for each in found if mark != "acknowledged" or kind_of(each) == "acknowledgement"
            )


def _steps(world: World, entry: Entry) -> None:
    """Of clocks that still run: what was due was said, warnings and rungs too, and nothing else was."""
    if world.stopped is None:
        return
    for clock in world.state("sla", entry.id).get("clocks", []):
        for step in clock["steps"] if clock["outcome"] is None else ():
            at = world.clock.machine_time(instant(step["at"]))
            what = f"step {step['kind']} {step['number']} of clock {clock['name']}, due {step['at']}"
            if at < world.stopped - GRACE and not step["said"]:
                world.findings.fault("timers_missed", entry.id, f"{what}, was not said")
            if at > world.stopped and step["said"]:
                world.findings.fault("timers_early", entry.id, f"{what}, was said before")


def _told(each: Told) -> str:
    """What an event says of a clock, for whoever has to find out why."""
    about = {name: each.data.get(name) for name in ("due", "started", "stopped")}
    return f"{each.type} #{each.sequence} at {each.time.isoformat()} {about}"
