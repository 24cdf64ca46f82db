"""The ledger: complaints as lists show them, and which of them a filter takes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.intake.domain.complaint import Complaint
from services.intake.domain.holding import Holding, held_since, holder
from services.intake.domain.roles import Actor
from services.intake.domain.stages import ENDED, Stage
from services.intake.domain.views import hidden_from, nobodies
from shared.events import Channel, Instant, Outcome
from shared.problems import Forbidden

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"\S")]
Score = Annotated[int, Field(ge=0, le=10)]
_ABSENT = "class|grade|cause|product|batch|group|lead|outcome|score"
Absent = Annotated[str, StringConstraints(max_length=100, pattern=f"^({_ABSENT})(,({_ABSENT}))*$")]


Order = Literal["newest", "due"]
"""Of lists: the newest first, or what is due first."""


class Filters(BaseModel):
    """What a list is narrowed to; all that is given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    stage: Stage | None = None
    open: bool | None = Field(None, description="Whether it is neither closed nor archived")
    outcome: Outcome | None = Field(None, description="How closed ones ended")
    number: Word | None = Field(None, description="The receipt number")
    pack: Word | None = None
    class_: Word | None = Field(None, alias="class")
    grade: Word | None = None
    cause: Word | None = Field(None, description="What was found, by the cause catalogue")
    department: Word | None = Field(None, description="A department that must answer")
    lead: Word | None = Field(None, description="The department that leads")
    holder: Holding | None = Field(None, description="Whose move it is")
    handler: Word | None = None
    product: Word | None = Field(None, description="The product's name, as it was given")
    batch: Word | None = None
    group: Word | None = Field(None, description="The customer's tier")
    channel: Channel | None = None
    overdue: bool | None = Field(None, description="Whether a clock has run out that still runs")
    due_from: Instant | None = Field(None, description="The next clock runs out then or later")
    due_before: Instant | None = Field(None, description="The next clock runs out, or ran out, before")
    registered_from: Instant | None = None
    registered_to: Instant | None = Field(None, description="Before this instant")
    closed_from: Instant | None = None
    closed_to: Instant | None = Field(None, description="Before this instant")
    score_from: Score | None = Field(None, description="The customer's score, at least")
    score_to: Score | None = Field(None, description="At most")
    unknown: Absent | None = Field(
        None, description=f"What is not known (yet), some of {_ABSENT.replace('|', ', ')}, with commas"
    )


