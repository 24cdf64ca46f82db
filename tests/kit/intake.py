"""A record in hand: registered, reported on and acted upon, without any server."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from services.intake.domain.approval import outstanding
from services.intake.domain.complaint import Complaint, Evidence
from services.intake.domain.forms import NewComplaint
from services.intake.domain.handling import AddEvidence, Request, take
from services.intake.domain.hearing import hear
from services.intake.domain.particulars import Revision, private_texts, split
from services.intake.domain.registration import Registration, checked, register
from services.intake.domain.roles import DEPARTMENT, DESK, HEADS, Actor
from services.intake.domain.steps import Saying, Step
from shared.documents import Change, entry
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ComplaintGraded, Fact, NoticeSent, SurveyAnswered
from shared.policy import latest, load
from tests.kit.complaint import COMPLAINT, NUMBER, START

BODY: dict[str, Any] = {
    "channel": "email",
    "complainant": {"name": "Ann", "email": "ann@example.com"},
    "description": "It leaks.",
}
STAFF = Actor("desk", DESK | DEPARTMENT | HEADS)
OTHER = Actor("other", DESK | DEPARTMENT | HEADS)
PARTNER = Actor("shop", frozenset({"partner"}))
STEP: TypeAdapter[Any] = TypeAdapter(Step)
FORMS: dict[str, dict[str, Any]] = {
    "investigate": {"cause": "material"},
    "disown": {"reason": "sold by somebody else"},
    "propose": {"measure": "replace it", "department": "quality"},
    "reject": {"reason": "too little"},
    "disagree": {"remedies": "the consumer association"},
    "answer": {"text": "We replaced it."},
    "close": {"summary": "Replaced."},
    "reopen": {"reason": "It leaks again."},
    "merge": {"into": str(UUID(int=7))},
    "relate": {"to": str(UUID(int=8))},
    "emergency": {"team": ["Li", "Wang"], "spokesperson": "Zhao"},
    "adverse_event": {"occurred": False},
    "pause": {"waits_for": "customer"},
    "assign": {"handler": "Li"},
    "screen": {"decision": "in_scope"},
}
"""What a step says, where it must say something."""


def cause(data: Any, sequence: int = 0, at: Any = START) -> Cause[Any]:
    return Cause(uuid4(), COMPLAINT, NUMBER, at, "test", data, sequence)


def registration(pack: str = "base", by: str = "shop", **changes: Any) -> Registration:
    given = NewComplaint.model_validate(BODY | changes)
    found = checked(given, START, load(pack, latest(pack)))
    return Registration(
        checked=found,
        caller=by,
        request="r",
        keyed=True,
        digest="",
        person=UUID(int=1),
        sealed=found.texts,
        receipt_url="https://intake.invalid/receipts/RC-TESTTESTAA?secret=S",
    )


class Record:
    """One complaint: `state` is its record, `facts` all that was made known. Nothing is sealed here.

    `news` is what the other services reported.
    """

    def __init__(self, pack: str = "base", by: str = "shop", **changes: Any) -> None:
        self.facts: list[Fact] = []
        self.news: list[Fact] = []
        self.heard = 0
        command = Cause(COMPLAINT, COMPLAINT, NUMBER, START, by, registration(pack, by, **changes))
        self.state: Complaint = self.decide(register, None, command)

    def decide(self, change: Change[Complaint, Any], state: Complaint | None, cause: Cause[Any]) -> Complaint:
        """The state after a change; what it makes known is noted."""
        after, told = change(state, cause)
        assert after is not None
        self.facts += told
        return after

    @property
    def stage(self) -> str:
        return self.state.stage.value

    @property
    def journal(self) -> Sequence[Mapping[str, Any]]:
        """Every event of it, as the database keeps them."""
        told = [*self.facts, *self.news]
        events = (
            Cause(uuid4(), COMPLAINT, NUMBER, START, fact.owner, fact, number, type=fact.type)
            for number, fact in enumerate(told)
        )
        return [entry(event, None, START) for event in events]

    @property
    def said(self) -> list[str]:
        """The types of all that was made known, without version."""
        return [fact.type.rpartition(".")[0] for fact in self.facts]

    def hear(self, *facts: Fact) -> "Record":
        for fact in facts:
            self.heard += 1
            self.news.append(fact)
            self.state = self.decide(hear, self.state, cause(fact, sequence=self.heard))
        return self

    def graded(self, grade: str = "minor", class_: str = "", **more: Any) -> "Record":
        classes = load(self.state.pack, self.state.pack_version).classes
        class_ = class_ or ("product_quality" if "product_quality" in classes else next(iter(classes)))
        cycle, revision = (
            self.state.cycle,
            1 + max((g.revision for g in self.state.graded.values()), default=0),
        )
        made = ComplaintGraded(
            cycle=cycle, class_=class_, suggested=False, grade=grade, matches=(), revision=revision, **more
        )
        return self.hear(made)

    def dispatched(self, lead: str = "quality", *others: str) -> "Record":
        return self.hear(ComplaintDispatched(cycle=self.state.cycle, lead=lead, departments=(lead, *others)))

    def told(self) -> "Record":
        return self.hear(NoticeSent(notice="n", kind="result", channel="email", cycle=self.state.cycle))

    def scored(self, score: int) -> "Record":
        return self.hear(SurveyAnswered(cycle=self.state.cycle, score=score))

    def do(self, step: str, by: Actor = STAFF, **more: Any) -> "Record":
        """A step, with what it must say. Raises what refuses it."""
        return self.ask(STEP.validate_python({"step": step} | FORMS.get(step, {}) | more), by)

    def through(self, *steps: str) -> "Record":
        for step in steps:
            self.do(step)
        return self

    def revise(self, by: Actor = STAFF, **given: Any) -> "Record":
        return self.ask(Revision.model_validate(given), by)

    def ask(self, asked: Any, by: Actor = STAFF, at: Any = START) -> "Record":
        words: dict[str, str] = {}
        texts: dict[str, str] = {}
        if isinstance(asked, Saying):
            said = {field: getattr(asked, field) for field in asked.words}
            words = {field: f"{field} {uuid4()}" for field, text in said.items() if text is not None}
            texts = {name: said[field] for field, name in words.items()}
        elif isinstance(asked, Revision):
            pack = load(self.state.pack, self.state.pack_version)
            texts = private_texts(split(asked.details, pack).private)
        request = Request(asked, by, sealed=texts, words=words)
        self.state = self.decide(take, self.state, cause(request, at=at))
        return self


def at_dispatched(pack: str = "base", **changes: Any) -> Record:
    """A record that departments have."""
    record = Record(pack, **changes).graded().dispatched()
    if record.stage == "registered":
        record.do("screen")
    return record


def at_proposed(pack: str = "base", **changes: Any) -> Record:
    """A record with a proposal."""
    record = at_dispatched(pack, **changes).do("accept")
    found = record.state.grade
    assert found is not None
    known = load(record.state.pack, record.state.pack_version)
    causes = known.classes[found.class_].causes
    record.do("investigate", cause=causes[0] if causes else "found")
    return record.do("propose", department=next(iter(known.departments)))


RETAIL: dict[str, Any] = {"details": {"object": "goods"}, "demand": {"type": "refund"}}


def money(value: str) -> dict[str, Any]:
    return {"value": value, "currency": "CNY"}


def actor(name: str, *roles: str) -> Actor:
    return Actor(name, frozenset(roles))


def evidence(**changes: Any) -> Evidence:
    plain = {
        "id": UUID(int=3), "number": 0, "purpose": "evidence", "media_type": "image/jpeg", "size": 9,
        "sha256": "0" * 64, "scanned": False, "at": START, "by": "desk",
    }  # fmt: skip
    return Evidence.model_validate(plain | changes)


def retail_investigated() -> Record:
    record = Record("cn-retail-4level", **RETAIL)
    record.graded().do("screen").dispatched()
    record.ask(AddEvidence(evidence(), {}))
    record.revise(details={"facts_established": True, "demand_reasonable": True})
    return record.do("accept").do("investigate")


def approve_all(record: Record) -> None:
    for number, role in enumerate(outstanding(record.state)):
        record.do("approve", actor(f"approver {number}", role))
