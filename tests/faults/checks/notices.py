"""Each wanted notice is recorded once, and came to one end: sent, suppressed, or a task for a person."""

from collections import Counter, defaultdict

from tests.faults.checks.world import World
from tests.faults.expected import kind_of
from tests.faults.ledger import Entry

TOLD = SENT, SUPPRESSED, QUEUED, FAILED = (
    "notice.sent.v1", "notice.suppressed.v1", "notice.queued.v1", "notice.failed.v1",
)  # fmt: skip
BY_MACHINE = ("email", "message", "chat")
ENDED = {"sent": (1, 0), "folded": (0, 1), "suppressed": (0, 1), "task": (0, 0)}
"""How often each state of a notice at rest was told as sent, and as suppressed."""


def check(world: World) -> None:
    for entry in world.known.values():
        _counted(world, entry)
        _each(world, entry)
        _arrived(world, entry)


def _counted(world: World, entry: Entry) -> None:
    """How many of a kind are wanted, others told; a task that nobody does is recorded, too."""
    recorded = (SENT, SUPPRESSED) if entry.scores else TOLD
    have: dict[tuple[str, int], set[str]] = defaultdict(set)
    for key, found in world.by_complaint.get(entry.id, {}).items():
        if key[1] in recorded:
            have[kind_of(found[0]), key[2]].add(key[3])
    wanted = _wanted(world, entry)
    for kind in wanted.keys() | have.keys():
        want, count = wanted[kind], len(have[kind])
        row = world.findings.table["notices"]
        row.update(expected=want, once=min(want, count), missing=max(0, want - count))
        if count < want:
            told = f"{want - count} notices {kind} are not recorded {entry.stuck}"
            world.findings.fault("lost", entry.id, told)
        if count > want:
            world.findings.fault("duplicate_effects", entry.id, f"{count - want} notices {kind} too many")


def _wanted(world: World, entry: Entry) -> Counter[tuple[str, int]]:
    wanted = Counter({("acknowledgement", 1): 1})
    for key, found in world.by_complaint.get(entry.id, {}).items():
        match key[1]:
            case "complaint.dispatched.v1":
                wanted["assignment", key[2]] = len(found[0].data["departments"])
            case "complaint.solution_offered.v1":
                wanted["offer", key[2]] = 1
            case "deadline.escalated.v1":
                wanted["deadline_escalated", key[2]] += sum(len(each.data["roles"]) for each in found)
            case "complaint.answered.v1":
                wanted["result", key[2]] = 1
            case "survey.invited.v1":
                wanted["survey", key[2]] = 1
            case "complaint.escalated.v1":
                wanted["escalation", key[2]] += sum(len(each.data["roles"]) for each in found)
            case "deadline.warned.v1" | "deadline.breached.v1":
                kind = key[1].split(".")[1]
                wanted[f"deadline_{kind}", key[2]] += 1
    return wanted


def _each(world: World, entry: Entry) -> None:
    """What was told of each notice, beside what its record says."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for key, found in world.by_complaint.get(entry.id, {}).items():
        if key[1] in TOLD:
            told[key[3]][key[1]] += len(found)
    records = world.state("notify", entry.id).get("notices", [])
    states = {str(each["id"]): each["state"] for each in records}
    fault = world.findings.fault
    if len(states) < len(records):
        fault("duplicate_effects", entry.id, f"{len(records) - len(states)} notices are recorded twice")
    for id in told.keys() - states.keys():
        fault("orphan", entry.id, f"of notice {id} much is told, but nothing recorded")
    for id, state in states.items():
        counts = told[id]
        if twice := [type for type, count in counts.items() if count > 1]:
            fault("duplicate_effects", entry.id, f"notice {id} is told twice: {twice}")
        if state not in ENDED:
            fault("lost", entry.id, f"notice {id} is still {state}")
        elif (counts[SENT], counts[SUPPRESSED]) != ENDED[state]:
            fault("lost", entry.id, f"notice {id} is {state}, told was {dict(counts)}")
    world.findings.table["notices"].update(
        twice=sum(max(each.values(), default=0) > 1 for each in told.values())
    )


def _arrived(world: World, entry: Entry) -> None:
    """What a machine sent came to somebody, by itself or in a digest."""
    for each in world.state("notify", entry.id).get("notices", []):
        sent, folded = (each["state"] == state for state in ("sent", "folded"))
        if sent and each["route"] in BY_MACHINE and str(each["id"]) not in world.arrived:
            told = f"notice {each['id']} is told as sent, and never arrived"
            world.findings.fault("lost", entry.id, told)
        into = str(each["into"])
        if folded and into not in world.arrived and into not in world.digests:
            told = f"notice {each['id']} was folded into a digest that neither came nor waits"
            world.findings.fault("lost", entry.id, told)
