"""Handling: what a person asks for is checked against the table, roles and rules, then takes effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple

from services.intake.domain.approval import may_approve, outstanding, proposed_by
from services.intake.domain.complaint import (
    Action,
    Asked,
    Complaint,
    Evidence,
    Note,
    check_same,
)
from services.intake.domain.doing import effect, handled
from services.intake.domain.ending import check_speaks, is_gravest, may_confirm
from services.intake.domain.facts import check_rules, held_back, pack_of, waits_for
from services.intake.domain.hearing import Handled, advance, moved
from services.intake.domain.particulars import Revision, revise
from services.intake.domain.roles import Actor, check_may, holds_role
from services.intake.domain.stages import ENDED, IN_HAND, TOLD, Stage, arrow, steps_from
from services.intake.domain.steps import Communicate, Screen, WriteNote
from shared.envelope import Cause
from shared.events import ComplaintResumed, EvidenceAdded, Fact
from shared.problems import Conflict, Forbidden, PreconditionFailed

KEPT = timedelta(hours=48)
"""How long the key of a request is known."""
MOST_ENTRIES = 1_000
"""Actions of people that one record takes."""
MOST_OF_A_PARTNER = 200
MOST_WORDS = 4 * 2**20
"""Characters of sealed texts that it takes before."""
MOST_EVIDENCE = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: as whom, under which key (None: none), with the digest of its payload.

    `edition` is the one that they have read, if they say so.

    `sealed` are its free texts by the names under which they are kept, `words` those names by field.
    """

    asked: Any
    by: Actor
    key: str | None = None
    digest: str = ""
    edition: int | None = None
    sealed: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


class AddEvidence(NamedTuple):
    """A file that is kept beside the record already; `texts` holds its name, to be sealed."""

    file: Evidence
    texts: Mapping[str, str]


def take(state: Complaint | None, cause: Cause[Request]) -> Handled:
    """Do what a person asks for, once for its key.

    Raises PreconditionFailed if it has changed since they read it; Conflict, naming what is possible now, if
    the stage does not allow it; Forbidden if it is not for this person; Invalid if it lacks something, or the
    key was used for something else.
    """
    assert state is not None
    asked = cause.data
    kept = {key: each for key, each in state.requests.items() if cause.time - each.at < KEPT}
    if asked.key is not None and asked.key in kept:
        check_same(kept[asked.key].digest, asked.digest)
        return state, []
    if asked.edition not in (None, state.edition):
        raise PreconditionFailed("It has changed since you read it: read it again")
    check_may(speaker(asked.by, state), named(asked.asked), departments_of(state), state.respondents)
    check_room(state, asked.asked, asked.by)
    after, facts = apply(state, cause)
    if asked.key is not None:
        kept[asked.key] = Asked(digest=asked.digest, at=cause.time)
    seen = {"requests": kept, "edition": state.edition + 1}
    return advance(state, after.model_copy(update=seen), facts, cause)


def named(asked: Any) -> str:
    """What a request is called in the table of roles."""
    names: dict[type, str] = {
        Revision: "revise", WriteNote: "note", Communicate: "communicate", AddEvidence: "add evidence"
    }  # fmt: skip
    return names.get(type(asked)) or str(asked.step)


def departments_of(state: Complaint) -> tuple[str, ...]:
    """The departments that must answer."""
    return state.route.departments if state.route else ()


def speaker(actor: Actor, state: Complaint) -> Actor:
    """The actor, with the role of spokesperson where they were named such."""
    named = state.emergency is not None and actor.is_one_of([state.emergency.spokesperson])
    return replace(actor, roles=actor.roles | {"spokesperson"}) if named else actor


def check_room(state: Complaint, asked: Any, by: Actor) -> None:
    """Raises Conflict for a record that has grown as far as it may; steps, which end it, may go further."""
    adds = isinstance(asked, Revision | WriteNote | Communicate | AddEvidence)
    if adds and by.is_partner and sum(each.by == by.name for each in state.actions) >= MOST_OF_A_PARTNER:
        raise Conflict(f"A partner adds to a complaint at most {MOST_OF_A_PARTNER} times")
    further = 1 if adds else 1.25
    words = sum(len(text) for text in state.personal.values())
    if len(state.actions) >= MOST_ENTRIES * further or words >= MOST_WORDS * further:
        raise Conflict("This record has grown as far as it may; go on in a new complaint, and link the two")


def apply(state: Complaint, cause: Cause[Request]) -> Handled:
    """What was asked for, with the trace it leaves of who did it and what they said."""
    asked = cause.data
    personal = state.personal if state.erased else state.personal | dict(asked.sealed)
    words = {} if state.erased else dict(asked.words)
    match asked.asked:
        case Revision() as given:
            after, facts = revise(state, given, asked.sealed)
            return acted(after, cause, "revise", ""), facts
        case WriteNote() | Communicate() as given:
            if isinstance(given, Communicate) and (given.direction, given.with_) == ("out", "customer"):
                check_speaks(state, asked.by)
            check_kept(state)
            note = noted(given, cause, words)
            changes = {"notes": [*state.notes, note], "personal": personal}
            return acted(state.model_copy(update=changes), cause, named(given), ""), []
        case AddEvidence(file=file):
            after, facts = with_evidence(state, file)
            return acted(after.model_copy(update={"personal": personal}), cause, "add evidence", ""), facts
    after, when, facts = go(state, cause)
    return acted(after.model_copy(update={"personal": personal}), cause, asked.asked.step, when, words), facts


def acted(
    state: Complaint, cause: Cause[Request], what: str, when: str, words: Mapping[str, str] | None = None
) -> Complaint:
    action = Action(
        at=cause.time, by=cause.data.by.name, what=what, when=when, cycle=state.cycle, words=dict(words or {})
    )
    return state.model_copy(update={"actions": [*state.actions, action]})


