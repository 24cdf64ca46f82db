"""The lines of the report: each with its clause, its title, the events that prove it, and how it is judged.

The table is the report; its order is the order of the letters that stand beside each record.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from services.intake.domain.complaint import Complaint
from services.intake.domain.conformance import deciding, measuring, receiving
from services.intake.domain.conformance.case import Case, Judgement, Verdict, beside
from shared.events import Language
from shared.policy import phrase
from shared.problems import Fault, NotFound

Kind = Literal["standard", "pack", "clock"]
CLOCK = "clock."
"""What the name of a line begins with that is a clock of the pack."""


class Sign(NamedTuple):
    """An event by its type, without version, and what its data must be; `stop` is that of its clock."""

    type: str
    data: Mapping[str, Any] = {}


class Line(NamedTuple):
    """One line: `proofs` are events that show that it is met, `against` those that show that it is not.

    They are those of the present round, or of the `whole` life. A pack without `step` does not know it.
    """

    name: str
    clause: str
    en: str
    zh: str
    judge: Callable[[Case], Verdict]
    proofs: tuple[Sign, ...]
    against: tuple[Sign, ...] = ()
    whole: bool = False
    step: str = ""
    kind: Kind = "standard"

    def title(self, language: Language) -> str:
        return phrase(language, self.zh, self.en)


LATE = ("deadline.breached", "deadline.missed")
LINES: tuple[Line, ...] = (
    Line(
        "communication", "7.1", "The customer can be answered the way they came", "可按投诉人自己的渠道答复",
        receiving.communication, (Sign("contact.recorded"),), whole=True,
    ),
    Line(
        "receipt", "7.2", "Recorded under a number of its own, with every required field",
        "已编号登记且必填项齐全", receiving.receipt,
        (Sign("complaint.registered"), Sign("complaint.facts_revised"), Sign("complaint.evidence_added")),
        whole=True,
    ),
    Line(
        "remedy", "7.2", "What the customer asks for is on record", "已记录投诉人的诉求", receiving.remedy,
        (Sign("complaint.registered"), Sign("complaint.facts_revised")), whole=True,
    ),
    Line(
        "tracking", "7.3", "Followed to its end; whom a deadline fails hears where it stands",
        "全程跟踪，逾期时告知进度", receiving.tracking,
        (Sign("complaint.registered"), Sign("complaint.accepted")), tuple(Sign(each) for each in LATE),
        whole=True,
    ),
    Line(
        "acknowledgement", "7.4", "The customer heard at once that it arrived", "立即告知已受理",
        receiving.acknowledgement, (Sign("notice.sent", {"kind": "acknowledgement"}),),
        tuple(Sign(each, {"stop": "acknowledged"}) for each in LATE), whole=True,
    ),
    Line(
        "assessment", "7.5", "Assessed: how grave, how complex, how far it reaches",
        "已初步评审严重性、复杂性与影响",
        deciding.assessment, (Sign("complaint.graded"),),
    ),
    Line(
        "safety", "7.5", "Danger to people was looked into by people",
        "安全影响已由人员核实", deciding.safety,
        (
            Sign("complaint.facts_revised", {"verified": True}), Sign("complaint.emergency_declared"),
            Sign("complaint.adverse_event_recorded", {"assessed": True}),
        ),
        (Sign("complaint.escalated"), Sign("complaint.graded")), whole=True,
    ),
    Line(
        "investigation", "7.6", "The cause was found", "已查明原因", deciding.investigation,
        (Sign("complaint.investigated"), Sign("complaint.disowned", {"confirmations": 2})),
        (Sign("complaint.graded"),), step="investigate",
    ),
    Line(
        "response", "7.7", "A solution was offered, or reasons given",
        "已提出方案或说明理由", deciding.response,
        (Sign("complaint.solution_offered"), Sign("complaint.answered")), step="offer",
    ),
    Line(
        "prevention", "7.7", "The solution keeps it from coming again", "方案包含防止再发的措施",
        deciding.prevention, (Sign("complaint.solution_proposed"),), step="propose",
    ),
    Line(
        "approval", "5.3", "Approved by every role that must", "应审批的角色均已批准", deciding.approval,
        (Sign("complaint.solution_approved"),), (Sign("complaint.facts_revised"),), step="approve",
    ),
    Line(
        "separation", "5.3", "Checked by somebody who had no hand in it", "由未参与处理者审核",
        deciding.separation, (Sign("complaint.solution_audited", {"passed": True}),), step="audit",
    ),
    Line(
        "decision", "7.8", "The decision has reached the customer", "决定已送达投诉人", deciding.decision,
        (Sign("notice.sent", {"kind": "result"}), Sign("complaint.fed_back")),
    ),
    Line(
        "carried_out", "7.9", "What was agreed was carried out, and that is on record",
        "商定方案已执行并留有记录",
        deciding.carried_out, (Sign("complaint.solution_agreed"), Sign("complaint.solution_implemented")),
        step="implement",
    ),
    Line(
        "recourse", "7.9", "Whoever does not accept hears which other ways are open",
        "不接受者已获知其他途径",
        deciding.recourse,
        (Sign("complaint.agreement_failed"), Sign("complaint.screened"), Sign("complaint.answered")),
        (Sign("complaint.facts_revised"),),
    ),
    Line(
        "satisfaction", "8.3", "The customer was asked how content they are", "已征询满意度",
        deciding.satisfaction,
        (Sign("survey.answered"), Sign("survey.declined"), Sign("survey.expired")),
    ),
    Line(
        "quota", "", "Within the year's quota of its grade", "在该等级年度指标之内", measuring.quota,
        (Sign("complaint.graded"),), (Sign("quota.exceeded"),), kind="pack",
    ),
)  # fmt: skip
MEASURES: Mapping[str, Callable[[Case], Judgement]] = {
    "resolved": measuring.resolved, "satisfied": measuring.satisfied, "repeats": measuring.repeats,
}  # fmt: skip
"""What targets may count beside clocks."""
NAMES = (*(line.name for line in LINES), *MEASURES)
LETTERS: Mapping[Judgement, str] = {"met": "m", "not_met": "n", "open": "o", "not_applicable": "-"}
_JUDGEMENTS = {letter: judgement for judgement, letter in LETTERS.items()}


def judged(state: Complaint) -> dict[str, Verdict]:
    """What every line says of a record, clocks of its pack after the table."""
    case = Case(state)
    found = {line.name: _of(line, case) for line in LINES}
    clocks = dict.fromkeys([*case.pack.clocks, *_ran(state)])
    return found | {f"{CLOCK}{name}": measuring.clock(case, name) for name in clocks}


def _of(line: Line, case: Case) -> Verdict:
    if line.step in case.pack.without:
        return beside("The pack does not know this step", "制度无此步骤")
    return line.judge(case)


def _ran(state: Complaint) -> list[str]:
    """The clocks that ran, in any round."""
    return list(dict.fromkeys(key.split(":")[1] for key in state.deadlines))


def compact(state: Complaint) -> str:
    """The same in a few letters, and what targets count: one for each name, then a row for each clock.

    A clock that never ran has no row: it is not applicable.
    """
    case = Case(state)
    letters = [LETTERS[_of(line, case).judgement] for line in LINES]
    letters += [LETTERS[measure(case)] for measure in MEASURES.values()]
    clocks = [f"{name} {LETTERS[measuring.clock(case, name).judgement]}" for name in sorted(_ran(state))]
    return "\n".join(["".join(letters), *clocks])


@lru_cache(maxsize=4_096)
def expanded(text: str) -> Mapping[str, Judgement]:
    """What `compact` wrote, by the names of lines, measures and clocks."""
    letters, *clocks = text.split("\n")
    found = {name: _JUDGEMENTS[letter] for name, letter in zip(NAMES, letters, strict=True)}
    return MappingProxyType(found | {f"{CLOCK}{row[:-2]}": _JUDGEMENTS[row[-1]] for row in clocks})


def behind(line: str, judgement: Judgement) -> str:
    """The pattern of those texts of `compact` that say this of a line. Raises NotFound for no such line."""
    letter = re.escape(LETTERS[judgement])
    if line.startswith(CLOCK):
        row = f"\n{re.escape(line.removeprefix(CLOCK))} "
        return f"{row}{letter}(\n|$)" if judgement != "not_applicable" else rf"^(?![\s\S]*{row}[mno](\n|$))"
    if line not in NAMES:
        faults = [Fault(detail=f"use one of {', '.join(NAMES)}, or {CLOCK}<name>", pointer="#/path/line")]
        raise NotFound("The report has no such line", faults)
    return f"^.{{{NAMES.index(line)}}}{letter}"
