"""The audit over five services in memory: it finds nothing in what is sound, and every fault put into it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.provision import COLLECTIONS
from shared.clock import Clock
from shared.envelope import open_batch
from tests.crashes.laws import Watch
from tests.crashes.world import World as InMemory
from tests.crashes.world import world as in_memory
from tests.faults.checks import Findings, World, checked
from tests.faults.ledger import Entry, Ledger
from tests.faults.tampering import TAMPERED, seen
from tests.faults.witness import Witness

WITHOUT_PEOPLE = {"a clock ended twice", "a notice never arrived"}
"""Where nobody acts and nobody sends, these cannot be; every run of `make faults` plants them."""
LEFT_ALONE = timedelta(hours=40)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two complaints that were graded, dispatched and left alone until deadlines had passed."""
    with in_memory(audit=Watch()) as played:
        for key in ("ann", "bob"):
            played.hand_in(key)
        played.rest()
        for _ in range(2):
            played.pass_time(LEFT_ALONE / 2)
            played.rest()
        witness = _witness(played, tmp_path_factory.mktemp("witness") / "witness.db")
        found = _world(played, witness)
    yield found
    witness.close()


def _witness(played: InMemory, path: Path) -> Witness:
    found = Witness(path)
    for message in played.broker.published.values():
        members = open_batch(message.body)
        found.keep(members, played.loop.today)
        found.note(member["id"] for member in members)
    return found


def _world(played: InMemory, witness: Witness) -> World:
    entries = [Entry(key, {}, (), False, {str(id)}) for key, id in played.accepted.items()]
    ids = [entry.id for entry in entries]
    documents = {
        service: {
            str(each["_id"]): each
            for each in played.database.documents(f"{service}.{collection}")
            if str(each["_id"]) in ids
        }
        for service, collection in COLLECTIONS.items()
    }
    for each in documents["notify"].values():  # nobody sends mails in memory
        for notice in each["state"]["notices"]:
            notice["state"] = "task"
    now = played.loop.today
    return World(Ledger([]), entries, witness.of(ids), documents, Clock(now, now, 1.0), stopped=now)


def test_what_is_sound_has_no_fault(sound: World) -> None:
    found = checked(sound)
    assert len(sound.entries) == 2
    assert {category: faults for category, faults in found.faults.items() if faults} == {}
    assert found.table["deadline.breached.v1"]["once"] == 4, "of each, acknowledgement and acceptance"


def test_a_revised_grade_may_set_a_clock_anew(sound: World) -> None:
    graded = next(each for each in sound.told if each.type == "complaint.graded.v1")
    of_same = (each for each in sound.told if each.complaint == graded.complaint)
    last = next(each for each in of_same if each.type == "deadline.set.v1")
    anew = replace(last, id="set anew", sequence=1_000)
    revised = replace(graded, id="revised", sequence=1_000, data=graded.data | {"revision": 2})
    with_both = replace(sound, told=[*sound.told, anew, revised], findings=Findings())
    assert not checked(with_both).faults["duplicate_effects"]


def test_every_fault_is_seen(sound: World) -> None:
    assert seen(sound) == dict.fromkeys(TAMPERED.keys() - WITHOUT_PEOPLE, True)
