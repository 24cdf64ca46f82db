"""The audit: what the ledger promises against what databases, stream and mailbox hold."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.events import CATALOGUE
from shared.policy import load
from tests.faults.expected import ENDS, REVISION, STOPPED_BY, Key, expected_of, instant, key_of, kind_of
from tests.faults.history import Told, unique
from tests.faults.ledger import Entry, Ledger
from tests.faults.state import Document

CATEGORIES = (
    "lost", "duplicate_effects", "orphan", "out_of_order", "timers_missed", "timers_double", "timers_early",
    "parked",
)  # fmt: skip
SLACK = timedelta(seconds=10)


@dataclass
class Audit:
    """Everything one run left behind, and what is wrong with it, by category."""

    ledger: Ledger
    told: list[Told]
    documents: dict[str, dict[str, Document]]
    parked: dict[str, int]
    mails: list[tuple[str, float]]
    streamed: set[str]
    clock: Clock
    faults: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CATEGORIES})
    notes: Counter[str] = field(default_factory=Counter)
    table: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def run(self) -> "Audit":
        self.facts = unique(self.told)
        self.by_key: dict[Key, list[Told]] = defaultdict(list)
        for each in self.facts:
            self.by_key[key_of(each)].append(each)
        self.known = {entry.id: entry for entry in self.ledger.accepted}
        for check in (
            self._records,
            self._stages,
            self._strangers,
            self._order,
            self._outboxes,
            self._stream,
        ):
            check()
        for entry in self.known.values():
            self._clocks(entry)
            self._notices(entry)
        self._mails()
        self.faults["parked"] = [f"{name} holds {count}" for name, count in self.parked.items() if count]
        return self

    @property
    def wire_duplicates(self) -> int:
        return len(self.told) - len(self.facts)

    def _fault(self, category: str, complaint: str, what: str) -> None:
        self.faults[category].append(f"{complaint}: {what}")

    # records and stages

    def _records(self) -> None:
        """Every accepted complaint in all five services, closed, under one id, with the scores given."""
        for entry in self.ledger.entries:
            if not entry.ids:
                self._fault("lost", entry.key, f"was never accepted ({entry.stuck})")
            elif len(entry.ids) > 1:
                self._fault("duplicate_effects", entry.key, f"has the ids {sorted(entry.ids)}")
            elif entry.scores and not entry.closed:
                self._fault("lost", entry.id, f"was not carried to its end ({entry.stuck})")
        for entry in self.known.values():
            for service, found in self.documents.items():
                if entry.id not in found and (entry.scores or service != "survey"):
                    self._fault("lost", entry.id, f"is unknown to {service}")
            self._scores(entry)

    def _scores(self, entry: Entry) -> None:
        for cycle, score in entry.given.items():
            for each in self.by_key[(entry.id, "survey.answered.v1", cycle, "")]:
                if each.data["score"] != score:
                    self._fault("lost", entry.id, f"gave {score} in cycle {cycle}, not {each.data['score']}")
        state = self.documents["intake"].get(entry.id, {}).get("state", {})
        if entry.scores and state.get("stage") != "closed":
            self._fault("lost", entry.id, f"ended at stage {state.get('stage')}")

    def _stages(self) -> None:
        for key in (key for entry in self.known.values() for key in expected_of(entry)):
            count = len(self.by_key[key])
            row = self.table[key[1]]
            row.update(expected=1, once=count == 1, missing=count == 0, twice=count > 1)
            if count == 0:
                self._fault("lost", key[0], f"{key[1]} of cycle {key[2]} is missing")
            if count > 1:
                self._fault("duplicate_effects", key[0], f"{key[1]} of cycle {key[2]} came {count} times")
        self._unexpected()

    def _unexpected(self) -> None:
        """A stage that a complaint's way does not hold at all, a second closing in another cycle, say."""
        expected = {key for entry in self.known.values() for key in expected_of(entry)}
        types = {key[1] for key in expected} | {"survey.expired.v1", "complaint.solution_disagreed.v1"}
        for key, found in self.by_key.items():
            anew = key[3].startswith(REVISION)
            if anew and len(found) > 1:
                self._fault("duplicate_effects", key[0], f"{key[1]} of {key[3]} came {len(found)} times")
            if found and key[1] in types and key not in expected and key[0] in self.known and not anew:
                self._fault("duplicate_effects", key[0], f"{key[1]} of cycle {key[2]} should not be")

    def _strangers(self) -> None:
        for each in self.facts:
            if each.complaint not in self.known:
                self._fault("orphan", each.complaint, f"{each.type} about a complaint nobody handed in")
        for service, found in self.documents.items():
            states = {id: each["state"] for id, each in found.items() if "digests" not in each["state"]}
            about = {name for id, each in states.items() for name in each.get("entries", [id])}
            for id in about - self.known.keys():
                self._fault("orphan", id, f"{service} has a document of a complaint nobody handed in")

    # order

    def _order(self) -> None:
        """Numbers per complaint and source: 1, 2, 3 ... up to what the source's own document counts."""
        numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for each in self.facts:
            numbers[each.source, each.complaint].append(each.sequence)
        for service, found in self.documents.items():
            for id, document in found.items():
                said = sorted(numbers[service, id])
                if said != list(range(1, document["sequence"] + 1)):
                    what = f"{service} counts {document['sequence']} events, told were {said}"
                    self._fault("out_of_order", id, what)

    def _outboxes(self) -> None:
        for service, found in self.documents.items():
            for id, document in found.items():
                if document.get("outbox"):
                    self._fault("lost", id, f"{service} still owes {len(document['outbox'])} events")

    def _stream(self) -> None:
        """What the stream lacks of the public events: the broker takes it away, but only when killed."""
        for each in self.facts:
            if each.id in self.streamed or CATALOGUE[each.type].private:
                continue
            if self._near_outage(self.clock.machine_time(each.time)):
                self.notes["events confirmed by the broker, but lost from redress.history by its kill"] += 1
            else:
                self._fault("lost", each.complaint, f"{each.type} is not in redress.history")

    def _near_outage(self, at: datetime) -> bool:
        began = [kill.instant for kill in self.ledger.kills if kill.name == "broker"]
        ended = [back.instant for back in self.ledger.returns if back.name == "broker"]
        return any(start - SLACK <= at <= end + SLACK for start, end in zip(began, ended, strict=True))

    # clocks

    def _clocks(self, entry: Entry) -> None:
        pack = load("base", 1)
        for cycle in range(1, entry.cycles + 1):
            for name, rule in pack.clocks.items():
                if cycle == 1 or rule.start != "registered":
                    self._clock(entry, cycle, name, rule.stop)

    def _clock(self, entry: Entry, cycle: int, name: str, stop: str) -> None:
        said = {
            kind: self.by_key[(entry.id, f"deadline.{kind}.v1", cycle, name)]
            for kind in ("set", "warned", "breached", *ENDS)
        }
        self._correct(said, self._cycle_ended(entry.id, cycle))
        self._count_clock(entry, f"clock {name} of cycle {cycle}", said)
        if not said["set"]:
            return
        due = instant(said["set"][0].data["due"])
        for each in said["breached"]:
            if each.time < due:
                self._fault("timers_early", entry.id, f"{name} spoke at {each.time}, due {due}")
        stopped = min((each.time for each in self._stops(entry.id, cycle, stop)), default=None)
        self._judge_clock(entry, f"clock {name} of cycle {cycle}", said, due, stopped)

    def _correct(self, said: dict[str, list[Told]], cycle_ended: datetime | None) -> None:
        """News that came after the cycle's end may tell that a clock ended with it was stopped before."""
        ends = sorted((each for kind in ENDS for each in said[kind]), key=lambda each: each.sequence)
        for each in ends[:-1]:
            kind = each.type.split(".")[1]
            if kind == "cancelled" or (kind == "missed" and instant(each.data["stopped"]) == cycle_ended):
                said[kind].remove(each)
                self.notes["clocks ended with their cycle though stopped before (the news came later)"] += 1

    def _cycle_ended(self, complaint: str, cycle: int) -> datetime | None:
        ends = (("complaint.closed.v1", cycle), ("complaint.reopened.v1", cycle + 1))
        found = [each.time for type, number in ends for each in self.by_key[complaint, type, number, ""]]
        return min(found, default=None)

    def _count_clock(self, entry: Entry, clock: str, said: dict[str, list[Told]]) -> None:
        ends = sum(len(said[kind]) for kind in ENDS)
        for kind, count in (("set", len(said["set"])), ("end", ends)):
            row = self.table["deadline.set.v1" if kind == "set" else "deadline: met, missed or cancelled"]
            row.update(expected=1, once=count == 1, missing=count == 0, twice=count > 1)
            if count == 0:
                self._fault("lost", entry.id, f"{clock} has no {kind}")
            if count > 1:
                told = "; ".join(_clock_told(each) for one in said.values() for each in one)
                self._fault("duplicate_effects", entry.id, f"{clock} has {count} of {kind}: {told}")
        for kind in ("warned", "breached"):
            if len(said[kind]) > 1:
                self._fault("timers_double", entry.id, f"{clock} {kind} {len(said[kind])} times")

    def _judge_clock(
        self, entry: Entry, clock: str, said: dict[str, list[Told]], due: datetime, stopped: datetime | None
    ) -> None:
        """By the times that others told: a clock stopped too late, or not before the end, was breached."""
        ended = stopped or min((each.time for each in said["cancelled"]), default=None)
        late = ended is None or ended > due
        row = self.table["deadline.breached.v1"]
        row.update(expected=late, once=late and len(said["breached"]) == 1)
        row.update(missing=late and not said["breached"], twice=len(said["breached"]) > 1)
        if late and not said["breached"]:
            self._fault("timers_missed", entry.id, f"{clock} was due {due}, ended {ended}, and said nothing")
        right = "missed" if late and stopped else "met" if stopped else "cancelled"
        if wrong := [kind for kind in ENDS if said[kind] and kind != right]:
            self._fault("duplicate_effects", entry.id, f"{clock} ended as {wrong}, not as {right}")
        if said["breached"] and not late:
            self.notes["clocks breached though stopped in time (the news came later)"] += 1

    def _stops(self, complaint: str, cycle: int, mark: str) -> Iterator[Told]:
        for key, found in self._of(complaint).items():
            if key[1] == STOPPED_BY[mark] and key[2] == cycle:
                yield from (
                    each for each in found if mark != "acknowledged" or kind_of(each) == "acknowledgement"
                )

    def _of(self, complaint: str) -> dict[Key, list[Told]]:
        if not hasattr(self, "_groups"):
            self._groups: dict[str, dict[Key, list[Told]]] = defaultdict(dict)
            for key, found in list(self.by_key.items()):
                self._groups[key[0]][key] = found
        return self._groups[complaint]

    # notices

    def _notices(self, entry: Entry) -> None:
        """Each wanted notice was sent once, or folded once; how many of a kind are wanted, others told."""
        sent: dict[tuple[str, int], set[str]] = defaultdict(set)
        for key, found in self._of(entry.id).items():
            if key[1] in ("notice.sent.v1", "notice.suppressed.v1") and found:
                sent[kind_of(found[0]), key[2]].add(key[3])
                if len(found) > 1:
                    what = f"notice {key[3]} ({kind_of(found[0])}) was sent {len(found)} times"
                    self._fault("duplicate_effects", entry.id, what)
                self.table["notice.sent.v1"].update(twice=len(found) > 1)
        wanted = self._wanted(entry)
        for kind in wanted.keys() | sent.keys():
            want, have = wanted[kind], len(sent[kind])
            self.table["notice.sent.v1"].update(
                expected=want, once=min(want, have), missing=max(0, want - have)
            )
            if have < want:
                self._fault("lost", entry.id, f"{want - have} notices {kind} were not sent")
            if have > want:
                self._fault("duplicate_effects", entry.id, f"{have - want} notices {kind} too many")

    def _wanted(self, entry: Entry) -> Counter[tuple[str, int]]:
        wanted = Counter({("acknowledgement", 1): 1})
        for key, found in self._of(entry.id).items():
            match key[1]:
                case "complaint.dispatched.v1" if found:
                    wanted["assignment", key[2]] = len(found[0].data["departments"])
                case "complaint.solution_offered.v1" if found:
                    wanted["offer", key[2]] = 1
                case "deadline.escalated.v1":
                    wanted["deadline_escalated", key[2]] += sum(len(each.data["roles"]) for each in found)
                case "complaint.answered.v1" if found:
                    wanted["result", key[2]] = 1
                case "survey.invited.v1" if found:
                    wanted["survey", key[2]] = 1
                case "complaint.escalated.v1":
                    wanted["escalation", key[2]] += sum(len(each.data["roles"]) for each in found)
                case "deadline.warned.v1" | "deadline.breached.v1" if found:
                    kind = key[1].split(".")[1]
                    wanted[f"deadline_{kind}", key[2]] += 1
        return wanted

    def _mails(self) -> None:
        """A mail may come twice only if notify was killed between its sending and the note of it."""
        arrivals: dict[str, list[float]] = defaultdict(list)
        for notice, at in self.mails:
            arrivals[notice].append(at)
        kills = [kill.at for kill in self.ledger.kills if kill.name.startswith("notify")]
        for notice, times in arrivals.items():
            for at in times[:-1]:
                excused = any(at - 0.5 <= kill <= at + SLACK.total_seconds() for kill in kills)
                self.notes["mails repeated after a kill of notify"] += excused
                if not excused:
                    self._fault(
                        "duplicate_effects", notice, f"this mail came {len(times)} times, no kill near"
                    )


def _clock_told(each: Told) -> str:
    """What an event says of a clock, for whoever has to find out why."""
    about = {name: each.data.get(name) for name in ("due", "started", "stopped")}
    return f"{each.type} #{each.sequence} at {each.time.isoformat()} {about}"
