"""Numbers without gaps, nothing missing in the stream, and each event once in the complaint's history."""

from collections import Counter, defaultdict

from shared.events import CATALOGUE
from tests.faults.checks.world import SLACK, Document, World
from tests.faults.storm import listeners
from tests.faults.witness import Told

HEARD = {type for type, inboxes in listeners().items() if "intake.inbox" in inboxes}
OWN = "intake"


def check(world: World) -> None:
    _numbers(world)
    _stream(world)
    about: dict[str, list[Told]] = defaultdict(list)
    for each in world.facts:
        about[each.complaint].append(each)
    for id, document in world.documents[OWN].items():
        if id in world.known:
            _history(world, id, document, about[id])


def _numbers(world: World) -> None:
    """Per complaint and source: 1, 2, 3 ... up to what the source's own document counts."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in world.facts:
        numbers[each.source, each.complaint].append(each.sequence)
    for service, found in world.documents.items():
        for id, document in found.items():
            said = sorted(numbers[service, id])
            if said != list(range(1, document["sequence"] + 1)):
                what = f"{service} counts {document['sequence']} events, told were {said}"
                world.findings.fault("out_of_order", id, what)


def _stream(world: World) -> None:
    """What the stream lacks of the public events: the broker takes it away, but only when killed."""
    for each in world.facts:
        if each.streamed or CATALOGUE[each.type].private:
            continue
        if _near_a_kill(world, each):
            world.findings.notes[
                "events confirmed by the broker, but lost from redress.history by its kill"
            ] += 1
        else:
            world.findings.fault("lost", each.complaint, f"{each.type} is not in redress.history")


def _near_a_kill(world: World, each: Told) -> bool:
    instants = (each.heard, world.clock.machine_time(each.time))
    kills = [blow for blow in world.ledger.against("broker") if blow.kind == "kill"]
    return any(kill.near(at, SLACK) for kill in kills for at in instants)


def _history(world: World, id: str, document: Document, told: list[Told]) -> None:
    """What intake said and heard is in the journal once, and nothing else."""
    noted = Counter(str(entry["id"]) for entry in document["journal"] if entry["type"])
    should = {each.id: each.type for each in told if each.source == OWN or each.type in HEARD}
    for event, count in noted.items():
        if event not in should:
            world.findings.fault("orphan", id, f"the history has {event}, which nobody said")
        elif count > 1:
            world.findings.fault("duplicate_effects", id, f"the history has {should[event]} {count} times")
    missing = [type for event, type in should.items() if event not in noted]
    for type in missing:
        world.findings.fault("lost", id, f"{type} is not in the history")
    row = world.findings.table["in the history"]
    row.update(expected=len(should), missing=len(missing), once=sum(noted[each] == 1 for each in should))
    row.update(twice=sum(count > 1 for count in noted.values()))
