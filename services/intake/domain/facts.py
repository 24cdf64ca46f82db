"""The facts of a record: what rules may ask of it, what it still lacks, and which steps must wait.

What the record itself knows it says itself, under the names that packs use; only where it knows nothing does
a detail count that a person gave.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.intake.domain.complaint import Complaint
from services.intake.domain.forms import GivenFacts, NewComplaint
from services.intake.domain.stages import Stage
from shared.events import Detail, FactsRevised, Money, Particulars
from shared.policy import FactRule, FactValue, Pack, load, measured, read_fact, stated
from shared.problems import Conflict, Fault, Invalid

WITHHELD = "withheld"
"""What a fact is to rules that stays sealed in the record: known, and no more."""
SETS = ("record", "investigation", "solution", "communication", "result")
"""The five sets of papers of a closed case (P10)."""

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
    "place": "place",
    **{name: f"facts/{name}" for name in GivenFacts.model_fields},
}
"""Fields of the record that are given at registration; all others are asked for later."""
_PATHS = {name: place.split("/") for name, place in PLACES.items()}
LATER = frozenset({"evidence"})
"""Fields that cannot be given with the form; the complaint is not accepted by a department without them."""


def pack_of(state: Complaint) -> Pack:
    """The pack that holds now."""
    return load(state.pack, state.pack_version)


def known(state: Complaint) -> FactsRevised:
    """What is known of the matter now."""
    return state.revised or FactsRevised(revision=0, **first_known(state))


def first_known(state: Complaint) -> dict[str, Any]:
    """What the complaint said at first, with the details as they are now."""
    kept = {"class_", "demand", "loss", "facts", "tier", "customer_deadline", "product"}
    return state.given.model_dump(include=kept) | {"details": state.details}


def facts_of(state: Complaint) -> dict[str, FactValue]:
    """Everything that rules may ask about a complaint as it stands."""
    pack = pack_of(state)
    facts = said(known(state), state.given.channel, state.given.language, state.cycle, pack)
    facts = pack.scored(facts, state.cycle, state.scores)
    facts |= {name: WITHHELD for name in state.withheld if name in pack.facts}
    facts |= {"grade": state.grade.grade, "class": state.grade.class_} if state.grade else {}
    return measured(pack.measures, facts | recorded(state, pack))


def said(told: Particulars, channel: str, language: str, cycle: int, pack: Pack) -> dict[str, FactValue]:
    """The facts that a complaint itself tells."""
    facts: dict[str, FactValue] = stated(told, pack.facts, pack.money)
    return facts | {"channel": channel, "language": language, "cycle": cycle}


RECORDED: Mapping[str, Callable[[Complaint], Any]] = {
    "cause": lambda state: state.root_cause,
    "department": lambda state: state.solution.department if state.solution else None,
    "owner": lambda state: WITHHELD if state.solution and state.solution.owner else None,
    "completion": lambda state: state.solution.due if state.solution else None,
    "solution_cost": lambda state: state.solution.cost if state.solution else None,
    "compensation": lambda state: state.solution.compensation if state.solution else None,
    "interim_measure": lambda state: state.solution.measure if state.solution else None,
    "permanent_measure": lambda state: state.solution.permanent if state.solution else None,
    "audited": lambda state: state.passed,
    "in_scope": lambda state: None if state.screened is None else state.screened == "in_scope",
    "admitted": lambda state: None if state.screened is None else state.screened == "in_scope",
    "refusal_reason": lambda state: WITHHELD if state.screened == "refused" else None,
    "handler_named": lambda state: state.handler is not None or None,
    "not_ours": lambda state: bool(state.disowned) or None,
    "not_ours_confirmations": lambda state: len(state.disowned) or None,
    "explained": lambda state: True if state.outcome == "not_ours" and state.reply else None,
    "solution_confirmed": lambda state: state.agreed or None,
    "no_agreement": lambda state: state.outcome == "disagreed" or None,
    "remedies_named": lambda state: state.outcome == "disagreed" or None,
    "team_named": lambda state: state.emergency is not None or None,
    "plan_started": lambda state: state.emergency is not None or None,
    "spokesperson_named": lambda state: state.emergency is not None or None,
    "adverse_event": lambda state: state.adverse_event.occurred if state.adverse_event else None,
    "adverse_event_assessed": lambda state: state.adverse_event.assessed if state.adverse_event else None,
    "summary_written": lambda state: state.summary is not None or None,
    "archive": lambda state: archived_sets(state),
}
"""Fact -> what the record knows of it, None if nothing."""
FORMS: Mapping[str, type | tuple[type, ...]] = {
    "integer": int,
    "decimal": Decimal,
    "money": Decimal,
    "boolean": bool,
    "text": str,
    "choice": str,
    "choices": tuple,
    "instant": datetime,
}


def recorded(state: Complaint, pack: Pack) -> dict[str, FactValue]:
    """What the record knows, of the facts that the pack has."""
    rules = pack.fact_rules
    found = {name: _value(tell(state), pack) for name, tell in RECORDED.items() if name in rules}
    return {name: value for name, value in found.items() if _fits(value, rules[name])}


def _value(value: Any, pack: Pack) -> FactValue:
    return pack.money.worth(value) if isinstance(value, Money) else value


def _fits(value: FactValue, rule: FactRule) -> bool:
    """Whether the record means by this name what the pack means by it."""
    if isinstance(value, bool):
        return rule.type == "boolean"
    if isinstance(value, tuple):
        return rule.type == "choices" and set(value) <= set(rule.options)
    return value is not None and isinstance(value, FORMS[rule.type])


def archived_sets(state: Complaint) -> tuple[str, ...]:
    """Which of the five sets of papers the record holds."""
    solved = state.outcome in ("resolved", "disagreed")  # else there is nothing of these to file
    there = (
        True,
        state.root_cause is not None or not solved,
        state.solution is not None or not solved,
        state.reply is not None or any(note.direction for note in state.notes),
        state.reply is not None,
    )
    return tuple(name for name, held in zip(SETS, there, strict=True) if held)


def waits_for(state: Complaint, step: str) -> list[str]:
    """What rules of the pack want before this step, each with its clause; empty if it need not wait."""
    rules = pack_of(state).held_back(step, facts_of(state))
    wanted = [f"{', '.join(sorted({*rule.needs.names()}))} [{rule.clause}]" for rule in rules]
    return wanted + (
        [f"{', '.join(lacks)} [required]"] if step == "accept" and (lacks := lacking(state)) else []
    )


def held_back(state: Complaint) -> list[str]:
    """What the dispatch of a graded complaint waits for: the facts that a rule of the pack asks for."""
    return waits_for(state, "dispatch") if state.stage is Stage.GRADED else []


def check_rules(state: Complaint, step: str) -> None:
    """Raises Conflict, naming the facts and the clause, if a rule of the pack holds this step back."""
    if waits := waits_for(state, step):
        raise Conflict(f"'{step}' must wait: the policy pack {state.pack} asks for {'; '.join(waits)}")


# what a record must hold


def lacking(state: Complaint) -> list[str]:
    """Required fields that are given later than the form, and are not there yet.

    An erased record lacks none, for it takes none.
    """
    if state.erased is not None:
        return []
    required = pack_of(state).required_fields(facts_of(state)) & LATER
    return sorted(required - ({"evidence"} if state.evidence else set()))


def check_required(
    told: Particulars, channel: str, language: str, given: set[str], private: Mapping[str, Detail], pack: Pack
) -> None:
    """Raises Invalid for fields that the pack requires of such a complaint and that are not there.

    `given` are the fields of the form that were filled in, `private` the details that stay in the record.
    """
    facts = said(told, channel, language, 1, pack)
    facts |= {name: WITHHELD for name in private if name in pack.facts}
    wanted = pack.required_fields(measured(pack.measures, facts)) & {*PLACES, *pack.fact_rules}
    if missing := sorted(wanted - {*facts} - given - {"class", "grade"}):
        words = "the policy pack requires this of such a complaint"
        faults = [Fault(detail=words, pointer=f"#/{_place(each, pack)}") for each in missing]
        raise Invalid(f"The policy pack {pack.pack} requires more", faults)


def _place(field: str, pack: Pack) -> str:
    """Where in a new complaint a required field stands."""
    return f"details/{field}" if field in pack.facts else PLACES.get(field, field)


def given_fields(given: NewComplaint) -> set[str]:
    """The fields of the form that were filled in, by the names that packs use."""
    return {name for name, path in _PATHS.items() if _there(given, path)}


def _there(given: Any, path: Sequence[str]) -> bool:
    for part in path:
        given = getattr(given, part, None)
    return given is not None


def read_details(given: Mapping[str, Any], pack: Pack) -> dict[str, FactValue]:
    """Details in the form of their facts. Raises Invalid for what the pack does not know or cannot read."""
    if unknown := sorted(set(given) - set(pack.facts)):
        words = f"use some of {', '.join(pack.facts)}" if pack.facts else "this pack asks for no details"
        faults = [Fault(detail=words, pointer=f"#/details/{name}") for name in unknown]
        raise Invalid("The policy pack does not know these details", faults)
    return {
        name: read_fact(name, pack.facts[name], value, pack.money, "#/details/")
        for name, value in given.items()
    }
