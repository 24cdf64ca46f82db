"""A case: everything known of a complaint, and the facts that follow from it under a pack."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.triage.domain.classification import Classified, Reading, classify
from services.triage.domain.series import Tally, series_id
from shared.events import ComplaintMigrated, ComplaintRegistered, FactsRevised
from shared.policy import (
    Counter,
    Entry,
    FactValue,
    Gate,
    Pack,
    Scheme,
    Verdict,
    gates,
    measured,
    plain,
    stated,
    verdicts,
)
from shared.sealing import at_rest


class Decided(BaseModel):
    """A person's decision: an answer to a question of the pack, or a grade or class against the rules.

    `name` is the question or the scheme; `by` is who, `role` as what, `why` in their words, which are sealed
    at rest; `caller` told us.
    """

    about: Literal["question", "grade", "class"]
    name: str = ""
    choice: str
    role: str
    by: str
    caller: str = ""
    why: Annotated[str, *at_rest("why")]
    cycle: int
    at: AwareDatetime


class Known(BaseModel):
    """Everything that a judgement follows from.

    `in_scope` is the first cycle in which it was screened as ours; `scores` are the customer's, by cycle.
    Once the customer is `erased`, `remembered` stands in for the fingerprints: the customer's series, by
    what they are for nobody.
    """

    id: UUID = UUID(int=0)
    number: str = ""
    registered: ComplaintRegistered | None = None
    revised: FactsRevised | None = None
    reading: Reading | None = None
    fingerprints: tuple[str, ...] = ()
    causes: dict[int, str] = {}
    rectified: dict[int, AwareDatetime] = {}
    cycle: int = 1
    migrated: ComplaintMigrated | None = None
    decided: list[Decided] = []
    tallies: dict[str, Tally] = {}
    in_scope: int | None = None
    erased: bool = False
    scores: dict[int, int] = {}
    remembered: dict[str, list[UUID]] = {}

    @property
    def pinned(self) -> tuple[str, int]:
        """Pack and version that hold for this complaint."""
        found = self.migrated or self.registered
        assert found is not None
        return found.pack, found.pack_version

    def answers(self, cycle: int) -> dict[str, str]:
        """What people answered to the pack's questions."""
        asked = (each for each in self.decided if each.about == "question" and each.cycle == cycle)
        return {each.name: each.choice for each in asked}

    def word(self, about: str, name: str, cycle: int) -> Decided | None:
        """The last decision of a kind in a cycle."""
        found = [e for e in self.decided if (e.about, e.name, e.cycle) == (about, name, cycle)]
        return found[-1] if found else None

    def entry(self, grade: str | None = None) -> Entry:
        """This complaint in a series."""
        assert self.registered is not None
        right = self.rectified.get(self.cycle)
        at = self.registered.received_at
        return Entry(complaint=self.id, number=self.number, at=at, rectified=right, grade=grade)