def noted(given: WriteNote | Communicate, cause: Cause[Request], words: dict[str, str]) -> Note:
    if isinstance(given, WriteNote):
        seen = "partner" if cause.data.by.is_partner else given.visibility
        return Note(at=cause.time, by=cause.data.by.name, visibility=seen, words=words)
    return Note(
        at=given.at or cause.time,
        by=cause.data.by.name,
        direction=given.direction,
        channel=given.channel,
        with_=given.with_,
        words=words,
    )


def check_evidence(state: Complaint) -> None:
    """Raises Conflict when the record can take no more files."""
    check_kept(state)
    if state.stage in ENDED:
        raise Conflict("A closed complaint takes no more evidence; it would have to be reopened")
    if len(state.evidence) >= MOST_EVIDENCE:
        raise Conflict(f"A complaint takes at most {MOST_EVIDENCE} files")


def check_kept(state: Complaint) -> None:
    """Raises Conflict where nothing can be kept that may point to the customer."""
    if state.erased is not None:
        raise Conflict("What points to the customer was erased; nothing more can be kept of them")


def with_evidence(state: Complaint, file: Evidence) -> Handled:
    """The record with one more file, numbered."""
    check_evidence(state)
    kept = file.model_copy(update={"number": len(state.evidence) + 1})
    told = EvidenceAdded(number=kept.number, media_type=kept.media_type, size=kept.size)
    return state.model_copy(update={"evidence": [*state.evidence, kept]}), [told]


# steps


def go(state: Complaint, cause: Cause[Request]) -> tuple[Complaint, str, list[Fact]]:
    """The step itself, and which way of the table it took. What ends or answers the matter ends a wait."""
    step, by = cause.data.asked, cause.data.by
    if step.step not in allowed(state) and not _beside_the_lead(state, step):
        raise Conflict(refusal(state, step.step))
    when, changes, told = effect(state, step, by, dict(cause.data.words), cause)
    facts = [*told, *handled(state, step.step, by)]
    way = arrow(state.stage, step.step, when)
    if way is None:
        raise Conflict(refusal(state, step.step))
    target = way.target or state.stage
    after = state.model_copy(update=changes | {"stage": target})
    refused = isinstance(step, Screen) and step.decision == "refused"
    check_rules(after, "refuse" if refused else step.step)
    after = moved(state, after, cause.time)
    if after.waits_for is None or target not in ENDED | TOLD:
        return after, when, facts
    resumed = ComplaintResumed(cycle=state.cycle, number=state.waits)
    return after.model_copy(update={"waits_for": None}), when, [resumed, *facts]


def _beside_the_lead(state: Complaint, step: Any) -> bool:
    """Departments beside the lead, or one that leads only since, accept at any later stage, too."""
    if step.step != "accept" or state.stage not in IN_HAND or "accept" in pack_of(state).without:
        return False
    routed = state.dispatched.get(state.cycle)
    told = state.accepted.get(state.cycle, [])
    return step.department is not None or (routed is not None and routed.lead not in told)


def refusal(state: Complaint, step: str) -> str:
    """Why a step is not possible, and what is."""
    held = held_back(state)
    waits = [f"revise the facts: the dispatch waits for {'; '.join(held)}"] if held else []
    nothing = "it is archived" if state.stage is Stage.ARCHIVED else "the next event comes from elsewhere"
    now = ", ".join([*waits, *allowed(state)]) or f"nothing by hand: {nothing}"
    return f"'{step}' is not possible at stage '{state.stage}'; possible now: {now}"


def allowed(state: Complaint) -> list[str]:
    """The steps that are possible now, those of the way through the house first."""
    without = pack_of(state).without
    return [
        step
        for step in steps_from(state.stage)
        if (step == "close" or step not in without) and GUARDS.get(step, _always)(state)
    ]


def _always(state: Complaint) -> bool:
    return True


GUARDS: Mapping[str, Callable[[Complaint], bool]] = {
    "screen": lambda state: state.screened != "in_scope",
    "approve": lambda state: bool(outstanding(state)),
    "reject": lambda state: bool(outstanding(state)) or state.stage in (Stage.PROPOSED, Stage.APPROVED),
    "offer": lambda state: not outstanding(state),
    "agree": lambda state: not outstanding(state),
    "start": lambda state: not outstanding(state),
    "implement": lambda state: not outstanding(state),
    "answer": lambda state: state.passed is not False,
    "pause": lambda state: state.waits_for is None,
    "resume": lambda state: state.waits_for is not None,
    "emergency": is_gravest,
    "reopen": lambda state: state.outcome != "merged",
}
"""Step -> whether the complaint is such that it makes sense, where the stage alone does not say."""


def possible_for(state: Complaint, actor: Actor) -> list[str]:
    """The steps that are possible now and for this person."""
    speaking = speaker(actor, state)
    return [step for step in allowed(state) if holds_role(speaking, step) and _may(speaking, step, state)]


def asked_before(state: Complaint, actor: Actor) -> dict[str, list[str]]:
    """What rules of the pack want before each step that is possible for this person, if anything."""
    wanted = {step: waits_for(state, step) for step in possible_for(state, actor)}
    return {step: facts for step, facts in wanted.items() if facts}


def _may(actor: Actor, step: str, state: Complaint) -> bool:
    try:
        check_may(actor, step, departments_of(state), state.respondents)
        if step == "answer":
            check_speaks(state, actor)
    except Forbidden:
        return False
    if step in ("approve", "reject"):
        return may_approve(state, actor) or (step == "reject" and proposed_by(state, actor))
    return step != "disown" or state.stage is not Stage.DISOWNED or may_confirm(state, actor)
