"""The pack: a whole regulation as data, of which every service reads its own sections.

Source: the regulation that `source` names; `clause` beside a rule says which part of it.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, get_args

from pydantic import Field

from shared.events import Channel
from shared.policy.clocks import ClockRule, Mark, MarkRule
from shared.policy.conditions import Comparison, Facts, FactValue, Finding, Section, Test, tests
from shared.policy.counters import Counter, Quota
from shared.policy.facts import UNIVERSAL, FactRule, Rates
from shared.policy.measures import Measure
from shared.policy.notices import NoticeKind, NoticeRule, Posting
from shared.policy.papers import Paper
from shared.policy.schemes import Decision, Grade, Scheme
from shared.policy.vectors import Vector
from shared.policy.words import Titles

NAME = r"^[a-z0-9][a-z0-9-]{0,58}$"
Route = Literal["email", "call", "letter", "message"]
Parameterised = bool | int | Decimal | str | None


class Parameter(Section):
    """A figure or choice that the regulation leaves open; `$name` stands for it anywhere in the pack.

    Without a `value` it must be bound before the pack can be used; vectors then run with `trial`.
    """

    title: Titles
    value: Parameterised = None
    options: tuple[Parameterised, ...] = ()
    trial: Parameterised = None


class Cues(Section):
    """Words of a text that speak for something, by weight: strong 3, plain 2, weak 1."""

    strong: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


class Class(Section):
    """What kind of matter: who answers, which words suggest it, which causes and solutions it may have."""

    title: Titles
    lead: str
    departments: tuple[str, ...]
    cues: Cues = Cues()
    causes: tuple[str, ...] = ()
    solutions: tuple[str, ...] = ()


class Classification(Section):
    """How sure the reading of a text must be; below `threshold` a person decides on the class."""

    threshold: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.5")


class Department(Section):
    """Who must answer; `chat` names a gateway of the house by which they are told, too."""

    title: Titles
    email: str
    chat: str | None = None
    cues: Cues = Cues()


class Role(Section):
    """People of one duty; `email` is where they are told at once, and `chat` the gateway by which they are.

    Without either somebody must call them.
    """

    title: Titles
    email: str | None = None
    chat: str | None = None


class Gate(Section):
    """A safety gate: such a complaint always gets the gravest grade of every scheme, and is escalated.

    `facts` are the structured fields; `cues` the words that count until the facts are verified.
    """

    gate: str
    title: Titles
    facts: Test
    cues: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    clause: str = ""

    def findings(self, facts: Facts) -> list[Finding] | None:
        """What makes a complaint pass; None if it does not. Words count only until the facts are verified."""
        if (found := self.facts.findings(facts)) is not None:
            return found
        words = [f"cue.{cue}" for cue in self.cues if facts.get("verified") is not True]
        told = [
            Finding(fact=w, value=True, comparison=Comparison(is_=True))
            for w in words
            if facts.get(w) is True
        ]
        return told or None


class Requirement(Section):
    """Fields of the record that must be there, when `when` holds."""

    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    when: Test = Test()
    clause: str = ""


class Routing(Section):
    """Where complaints go for which `when` holds; the first that fits counts, else the class decides."""

    when: Test
    lead: str
    departments: tuple[str, ...]
    clause: str = ""


StepName = Literal[
    "screen", "refuse", "dispatch", "accept", "investigate", "propose", "approve", "offer", "agree",
    "disagree", "implement", "audit", "answer", "close", "archive",
]  # fmt: skip
"""The steps of the handling that a rule may hold back."""


class StepRule(Section):
    """A step of the handling that must wait until `needs` holds, when `when` holds."""

    step: StepName
    when: Test = Test()
    needs: Test
    clause: str = ""


class Approval(Section):
    """Who approves a solution, one after the other, when `when` holds; all that hold are needed.

    `distinct` means that nobody approves twice, nor what they proposed.
    """

    when: Test
    roles: Annotated[tuple[str, ...], Field(min_length=1)]
    distinct: bool = True
    clause: str = ""


class Question(Section):
    """One more question of a survey; a `text` never leaves the house."""

    title: Titles
    type: Literal["score", "choice", "yes_no", "text"]
    options: dict[str, Titles] = {}
    required: bool = False


class SurveyRule(Section):
    """Asking afterwards: whom, how, how long, how often, and what follows from the score.

    `sample` is the share of complaints that is asked about, `routes` the ways to ask, best first (none: the
    way the answer went). With `consent` an answer counts only with it. Below `comment_below` the customer
    must say why; below `reopen_below` the complaint is reopened, below `escalate_below` the roles
    `escalate_to` are told. The score becomes the pack's fact `fact`, by which it is graded anew.
    """

    expires_days: int = Field(ge=1, le=3_650)
    reopen_below: int = Field(ge=0, le=10)
    when: Test = Test()
    routes: tuple[Route, ...] = ()
    reminders_days: Annotated[tuple[int, ...], Field(max_length=20)] = ()
    consent: bool = False
    sample: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(1)
    questions: dict[str, Question] = {}
    comment_below: Annotated[int, Field(ge=0, le=10)] = 0
    escalate_below: Annotated[int, Field(ge=0, le=10)] = 0
    escalate_to: tuple[str, ...] = ()
    fact: str | None = None


class Hidden(Section):
    """Fields that people of these roles do not see."""

    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    roles: Annotated[tuple[str, ...], Field(min_length=1)]
    clause: str = ""


class Target(Section):
    """A figure that the regulation wants to see each month: a share of cases, or a number of them."""

    title: Titles
    of: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    share: bool = True
    clause: str = ""

    def reached(self, part: Decimal, whole: Decimal | None = None) -> bool | None:
        """Whether it was reached; None where there was nothing to count a share of."""
        if self.share and not whole:
            return None
        value = part / (whole or Decimal(1)) if self.share else part
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


class Pack(Section):
    """A whole regulation. The first scheme is the one that clocks go by."""

    pack: Annotated[str, Field(pattern=NAME)]
    version: int = Field(ge=1, le=1_000_000)
    title: Titles
    source: str
    calendar: str
    money: Rates
    parameters: dict[str, Parameter] = {}
    channels: tuple[Channel, ...] = get_args(Channel)
    facts: dict[str, FactRule] = {}
    required: tuple[Requirement, ...] = ()
    classes: Annotated[dict[str, Class], Field(min_length=1)]
    fallback_class: str
    classification: Classification = Classification()
    cues: dict[str, tuple[str, ...]] = {}
    measures: dict[str, Measure] = {}
    counters: dict[str, Counter] = {}
    safety: tuple[Gate, ...] = ()
    schemes: Annotated[dict[str, Scheme], Field(min_length=1)]
    decisions: dict[str, Decision] = {}
    quotas: tuple[Quota, ...] = ()
    roles: dict[str, Role] = {}
    departments: Annotated[dict[str, Department], Field(min_length=1)]
    routing: tuple[Routing, ...] = ()
    without: tuple[StepName, ...] = ()
    steps: tuple[StepRule, ...] = ()
    marks: dict[Mark, MarkRule] = {}
    clocks: dict[str, ClockRule]
    approvals: tuple[Approval, ...] = ()
    feedback: dict[Channel, Route]
    survey: SurveyRule
    notices: dict[NoticeKind, NoticeRule] = {}
    posting: Posting = Posting()
    visibility: tuple[Hidden, ...] = ()
    papers: dict[str, Paper] = {}
    targets: dict[str, Target] = {}
    retention_years: Annotated[int, Field(ge=1)] = 3
    vectors: tuple[Vector, ...] = ()

    @property
    def scheme(self) -> Scheme:
        """The scheme that clocks go by."""
        return next(iter(self.schemes.values()))

    @property
    def grades(self) -> dict[str, Grade]:
        """The grades of all schemes, by name."""
        return {name: grade for scheme in self.schemes.values() for name, grade in scheme.grades.items()}

    @cached_property
    def comparisons(self) -> dict[tuple[str, str], Comparison]:
        """Every comparison in the pack, by its fact and how records write it."""
        found = (each for _, test in tests(self, ()) for each in test.comparisons())
        return {(fact, str(comparison)): comparison for fact, comparison in found}

    @cached_property
    def fact_rules(self) -> dict[str, FactRule]:
        """Every fact that a complaint may give."""
        return UNIVERSAL | self.facts

    def scored(self, facts: Facts, cycle: int, scores: Mapping[int, int | None]) -> dict[str, FactValue]:
        """The facts with the customer's score of a cycle; one that was stated speaks of the first alone."""
        name = self.survey.fact
        score = scores.get(cycle)
        if name is None or (cycle == 1 and score is None):
            return dict(facts)
        others = {known: value for known, value in facts.items() if known != name}
        return others if score is None else others | {name: Decimal(score)}

    def required_fields(self, facts: Facts) -> set[str]:
        return {field for rule in self.required if rule.when.holds(facts) for field in rule.fields}

    def held_back(self, step: str, facts: Facts) -> list[StepRule]:
        """The rules that forbid this step for now."""
        rules = [rule for rule in self.steps if rule.step == step and rule.when.holds(facts)]
        return [rule for rule in rules if not rule.needs.holds(facts)]

    def approvers(self, facts: Facts) -> list[str]:
        """The roles that must approve a solution, in order."""
        return list(
            dict.fromkeys(role for rule in self.approvals if rule.when.holds(facts) for role in rule.roles)
        )

    def routed(self, facts: Facts) -> Routing | None:
        """The rule that says where such a complaint goes, if there is one."""
        return next((rule for rule in self.routing if rule.when.holds(facts)), None)

    def route_of(self, facts: Facts) -> tuple[str, tuple[str, ...]]:
        """The same for facts that name the class; one that is not known goes where the fallback goes."""
        class_ = facts.get("class")
        known = isinstance(class_, str) and class_ in self.classes
        return self.route(str(class_) if known else self.fallback_class, facts)

    def route(self, class_: str, facts: Facts) -> tuple[str, tuple[str, ...]]:
        """The lead department, and all that must answer."""
        found = self.routed(facts) or self.classes[class_]
        return found.lead, found.departments