@dataclass(frozen=True)
class Case:
    """One cycle of a complaint under a pack: its class, and every fact that rules may ask for."""

    known: Known
    cycle: int
    pack: Pack
    classified: Classified
    facts: dict[str, FactValue]

    @classmethod
    def of(cls, known: Known, cycle: int, pack: Pack) -> "Case":
        classified = class_of(known, cycle, pack)
        stands = cls(known, cycle, pack, classified, _facts(known, cycle, pack, classified.name))
        counts = {name: stands.count(counter) for name, counter in pack.counters.items()}
        return cls(known, cycle, pack, classified, measured(pack.measures, stands.facts | counts))

    @property
    def answers(self) -> dict[str, str]:
        """What people answered to questions that the pack asks, with options that it has."""
        asked, given = self.pack.decisions, self.known.answers(self.cycle)
        return {
            name: choice for name, choice in given.items() if name in asked and choice in asked[name].options
        }

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """What every scheme says, before runs."""
        return verdicts(self.pack, self.facts, self.answers)

    @cached_property
    def gates(self) -> list[Gate]:
        """The safety gates that it passes."""
        return gates(self.pack, self.facts)

    @property
    def unscored(self) -> "Case":
        """The same as it was before the customer was asked."""
        if self.cycle not in self.known.scores or self.pack.survey.fact is None:
            return self
        return Case.of(self.known.model_copy(update={"scores": {}}), self.cycle, self.pack)

    @property
    def screens(self) -> bool:
        """Whether somebody must find it to be ours before it is sent anywhere."""
        return "screen" not in self.pack.without

    @property
    def ours(self) -> bool:
        """Whether nothing is to be screened, or it was found to be ours in this cycle or before."""
        first = self.known.in_scope
        return not self.screens or (first is not None and first <= self.cycle)

    def count(self, counter: Counter) -> int:
        return counter.count(self.known.entry(), self.others(counter))

    def others(self, counter: Counter) -> list[Entry]:
        """The other complaints of the series that a counter counts in."""
        tallies = (self.known.tallies.get(str(series)) for series in self.counted_in(counter))
        found = {each.complaint: each for tally in tallies if tally for each in tally.others}
        return list(found.values())

    def counted_in(self, counter: Counter) -> list[UUID]:
        return self.same("same", counter.same)

    def run_in(self, name: str, scheme: Scheme) -> UUID | None:
        """The series in which a scheme counts runs; of several ways to reach a customer the first.

        What is not known is no run with whatever else is not known.
        """
        asked = {*scheme.run.same} - {"customer"} if scheme.run else set()
        if asked - set(self.facts):
            return None
        return next(iter(self.same(f"run {name}", scheme.run.same)), None) if scheme.run else None

    def same(self, kind: str, names: tuple[str, ...]) -> list[UUID]:
        """The series of what is the same in these facts: one for each way to reach the customer."""
        values = self._values(names)
        if "customer" not in names:
            return [series_id(self.pack.pack, kind, values)]
        known = self.known.remembered.get(str(self._of_nobody(kind, names)))
        if known is not None:
            return known
        prints = self.known.fingerprints
        return [series_id(self.pack.pack, kind, [*values, ("customer", each)]) for each in prints]

    def of_customer(self) -> dict[str, list[UUID]]:
        """The series that ask for the customer, by what they are for nobody: all that `same` needs later."""
        asked = [("same", counter.same) for counter in self.pack.counters.values()]
        schemes = self.pack.schemes.items()
        asked += [(f"run {name}", scheme.run.same) for name, scheme in schemes if scheme.run]
        return {str(self._of_nobody(*each)): self.same(*each) for each in asked if "customer" in each[1]}

    def _of_nobody(self, kind: str, names: tuple[str, ...]) -> UUID:
        return series_id(self.pack.pack, kind, [*self._values(names), ("customer", "")])

    def _values(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        return [(name, alike(self.facts.get(name))) for name in names if name != "customer"]

    def links(self) -> list[UUID]:
        """The earlier complaints of this customer about this matter, in their order."""
        mine = self.known.entry()
        counters = [each for each in self.pack.counters.values() if "customer" in each.same]
        found = {each for counter in counters for each in self.others(counter) if each.order < mine.order}
        return list(dict.fromkeys(each.complaint for each in sorted(found, key=lambda each: each.order)))

    def series(self) -> Iterator[UUID]:
        """Every series whose tally the judgement needs."""
        for counter in self.pack.counters.values():
            yield from self.counted_in(counter)
        for name, scheme in self.pack.schemes.items():
            if (series := self.run_in(name, scheme)) is not None:
                yield series

    @property
    def waits(self) -> bool:
        """Whether a series has yet to say what this complaint's place in it is."""
        return any(str(series) not in self.known.tallies for series in self.series())


def class_of(known: Known, cycle: int, pack: Pack) -> Classified:
    """A person's word, else what was given, else what the text suggests."""
    assert known.registered is not None
    assert known.reading is not None
    word = known.word("class", "", cycle)
    given = word.choice if word else (known.revised or known.registered).class_
    return classify(given if given in pack.classes else None, known.reading, pack)


def _facts(known: Known, cycle: int, pack: Pack, class_: str) -> dict[str, FactValue]:
    """What was said, what the text says, what was found out; a fact that is not known is absent."""
    assert known.registered is not None
    assert known.reading is not None
    cause = {"cause": known.causes[cycle]} if cycle in known.causes else {}
    said = known.revised or known.registered
    return {
        **pack.scored(stated(said, pack.facts, pack.money), cycle, known.scores),
        "channel": known.registered.channel,
        "language": known.registered.language,
        "class": class_,
        "cycle": cycle,
        **{f"cue.{cue}": True for cue in known.reading.cues if cue in pack.cues},
        **cause,
    }


def alike(value: FactValue) -> str:
    """A fact as series compare it: in one case, with single spaces."""
    return "" if value is None else " ".join(plain(value).casefold().split())
