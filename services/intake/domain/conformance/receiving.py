"""Receiving: taking a complaint in, telling the customer so, and telling them where it stands."""

from datetime import timedelta

from services.intake.domain.conformance.case import (
    ERASED,
    OPEN,
    TAKEN_BACK,
    Case,
    Verdict,
    beside,
    no,
    of_clocks,
    run_out,
    yes,
)
from services.intake.domain.facts import LATER, PLACES
from shared.policy import Route

AT_ONCE = timedelta(hours=24)
"""What counts as an immediate acknowledgement where the pack has no clock for it; this house's own figure."""
REMEDY = ("remedy_sought", "demand_kind")
"""Facts by which packs record what the customer asks for, beside the demand that every complaint may have."""
NEEDS: dict[Route, str] = {"email": "email", "call": "phone", "message": "phone", "letter": "address"}
"""Way of answering -> what must be known of the customer for it."""


def communication(case: Case) -> Verdict:
    """Whether what is needed to answer on the customer's own channel was taken down."""
    route = case.pack.feedback.get(case.state.given.channel)
    if route is None:
        return beside("The pack answers nobody on this channel", "制度未规定该渠道的答复方式")
    if NEEDS[route] in case.state.has:
        return yes("They can be told the way they came", "可按投诉人自己的渠道答复")
    return no(f"The way to answer is {route}; no {NEEDS[route]} is known", "未登记该渠道答复所需的联系方式")


def missing(case: Case) -> set[str]:
    """Fields that the pack wants of such a complaint as it stands, and that are not there."""
    state = case.state
    if not case.pack.required:
        return set()
    wanted = case.pack.required_fields(case.facts) & {*PLACES, *case.pack.fact_rules, *LATER}
    there = {*case.facts, *state.has, *state.withheld, "class", "grade"}
    return wanted - there - ({"evidence"} if state.evidence else set())


def receipt(case: Case) -> Verdict:
    """A number of its own, and every field that the pack requires."""
    if not (absent := sorted(missing(case))):
        return yes("Recorded under its own number, nothing missing", "已编号登记，必填项齐全")
    if case.state.erased is not None:
        return ERASED
    names = ", ".join(absent)
    return case.until(
        Verdict("open", f"Still missing: {names}", f"尚缺：{names}"),
        TAKEN_BACK,
        no(f"Never recorded: {names}", f"始终未登记：{names}"),
    )


def remedy(case: Case) -> Verdict:
    """What the customer asks for is on record."""
    state = case.state
    named = {*state.details, *state.withheld}
    if (state.revised or state.given).demand is not None or not named.isdisjoint(REMEDY):
        return yes("What they ask for is on record", "已记录诉求")
    return case.until(OPEN, TAKEN_BACK, no("Nobody recorded what they ask for", "未记录诉求"))


def tracking(case: Case) -> Verdict:
    """Where it stands is told at deadlines: whoever a deadline fails hears a word."""
    rules = case.pack.clocks
    promised = {name for name, rule in rules.items() if not rule.internal and not rule.target}
    late = any(run_out(due) for due in of_clocks(case.state, promised))
    words = any(note.direction == "out" and note.with_ == "customer" for note in case.state.notes)
    if late and not words:
        return no("A deadline passed and nobody told them where it stands", "时限已过而未告知进度")
    if not case.ended:
        return OPEN
    if late:
        return yes("A deadline passed, and they were told where it stands", "时限虽过，已告知进度")
    return yes("No deadline passed without its step", "各时限内均有进展")


def acknowledgement(case: Case) -> Verdict:
    """The customer heard at once that it arrived."""
    state = case.state
    clocks = {name for name, rule in case.pack.clocks.items() if rule.stop == "acknowledged"}
    if any(run_out(due) for due in of_clocks(state, clocks)):
        return no("Not acknowledged within its time", "未在时限内告知受理")
    if state.acknowledged_at is not None:
        if not clocks and state.acknowledged_at - state.registered_at > AT_ONCE:
            return no("Acknowledged, but not within a day", "已告知受理，但超过一天")
        return yes("Acknowledged in time", "已及时告知受理")
    if state.erased is not None:
        return ERASED
    return case.until(OPEN, TAKEN_BACK, no("Never acknowledged", "始终未告知受理"))
