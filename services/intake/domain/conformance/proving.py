"""Proving: the lines of one complaint, each with the events of its journal that show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.complaint import Complaint
from services.intake.domain.conformance.case import Judgement
from services.intake.domain.conformance.lines import CLOCK, LATE, LINES, Kind, Line, Sign, judged
from services.intake.domain.conformance.measuring import clock
from services.intake.domain.facts import pack_of
from services.intake.domain.timeline import words
from shared.events import Language
from shared.policy import Pack, in_script

Entry = Mapping[str, Any]


class Proof(BaseModel):
    """An event, as the timeline has it."""

    id: str
    type: str
    time: AwareDatetime
    service: str
    cause: str | None
    words: str


class Judged(BaseModel):
    """One line of a complaint's report."""

    line: str
    kind: Kind
    clause: str = Field(description="Of ISO 10002 (GB/T 19012), or as the pack names its own")
    title: str
    judgement: Judgement
    reason: str
    evidence: list[Proof] = Field(description="Events that show it, in the order of time")
    missing: list[str] = Field(description="Types of events any of which would show that it is met")


def report(state: Complaint, journal: Sequence[Entry], language: Language) -> list[Judged]:
    """Every line of a complaint, as it stands now."""
    pack, verdicts = pack_of(state), judged(state)
    lines = {line.name: line for line in LINES}
    entries = sorted(journal, key=lambda each: (each["time"], each["sequence"]))
    found = []
    for name, verdict in verdicts.items():
        line = lines.get(name) or clock_line(name, pack)
        proofs = [each for each in entries if _shows(each, line.proofs, line, state, pack)]
        against = [each for each in entries if _shows(each, line.against, line, state, pack)]
        shown = {"met": proofs, "not_met": [*proofs, *against]}.get(verdict.judgement, [])
        lacks = verdict.judgement in ("open", "not_met") and not proofs
        found.append(
            Judged(
                line=name,
                kind=line.kind,
                clause=in_script(line.clause, language),
                title=line.title(language),
                judgement=verdict.judgement,
                reason=verdict.reason(language),
                evidence=[proof(each, pack, language) for each in shown],
                missing=[each.type for each in line.proofs] if lacks else [],
            )
        )
    return found


def clock_line(name: str, pack: Pack) -> Line:
    """A line for a clock; one that the pack no longer has stands for itself."""
    own = name.removeprefix(CLOCK)
    rule = pack.clocks.get(own)
    return Line(
        name,
        rule.clause if rule else "",
        rule.title["en"] if rule else own,
        rule.title["zh-CN"] if rule else own,
        lambda case: clock(case, own),
        (Sign("deadline.met", {"clock": own}),),
        tuple(Sign(each, {"clock": own}) for each in LATE),
        whole=True,
        kind="clock",
    )


def _shows(entry: Entry, signs: Sequence[Sign], line: Line, state: Complaint, pack: Pack) -> bool:
    data = entry["data"]
    if not line.whole and data.get("cycle", state.cycle) != state.cycle:
        return False
    type = entry["type"].rpartition(".")[0]
    return any(type == sign.type and _fits(data, sign.data, pack) for sign in signs)


def _fits(data: Entry, wanted: Entry, pack: Pack) -> bool:
    rule = pack.clocks.get(data.get("clock", ""))
    known = {**data, "stop": rule.stop if rule else None}
    return all(known.get(key) == value for key, value in wanted.items())


def proof(entry: Entry, pack: Pack, language: Language) -> Proof:
    return Proof(
        id=str(entry["id"]),
        type=entry["type"],
        time=entry["time"],
        service=entry["by"],
        cause=str(entry["cause"]) if entry["cause"] else None,
        words=words(entry["type"], entry["data"], pack, language),
    )
