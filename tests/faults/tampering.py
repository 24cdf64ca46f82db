"""Tampering: what faults would leave behind is put before the audit, which must see it to prove anything."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from tests.faults.checks import Findings, World, checked
from tests.faults.expected import instant
from tests.faults.ledger import Ledger
from tests.faults.witness import Told

T = TypeVar("T")
Tampered = tuple[str, Callable[[World], None]]
"""The category in which the fault must be seen, and what makes it."""


class Lacking(Exception):
    """This world, a short one, has nothing to which that could be done."""


def seen(world: World) -> dict[str, bool]:
    """Whether each fault that there can be in this world is seen; there is none in it yet."""
    found = dict[str, bool]()
    for name, tampered in TAMPERED.items():
        with suppress(Lacking):
            found[name] = _is_seen(world, *tampered)
    return found


def _is_seen(world: World, category: str, change: Callable[[World], None]) -> bool:
    told, documents = list(world.told), deepcopy(world.documents)
    changed = replace(
        world,
        ledger=Ledger([]),
        entries=list(world.entries),
        told=told,
        documents=documents,
        findings=Findings(),
    )
    change(changed)
    return bool(checked(changed).faults[category])


def _any(among: Iterable[T]) -> T:
    for each in among:
        return each
    raise Lacking


def _first(world: World, type: str) -> Told:
    return _any(each for each in world.told if each.type == type)


def _forget(type: str) -> Callable[[World], None]:
    return lambda world: _untold(world, _first(world, type))


def _untold(world: World, gone: Told) -> None:
    world.told[:] = [each for each in world.told if each.id != gone.id]


def _silent(world: World) -> None:
    """A breach is missing; one of a clock that was met after all, of which late news told, need not be."""
    met = {_clock(each) for each in world.told if each.type == "deadline.met.v1"}
    breaches = (each for each in world.told if each.type == "deadline.breached.v1")
    _untold(world, _any(each for each in breaches if _clock(each) not in met))


def _clock(each: Told) -> tuple[str, int, str]:
    return each.complaint, each.data["cycle"], each.data["clock"]


def _again(type: str) -> Callable[[World], None]:
    """The same effect once more, as an event of its own."""

    def change(world: World) -> None:
        world.told.append(replace(_first(world, type), id=str(uuid4()), sequence=1_000))

    return change


def _altered(type: str, **news: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        old = _first(world, type)
        world.told[:] = [replace(each, **news) if each.id == old.id else each for each in world.told]

    return change


def _early(world: World) -> None:
    """A breach that is heard a second before it was due."""
    old = _first(world, "deadline.breached.v1")
    due = world.clock.machine_time(instant(old.data["due"]))
    early = replace(old, heard=due - timedelta(seconds=1))
    world.told[:] = [early if each.id == old.id else each for each in world.told]


def _late(world: World) -> None:
    """A clock that was set an hour too long."""
    old = _first(world, "deadline.set.v1")
    due = (instant(old.data["due"]) + timedelta(hours=1)).isoformat()
    late = replace(old, data=old.data | {"due": due})
    world.told[:] = [late if each.id == old.id else each for each in world.told]


def _unknown(service: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.documents[service].pop(_any(world.known))

    return change


def _owing(world: World) -> None:
    world.documents["triage"][_any(world.known)]["outbox"] = [{}]


def _journal(change: Callable[[list[Any]], None]) -> Callable[[World], None]:
    def applied(world: World) -> None:
        change(world.documents["intake"][_any(world.known)]["journal"])

    return applied


def _event(journal: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = _any(entry for entry in journal if entry["type"])  # commands have none
    return found


def _twice(world: World) -> None:
    """Two ids for one complaint that was handed in once."""
    entry = _any(world.known.values())
    world.entries[:] = [replace(entry, ids={*entry.ids, str(uuid4())})]


def _unrecorded(world: World) -> None:
    found = _any(doc for doc in world.documents["notify"].values() if doc["state"]["notices"])
    found["state"]["notices"].pop()


def _under_way(world: World) -> None:
    found = _any(doc for doc in world.documents["notify"].values() if doc["state"]["notices"])
    found["state"]["notices"][0]["state"] = "sending"


def _lost_on_its_way(world: World) -> None:
    sent = (each.data["notice"] for each in world.told if each.type == "notice.sent.v1")
    world.arrived = world.arrived - {_any(each for each in sent if each in world.arrived)}


TAMPERED: dict[str, Tampered] = {
    "a stage is missing": ("lost", _forget("complaint.dispatched.v1")),
    "a stage came twice": ("duplicate_effects", _again("complaint.graded.v1")),
    "a number is missing": ("out_of_order", _forget("notice.queued.v1")),
    "a deadline did not fire": ("timers_missed", _silent),
    "a deadline fired twice": ("timers_double", _again("deadline.breached.v1")),
    "a deadline fired early": ("timers_early", _early),
    "a deadline was set too late": ("timers_missed", _late),
    "a deadline was set twice": ("duplicate_effects", _again("deadline.set.v1")),
    "a deadline was never set": ("lost", _forget("deadline.set.v1")),
    "an event is not in the stream": ("lost", _altered("complaint.graded.v1", streamed=False)),
    "a service has no document": ("lost", _unknown("sla")),
    "an outbox is not empty": ("lost", _owing),
    "the history lacks an event": ("lost", _journal(lambda journal: journal.pop())),
    "the history has an event twice": (
        "duplicate_effects",
        _journal(lambda journal: journal.append(_event(journal))),
    ),
    "the history has a stranger": (
        "orphan",
        _journal(lambda journal: journal.append(_event(journal) | {"id": str(uuid4())})),
    ),
    "one complaint has two ids": ("duplicate_effects", _twice),
    "a notice is not recorded": ("orphan", _unrecorded),
    "a notice never arrived": ("lost", _lost_on_its_way),
    "a clock ended twice": ("duplicate_effects", _again("deadline.met.v1")),
    "a rung of the ladder came twice": ("timers_double", _again("deadline.escalated.v1")),
    "a notice is still under way": ("lost", _under_way),
}