ALIKE = {
    "stage", "outcome", "number", "pack", "class", "grade", "cause", "lead", "holder", "handler", "product",
    "batch", "group", "channel",
}  # fmt: skip
"""Filters that take what is the same."""
SPANS = {
    "registered_at": ("registered_from", "registered_to"),
    "closed_at": ("closed_from", "closed_to"),
    "next_deadline": ("due_from", "due_before"),
}
"""Instants, and the filters that take what lies from the one until before the other."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
INSIDE = {"handler", "holder", "cause"}
"""Filters that would tell partners what they do not see."""


def given_by(filters: Filters) -> dict[str, Any]:
    """What was given, by the names of the values that it narrows, whatever a door calls them."""
    plain = filters.model_dump(exclude_none=True, by_alias=False, include=set(Filters.model_fields))
    return {"class" if name == "class_" else name: value for name, value in plain.items()}


def too_curious(filters: Filters, reader: Actor) -> list[str]:
    """The filters that would tell this reader what is not for them."""
    asked = {*given_by(filters), *(filters.unknown or "").split(",")}
    return sorted(asked & INSIDE) if reader.is_partner else []


def query(filters: Filters, reader: Actor, now: datetime) -> dict[str, Any]:
    """The same over the values that stand beside the records (`facets`); partners see their own."""
    if inside := too_curious(filters, reader):
        told = " and ".join(f"`{name}`" for name in inside)
        raise Forbidden(f"Partners do not see how the house works: leave the filter {told} out")
    given = given_by(filters)
    found: dict[str, Any] = {name: value for name, value in given.items() if name in ALIKE}
    found |= {"number": filters.number.upper()} if filters.number else {}
    found |= {"departments": filters.department} if filters.department else {}
    found["registered_at"] = {"$gte": EARLIEST}  # the index holds no others
    for name, (since, until) in SPANS.items():
        span = {mark: given[each] for mark, each in (("$gte", since), ("$lt", until)) if each in given}
        found |= {name: found.get(name, {}) | span} if span else {}
    bounds = {
        mark: given[each] for mark, each in (("$gte", "score_from"), ("$lte", "score_to")) if each in given
    }
    found |= {"score": bounds} if bounds else {}
    rules: list[dict[str, Any]] = [{name: None} for name in (filters.unknown or "").split(",") if name]
    if filters.overdue is not None:
        late = {"next_deadline": {"$lt": now}}
        rules.append(late if filters.overdue else {"$nor": [late]})
    if filters.open is not None:
        rules.append({"outcome": None if filters.open else {"$gt": ""}})
    if filters.handler is not None:
        rules.append({"respondents": {"$nin": reader.names}})  # who handles it is not for them
    found |= {"$and": rules} if rules else {}
    return found | ({"caller": reader.name} if reader.is_partner else {})


def facets(state: Complaint) -> dict[str, Any]:
    """What filters and figures find a complaint by; None: not known."""
    graded, routed, held = state.grade, state.route, holder(state)
    known = state.revised or state.given
    return {
        "number": state.number,
        "caller": state.caller,
        "stage": state.stage.value,
        "outcome": state.outcome if state.closed_at else None,
        "registered_at": state.registered_at,
        "closed_at": state.closed_at,
        "channel": state.given.channel,
        "pack": state.pack,
        "grade": graded.grade if graded else None,
        "class": graded.class_ if graded else None,
        "cause": state.root_cause,
        "departments": list(routed.departments) if routed else None,
        "lead": routed.lead if routed else None,
        "holder": held.kind if held.kind != "nobody" else None,
        "held_since": held_since(state),
        "handler": state.handler,
        "respondents": state.respondents or None,
        "product": known.product.name,
        "batch": known.product.batch,
        "group": known.tier,
        "next_deadline": next_deadline(state),
        "score": score(state),
    }


def score(state: Complaint) -> int | None:
    """The customer's, of the last round that has one."""
    answered = [score for _, score in sorted(state.scores.items()) if score is not None]
    return answered[-1] if answered else None


def next_deadline(state: Complaint) -> datetime | None:
    """The earliest due time of the clocks that run; none of an ended complaint counts any more."""
    running = (each.due for each in state.deadlines.values() if each.due)
    return min(running, default=None) if state.stage not in ENDED else None


class Entry(BaseModel):
    """A complaint as lists show it, without anything that points to a person."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    number: str
    stage: Stage
    since: AwareDatetime = Field(description="When it came to this stage")
    cycle: int
    outcome: Outcome | None
    channel: Channel
    pack: str
    class_: str | None = Field(alias="class")
    grade: str | None
    product: str | None
    model: str | None
    batch: str | None
    departments: tuple[str, ...]
    lead: str | None
    handler: str | None
    holder: Holding | None = Field(description="Whose move it is; None once it has ended")
    held_since: AwareDatetime | None
    received_at: AwareDatetime
    registered_at: AwareDatetime
    closed_at: AwareDatetime | None
    due: AwareDatetime | None = Field(description="When the next of its clocks runs out, or ran out")
    overdue: bool
    score: int | None = Field(description="The customer's, 0 to 10, of the last round that has one")


def entry(id: UUID, state: Complaint, reader: Actor, now: datetime) -> Entry:
    """One complaint's line, without the fields that its pack hides from this reader."""
    graded, routed = state.grade, state.route
    product = (state.revised or state.given).product
    due = next_deadline(state)
    held = holder(state)
    hidden = hidden_from(state, reader) | ({"handler"} if reader.is_partner else set())
    return Entry(
        id=id,
        number=state.number,
        stage=state.stage,
        since=state.since,
        cycle=state.cycle,
        outcome=state.outcome if state.closed_at else None,
        channel=state.given.channel,
        pack=state.pack,
        class_=graded.class_ if graded else None,
        grade=graded.grade if graded else None,
        product=product.name,
        model=product.model,
        batch=product.batch,
        departments=routed.departments if routed else (),
        lead=routed.lead if routed else None,
        handler=None if "handler" in hidden or state.handler in nobodies(state, hidden) else state.handler,
        holder=None if reader.is_partner or held.kind == "nobody" else held.kind,
        held_since=None if reader.is_partner else held_since(state),
        received_at=state.received_at,
        registered_at=state.registered_at,
        closed_at=state.closed_at,
        due=due,
        overdue=due is not None and due < now,
        score=score(state),
    )


