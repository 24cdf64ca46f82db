"""Approval: who must approve a solution, one after the other, and in whose stead.

The matrix is the pack's, by amount, grade and scope; it is asked anew each time, so that what has become
graver since needs more approvals before it is offered. Separate people for separate roles, and none their own
proposal, nor through a delegate.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.complaint import Approved, Complaint
from services.intake.domain.facts import facts_of, pack_of
from services.intake.domain.forms import Given
from services.intake.domain.roles import Actor
from services.intake.domain.stages import SOLVING
from services.intake.domain.steps import Approve, Reject
from shared.events import Fact, Instant, Name, SolutionApproved, SolutionRejected
from shared.policy import Approval
from shared.problems import Conflict, Fault, Forbidden, Invalid

Effect = tuple[str, dict[str, Any], list[Fact]]
"""Which way of the table a step takes, what it changes beside the stage, and what it makes known."""
PROPOSER = "proposer"
"""Who takes a proposal back, where an approval names a role."""
LONGEST = timedelta(days=366)


class NewDelegation(Given):
    """A role that somebody holds is handed to somebody else from one instant to another."""

    role: Name
    to: Name
    since: Instant = Field(alias="from")
    until: Instant


class Delegation(BaseModel):
    """The same, with who gave it."""

    role: str
    by: str
    to: str
    since: AwareDatetime
    until: AwareDatetime


def delegate(given: NewDelegation, by: Actor, now: datetime) -> Delegation:
    """A delegation that can be given. Raises Forbidden for a role that one has not, Invalid for odd dates."""
    if given.role not in by.roles or by.is_partner:
        raise Forbidden("Nobody hands on a role that they do not hold")
    if by.is_one_of([given.to]):
        raise Invalid("Delegate to somebody else", [Fault(detail="name another person", pointer="#/to")])
    if not max(given.since, now) < given.until <= given.since + LONGEST:
        fault = Fault(detail="give an instant after `from` and now, within 366 days", pointer="#/until")
        raise Invalid("A delegation has a beginning and an end", [fault])
    return Delegation(role=given.role, by=by.name, to=given.to, since=given.since, until=given.until)


def outstanding(state: Complaint) -> list[str]:
    """The roles that have still to approve the present proposal, in order.

    An approval counts for the clauses it was given under: whoever approved a sum has not yet approved of harm
    that came to light later.
    """
    if state.solution is None or state.solution.number != state.proposals:
        return []
    given = {(each.role, clause) for each in state.approvals for clause in each.clauses}
    wanted = ((role, rule.clause) for rule in rules_of(state) for role in rule.roles)
    return list(dict.fromkeys(role for role, clause in wanted if (role, clause) not in given))


def rules_of(state: Complaint) -> list[Approval]:
    """The rules of the matrix that hold for the present proposal."""
    facts = facts_of(state)
    return [rule for rule in pack_of(state).approvals if rule.when.holds(facts)]


def approve(state: Complaint, step: Approve, by: Actor, at: datetime) -> Effect:
    """One role's approval. Raises Conflict out of turn, Forbidden for whoever may not give it."""
    role = _turn(state, step.role)
    instead_of = _as_whom(state, role, by)
    clauses = tuple(rule.clause for rule in rules_of(state) if role in rule.roles)
    given = Approved(role=role, clauses=clauses, by=by.name, instead_of=instead_of, at=at)
    after = state.model_copy(update={"approvals": [*state.approvals, given]})
    left = outstanding(after)
    told = SolutionApproved(cycle=state.cycle, number=state.proposals, role=role, left=tuple(left))
    way = "since the offer" if state.stage in SOLVING else "more to come" if left else "last"
    return way, {"approvals": after.approvals}, [told]


def reject(state: Complaint, step: Reject, by: Actor) -> Effect:
    """One role's refusal, or the proposer's own: another proposal is to be found."""
    role = PROPOSER if proposed_by(state, by) else _turn(state, step.role)
    if role != PROPOSER:
        _as_whom(state, role, by)
    return "", {"approvals": []}, [SolutionRejected(cycle=state.cycle, number=state.proposals, role=role)]


def _turn(state: Complaint, role: str | None) -> str:
    left = outstanding(state)
    if not left:
        raise Conflict("This proposal needs no further approval; it can be offered")
    if role not in (None, left[0]):
        raise Conflict(f"The approvals come in this order: {', '.join(left)}")
    return left[0]


def proposed_by(state: Complaint, by: Actor) -> bool:
    """Whether the present proposal is this person's, who may take it back."""
    return state.solution is not None and state.solution.by == by.name


def may_approve(state: Complaint, by: Actor) -> bool:
    """Whether the next approval can be this person's."""
    left = outstanding(state)
    try:
        return bool(left) and _as_whom(state, left[0], by) != ""
    except Forbidden:
        return False


def _as_whom(state: Complaint, role: str, by: Actor) -> str | None:
    """In whose stead the actor approves, None if in their own right. Raises Forbidden."""
    assert state.solution is not None
    barred = set(state.respondents)
    if any(rule.distinct for rule in rules_of(state) if role in rule.roles):
        barred |= {state.solution.by} | {
            who for each in state.approvals if each.role != role for who in (each.by, each.instead_of) if who
        }
    if by.name in barred:
        raise Forbidden("Whoever proposed it, or approved it in another role, does not approve it")
    if role in by.roles:
        return None
    givers = by.instead.get(role, ())
    if not givers:
        raise Forbidden(
            f"This approval is for the role {role}, or whom somebody who holds it delegated it to"
        )
    free = [giver for giver in givers if not Actor(giver).is_one_of(barred)]
    if not free:
        raise Forbidden("Whoever delegated this role proposed it, or approved it in another role")
    return free[0]
