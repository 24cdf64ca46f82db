"""Each accepted complaint is in all services, under one id, and went through each stage exactly once."""

import json
from collections import Counter

from tests.faults.checks.world import World
from tests.faults.expected import REVISION, expected_of
from tests.faults.ledger import Entry

AT_ANY_TIME = {"survey.expired.v1", "complaint.solution_disagreed.v1"}


def check(world: World) -> None:
    for entry in world.entries:
        _accepted(world, entry)
    for entry in world.known.values():
        _documents(world, entry)
    _stages(world)
    _said_again(world)
    _unexpected(world)


def _accepted(world: World, entry: Entry) -> None:
    fault = world.findings.fault
    if not entry.ids:
        fault("lost", entry.key, f"was never accepted ({entry.stuck})")
    elif len(entry.ids) > 1:
        fault("duplicate_effects", entry.key, f"has the ids {sorted(entry.ids)}")
    elif entry.scores and not entry.closed:
        fault("lost", entry.id, f"was not carried to its end ({entry.stuck})")


def _documents(world: World, entry: Entry) -> None:
    fault = world.findings.fault
    for service, found in world.documents.items():
        if entry.id not in found and (entry.scores or service != "survey"):
            fault("lost", entry.id, f"is unknown to {service}")
        if owed := found.get(entry.id, {}).get("outbox"):
            fault("lost", entry.id, f"{service} still owes {len(owed)} events")
    for cycle, score in entry.given.items():
        for each in world.at((entry.id, "survey.answered.v1", cycle, "")):
            if each.data["score"] != score:
                fault("lost", entry.id, f"gave {score} in cycle {cycle}, not {each.data['score']}")
    stage = world.state("intake", entry.id).get("stage")
    if entry.scores and stage != "closed":
        fault("lost", entry.id, f"ended at stage {stage}")


def _stages(world: World) -> None:
    for key in (key for entry in world.known.values() for key in expected_of(entry)):
        count = len(world.at(key))
        row = world.findings.table[key[1]]
        row.update(expected=1, once=count == 1, missing=count == 0, twice=count > 1)
        if count == 0:
            world.findings.fault("lost", key[0], f"{key[1]} of cycle {key[2]} is missing")
        if count > 1:
            what = f"{key[1]} of cycle {key[2]} came {count} times"
            world.findings.fault("duplicate_effects", key[0], what)


def _said_again(world: World) -> None:
    """The same words of the same complaint in two events; clocks are counted by what they say."""
    for key, found in world.by_key.items():
        if key[1].startswith("deadline.") or len(found) < 2:
            continue
        words = Counter(json.dumps(each.data, sort_keys=True) for each in found)
        if again := [count for count in words.values() if count > 1]:
            what = f"{key[1]} of cycle {key[2]} was said {again[0]} times in the same words"
            world.findings.fault("duplicate_effects", key[0], what)


def _unexpected(world: World) -> None:
    """A stage that a complaint's way does not hold at all, a second closing in another cycle, say."""
    expected = {key for entry in world.known.values() for key in expected_of(entry)}
    types = {key[1] for key in expected} | AT_ANY_TIME
    for key, found in world.by_key.items():
        anew = key[3].startswith(REVISION)
        if anew and len(found) > 1:
            what = f"{key[1]} of {key[3]} came {len(found)} times"
            world.findings.fault("duplicate_effects", key[0], what)
        if key[1] in types and key not in expected and key[0] in world.known and not anew:
            what = f"{key[1]} of cycle {key[2]} should not be"
            world.findings.fault("duplicate_effects", key[0], what)