SEALED = {"statement": "description"}
"""Fields of the form that are kept under another name."""


def matches(text: str, state: Complaint, words: Mapping[str, str], reader: Actor) -> bool:
    """Whether every word of `text` stands somewhere in this record, of what its reader may see."""
    hidden = hidden_from(state, reader)
    shut = {"complainant"} if hidden & {"name", "contact", "email", "phone", "address"} else set()
    internal = {name for note in state.notes if note.visibility == "internal" for name in note.words.values()}
    internal |= {name for action in state.actions for name in action.words.values()}
    shut |= {name for name in words if SEALED.get(name, name.removeprefix("details/")) in hidden}
    shut |= internal if reader.is_partner else set()
    product = (state.revised or state.given).product
    said = [words[name] for name in words if name not in shut]
    said += [state.number, *(part for part in (product.name, product.model, product.batch) if part)]
    whole = "\n".join(said).casefold()
    return all(word in whole for word in text.casefold().split())


def shows(filters: Filters, state: Complaint, reader: Actor, now: datetime) -> bool:
    """Whether a list narrowed like this shows this complaint."""
    if too_curious(filters, reader) or (reader.is_partner and state.caller != reader.name):
        return False
    known, given = facets(state), given_by(filters)
    due, best = known["next_deadline"], filters.score_to
    return (
        all(known[name] == value for name, value in given.items() if name in ALIKE - {"number"})
        and (filters.number is None or filters.number.upper() == state.number)
        and (filters.department is None or filters.department in (known["departments"] or ()))
        and (filters.handler is None or not reader.is_one_of(state.respondents))
        and all(
            _within(known[name], given.get(since), given.get(until)) for name, (since, until) in SPANS.items()
        )
        and (filters.open is None or filters.open is (state.stage not in ENDED))
        and (filters.overdue is None or filters.overdue == (due is not None and due < now))
        and _within(known["score"], filters.score_from, None if best is None else best + 1)
        and all(known[name] is None for name in (filters.unknown or "").split(",") if name)
    )


def _within(value: Any, since: Any, until: Any) -> bool:
    """Whether it lies from `since` until before `until`; what is not known lies nowhere."""
    if since is None and until is None:
        return True
    return value is not None and (since is None or value >= since) and (until is None or value < until)


_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no sheet can hold: characters that XML 1.0 (2.2) does not have."""


def cells(line: Entry) -> list[str | int | bool | None]:
    """A line as cells of a sheet; none of them is taken for a formula."""
    plain = line.model_dump(mode="json")
    return [sheet_cell(value) for value in plain.values()]


def sheet_cell(value: Any) -> str | int | bool | None:
    """A value as a cell of a sheet, never taken for a formula."""
    if isinstance(value, list):
        value = ", ".join(value)
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    fit = _UNFIT.sub("\ufffd", value)
    return f"'{fit}" if _FORMULA.match(fit) else fit
