"""Particulars: what is known of the matter, checked against the pack when it is given, and revised later."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from services.intake.domain.complaint import (
    MOST_DETAILS,
    Complaint,
    Details,
    Given,
    GivenFacts,
    NewComplaint,
)
from services.intake.domain.stages import Stage
from shared import clock
from shared.events import Demand, Detail, Fact, FactsRevised, Instant, Money, Name, Particulars, Product
from shared.policy import FactValue, Pack, load, measured, plain, read_fact, stated
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


def first_known(given: NewComplaint, details: Mapping[str, Detail], pack: Pack) -> dict[str, Any]:
    """The particulars of a new complaint, as events carry them."""
    kept = {"class_", "demand", "loss", "facts", "tier", "customer_deadline"}
    product = Product.model_validate(given.product.model_dump())
    return given.model_dump(include=kept) | {"product": product, "details": public(details, pack)}


def check_class(given: str | None, pack: Pack) -> None:
    """Raises Invalid for a class that the pack does not know."""
    _check_known("class", given, pack.classes)


def check_department(given: str | None, pack: Pack) -> None:
    """Raises Invalid for a department that the pack does not know."""
    _check_known("department", given, pack.departments)


def _check_known(what: str, given: str | None, known: Iterable[str]) -> None:
    if given is not None and given not in known:
        fault = Fault(detail=f"use one of {', '.join(known)}", pointer=f"#/{what}")
        raise Invalid(f"The policy pack does not know this {what}", [fault])


def read_details(given: Mapping[str, Any], pack: Pack) -> dict[str, Detail]:
    """Details in the form of their facts. Raises Invalid for what the pack does not know or cannot read."""
    if unknown := sorted(set(given) - set(pack.facts)):
        known = f"use some of {', '.join(pack.facts)}" if pack.facts else "this pack asks for no details"
        faults = [Fault(detail=known, pointer=f"#/details/{name}") for name in unknown]
        raise Invalid("The policy pack does not know these details", faults)
    read = {name: _read(name, value, pack) for name, value in given.items()}
    check_marks(read, pack)
    return {name: value for name, value in read.items() if value is not None}


def check_marks(details: Mapping[str, Any], pack: Pack) -> None:
    """Raises Invalid for an instant that leaves a mark, so has been, and yet lies in the future."""
    at = {rule.at for rule in pack.marks.values()}
    told = {name: value for name, value in details.items() if name in at and value is not None}
    if ahead := [name for name, value in told.items() if datetime.fromisoformat(value) > clock.now()]:
        faults = [Fault(detail="give an instant not later than now", pointer=f"#/details/{n}") for n in ahead]
        raise Invalid("What has happened cannot lie in the future", faults)


def _read(name: str, value: Any, pack: Pack) -> Detail | None:
    found = read_fact(name, pack.facts[name], value, pack.money, "#/details/")
    return plain(found) if isinstance(found, datetime | Decimal) else found


def public(details: Mapping[str, Detail], pack: Pack) -> dict[str, Detail]:
    """The details that may leave the record."""
    return {
        name: value for name, value in details.items() if name in pack.facts and not pack.facts[name].stays
    }


def check_required(
    given: NewComplaint, known: Particulars, details: Mapping[str, Detail], pack: Pack
) -> None:
    """Raises Invalid for fields that the pack requires of such a complaint and that are not there."""
    facts: dict[str, FactValue] = stated(known, pack.facts, pack.money)
    facts |= {"channel": given.channel, "language": given.language, "cycle": 1}
    known_details = {name: value for name, value in details.items() if name in pack.facts}
    facts |= {n: read_fact(n, pack.facts[n], value, pack.money) for n, value in known_details.items()}
    said = given.model_dump(exclude_none=True)
    there = {*facts, *(name for name, place in PLACES.items() if _given(said, place))}
    required = pack.required_fields(measured(pack.measures, facts)) & {*PLACES, *pack.fact_rules}
    if missing := sorted(required - there - {"class", "grade"}):
        told = "the policy pack requires this of such a complaint"
        faults = [Fault(detail=told, pointer=f"#/{_place(each, pack)}") for each in missing]
        raise Invalid(f"The policy pack {pack.pack} requires more", faults)


def _place(field: str, pack: Pack) -> str:
    """Where in a new complaint a required field stands."""
    return f"details/{field}" if field in pack.facts else PLACES.get(field, field)


def _given(said: Mapping[str, Any], place: str) -> bool:
    found: Any = said
    for part in place.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found is not None


PLACES = {
    "name": "complainant/name",
    "contact": "complainant",
    "email": "complainant/email",
    "phone": "complainant/phone",
    "address": "complainant/address",
    "description": "description",
    "order": "product/order",
    "product": "product/name",
    "model": "product/model",
    "batch": "product/batch",
    "demand_type": "demand/type",
    **{name: f"facts/{name}" for name in GivenFacts.model_fields},
}
"""Fields of the record that are given at registration; all others are asked for later."""


def held_back(state: Complaint) -> list[str]:
    """What the dispatch of a graded complaint waits for: the facts that a rule of the pack asks for."""
    if state.stage is not Stage.GRADED:
        return []
    pack = load(state.pack, state.pack_version)
    known = state.revised or FactsRevised(revision=0, **first_known(state.given, state.details, pack))
    facts: dict[str, FactValue] = stated(known, pack.facts, pack.money)
    about = {"channel": state.given.channel, "language": state.given.language, "cycle": state.cycle}
    facts |= about | {"grade": state.grade.grade if state.grade else None}
    rules = pack.held_back("dispatch", measured(pack.measures, facts))
    return [f"{', '.join(sorted({*rule.needs.names()}))} [{rule.clause}]" for rule in rules]


def revise(state: Complaint, given: Revision) -> tuple[Complaint, list[Fact]]:
    """The particulars as they stand after a revision; nothing is told if none changed.

    Raises Conflict for a closed complaint, Invalid for what the pack does not know.
    """
    if state.stage is Stage.CLOSED:
        raise Conflict("A closed complaint is not revised; it would have to be reopened")
    if state.revised is not None and state.revised.revision >= MOST_REVISIONS:
        raise Conflict(f"A complaint is revised at most {MOST_REVISIONS} times")
    pack = load(state.pack, state.pack_version)
    check_class(given.class_, pack)
    check_department(given.department, pack)
    details = state.details | read_details(given.details, pack)
    if len(details) > MOST_DETAILS:
        fault = Fault(detail=f"a complaint has at most {MOST_DETAILS} details", pointer="#/details")
        raise Invalid("These are too many details", [fault])
    before = state.revised or FactsRevised(revision=0, **first_known(state.given, state.details, pack))
    changes = given.model_dump(exclude_none=True, exclude={"details", "facts", "product"})
    if given.facts is not None:
        changes["facts"] = before.facts.model_copy(update=given.facts.model_dump(exclude_unset=True))
    if given.product is not None:
        changes["product"] = before.product.model_copy(update=given.product.model_dump(exclude_unset=True))
    after = FactsRevised.model_validate(before.model_dump() | changes | {"details": public(details, pack)})
    check_required(state.given, after, details, pack)
    if after == before and details == state.details:
        return state, []
    after = after.model_copy(update={"revision": before.revision + 1})
    return state.model_copy(update={"revised": after, "details": details}), [after]
