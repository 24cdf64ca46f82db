"""Particulars: what is known of the matter, checked against the pack when it is given, and revised later."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field
from pydantic_core import to_json

from services.intake.domain.complaint import Complaint, Told
from services.intake.domain.facts import check_required, known, pack_of, read_details
from services.intake.domain.forms import MOST_DETAILS, Details, Given, GivenFacts, NewComplaint
from services.intake.domain.stages import ENDED
from shared import clock
from shared.events import (
    Demand,
    Detail,
    Fact,
    FactsRevised,
    HandlerNamed,
    Instant,
    Money,
    Name,
    Product,
    SafetyFacts,
)
from shared.policy import FactValue, Pack, plain
from shared.problems import Conflict, Fault, Invalid

MOST_REVISIONS = 500


class RevisedProduct(Product, Given):
    """What turned out to have been bought."""


class Revision(Given):
    """What has turned out to be otherwise; what is left out stays. `verified`: the facts were looked into."""

    class_: Name | None = Field(None, alias="class")
    product: RevisedProduct | None = None
    demand: Demand | None = None
    loss: Money | None = None
    facts: GivenFacts | None = None
    details: Details = {}
    tier: Name | None = None
    department: Name | None = Field(None, description="The department that is responsible")
    customer_deadline: Instant | None = None
    verified: bool | None = None
    respondents: tuple[Name, ...] | None = Field(
        None, max_length=20, description="The people complained about, by the names they sign in with"
    )


class Split(BaseModel):
    """Details in the form of their facts: those that may leave the record, and those that stay sealed."""

    public: dict[str, Detail] = {}
    private: dict[str, Detail] = {}


def told(given: NewComplaint) -> Told:
    """What was handed in, without anything that points to a person."""
    kept = {name: getattr(given, name) for name in Told.model_fields}
    # A form's own kinds of these would not equal what is read from the database again.
    kinds = {
        "product": Product.model_validate(dict(given.product)),
        "facts": SafetyFacts(**dict(given.facts)),
    }
    return Told(**kept | kinds)


def texts_of(given: NewComplaint, details: Mapping[str, Detail]) -> dict[str, str]:
    """What points to a person, by the names under which it is kept."""
    order, place = given.product.order, given.place
    found = {
        "complainant": given.complainant.model_dump_json(exclude_none=True),
        "statement": given.description,
    }
    found |= {name: text for name, text in (("order", order), ("place", place)) if text}
    return found | private_texts(details)


def private_texts(details: Mapping[str, Detail]) -> dict[str, str]:
    """Details that stay in the record, by the names under which they are kept."""
    return {f"details/{name}": to_json(value).decode() for name, value in details.items()}


def split(given: Mapping[str, Any], pack: Pack) -> Split:
    """Details as they are kept. Raises Invalid for what the pack does not know or cannot read."""
    read = {name: _kept(value) for name, value in read_details(given, pack).items()}
    check_marks(read, pack)
    there = {name: value for name, value in read.items() if value is not None}
    stays = {name for name in there if pack.facts[name].stays}
    return Split(
        public={name: value for name, value in there.items() if name not in stays},
        private={name: there[name] for name in stays},
    )


def _kept(value: FactValue) -> Detail | None:
    return plain(value) if isinstance(value, datetime | Decimal) else value


def check_marks(details: Mapping[str, Any], pack: Pack) -> None:
    """Raises Invalid for an instant that leaves a mark, so has been, and yet lies in the future."""
    at = {rule.at for rule in pack.marks.values()}
    there = {name: value for name, value in details.items() if name in at and value is not None}
    if ahead := [name for name, value in there.items() if datetime.fromisoformat(value) > clock.now()]:
        faults = [Fault(detail="give an instant not later than now", pointer=f"#/details/{n}") for n in ahead]
        raise Invalid("What has happened cannot lie in the future", faults)


def check_class(given: str | None, pack: Pack) -> None:
    """Raises Invalid for a class that the pack does not know."""
    check_known("class", given, pack.classes)


def check_department(given: str | None, pack: Pack) -> None:
    """Raises Invalid for a department that the pack does not know."""
    check_known("department", given, pack.departments)


def check_known(what: str, given: str | None, options: Iterable[str]) -> None:
    """Raises Invalid, naming what there is, for a value that is not one of these."""
    if given is not None and given not in options:
        fault = Fault(detail=f"use one of {', '.join(options)}", pointer=f"#/{what}")
        raise Invalid(f"The policy pack does not know this {what}", [fault])


def revise(state: Complaint, given: Revision, sealed: Mapping[str, str]) -> tuple[Complaint, list[Fact]]:
    """The particulars as they stand after a revision; nothing is told if none changed.

    `sealed` are the private details under their names. Raises Conflict for a closed complaint, Invalid for
    what the pack does not know.
    """
    if state.stage in ENDED:
        raise Conflict("A closed complaint is not revised; it would have to be reopened")
    if state.revised is not None and state.revised.revision >= MOST_REVISIONS:
        raise Conflict(f"A complaint is revised at most {MOST_REVISIONS} times")
    pack, before = pack_of(state), known(state)
    check_class(given.class_, pack)
    check_department(given.department, pack)
    state = _with_details(state, split(given.details, pack), sealed)
    named: list[Fact] = []
    if given.respondents is not None:
        new = [name for name in dict.fromkeys(given.respondents) if name not in state.respondents]
        named = [HandlerNamed(cycle=state.cycle, handler=name, duty="respondent") for name in new]
        state = state.model_copy(update={"respondents": list(given.respondents)})
    after = _changed(before, given, state.details)
    private = dict.fromkeys(state.withheld, "")
    check_required(after, state.given.channel, state.given.language, set(state.has), private, pack)
    if after == before:
        return state, named
    after = after.model_copy(update={"revision": before.revision + 1})
    return state.model_copy(update={"revised": after}), [after, *named]


def _with_details(state: Complaint, details: Split, sealed: Mapping[str, str]) -> Complaint:
    """The record with these details. Raises Invalid if they are too many."""
    update = {
        "details": state.details | details.public,
        "withheld": sorted({*state.withheld, *details.private}),
        "personal": state.personal | {name: text for name, text in sealed.items() if state.erased is None},
    }
    if len(update["details"]) + len(update["withheld"]) > MOST_DETAILS:
        fault = Fault(detail=f"a complaint has at most {MOST_DETAILS} details", pointer="#/details")
        raise Invalid("These are too many details", [fault])
    return state.model_copy(update=update)


def _changed(before: FactsRevised, given: Revision, details: Mapping[str, Detail]) -> FactsRevised:
    """What is known after a revision, with the number it had before."""
    changes = given.model_dump(exclude_none=True, exclude={"details", "facts", "product", "respondents"})
    if given.facts is not None:
        changes["facts"] = before.facts.model_copy(update=given.facts.model_dump(exclude_unset=True))
    if given.product is not None:
        changes["product"] = before.product.model_copy(update=given.product.model_dump(exclude_unset=True))
    return FactsRevised.model_validate(before.model_dump() | changes | {"details": details})
