"""Who approves a solution: by amount and matter, one after the other, separate people, and delegates."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.intake.domain.approval import NewDelegation, delegate, outstanding
from services.intake.domain.handling import allowed, possible_for
from services.intake.domain.roles import Actor
from shared.problems import Conflict, Forbidden, Invalid
from tests.kit.complaint import START
from tests.kit.intake import (
    OTHER,
    STAFF,
    actor,
    at_dispatched,
    at_proposed,
    money,
    retail_investigated,
)

# approval: P09 (drawn up, reviewed, approved), P10 (over authority), P22 (counsel), P29


def test_reviewer_and_approver_are_separate_people_and_not_the_proposer() -> None:
    record = at_proposed("cn-packaging-abcd", details={"phenomena": ["late_delivery"]})
    assert outstanding(record.state) == ["reviewer", "approver"]
    assert "offer" not in allowed(record.state)
    with pytest.raises(Conflict):
        record.do("offer")
    with pytest.raises(Forbidden, match="proposed it"):
        record.do("approve", actor(STAFF.name, "reviewer"))
    with pytest.raises(Conflict, match="in this order: reviewer, approver"):
        record.do("approve", actor("ann", "approver"), role="approver")
    record.do("approve", actor("rita", "reviewer", "approver"))
    assert record.stage == "proposed"
    with pytest.raises(Forbidden, match="in another role"):
        record.do("approve", actor("rita", "reviewer", "approver"))
    assert record.do("approve", actor("ann", "approver")).stage == "approved"
    assert record.do("offer").stage == "offered"


def test_a_rejection_sends_it_back_with_a_reason_and_a_new_proposal_starts_anew() -> None:
    record = at_proposed("cn-packaging-abcd", details={"phenomena": ["late_delivery"]})
    record.do("approve", actor("rita", "reviewer"))
    record.do("reject", actor("ann", "approver"))
    assert record.stage == "investigated"
    assert record.state.actions[-1].words["reason"] in record.state.personal
    record.do("propose")
    assert outstanding(record.state) == ["reviewer", "approver"]


def test_above_authority_two_more_must_approve() -> None:
    record = retail_investigated()
    record.do("propose", cost=money("100"), compensation=money("100"))
    assert outstanding(record.state) == []
    record.do("offer").do("negotiate").do("propose", cost=money("900000"), compensation=money("900000"))
    assert outstanding(record.state) == ["department_head", "general_manager"]


def test_no_more_is_spent_than_was_approved() -> None:
    record = at_proposed().do("offer").do("agree")
    with pytest.raises(Invalid, match="no cost was proposed"):
        record.do("implement", spent=money("0.01"))
    other = (
        at_dispatched()
        .do("accept")
        .do("investigate")
        .do("propose", cost=money("100"))
        .do("offer")
        .do("agree")
    )
    with pytest.raises(Invalid, match="at most 100 CNY"):
        other.do("implement", spent=money("100.01"))
    assert other.do("implement", spent=money("100.00")).state.spent.value == Decimal("100.00")  # type: ignore[union-attr]


def test_a_delegate_approves_between_the_dates_and_never_for_the_proposer() -> None:
    head = actor("head", "reviewer")
    given = NewDelegation.model_validate(
        {"role": "reviewer", "to": "dora", "from": START, "until": START + timedelta(days=3)}
    )
    assert delegate(given, head, START).by == "head"
    with pytest.raises(Forbidden, match="do not hold"):
        delegate(given, actor("nobody", "handler"), START)
    with pytest.raises(Invalid):
        delegate(given, head, START + timedelta(days=4))
    record = at_proposed("cn-packaging-abcd", details={"phenomena": ["late_delivery"]})
    own = Actor("dora", frozenset({"handler"}), instead={"reviewer": (STAFF.name,)})
    with pytest.raises(Forbidden, match="Whoever delegated"):
        record.do("approve", own)
    record.do("approve", Actor("dora", frozenset({"handler"}), instead={"reviewer": ("head",)}))
    assert record.state.approvals[0].instead_of == "head"
    with pytest.raises(Forbidden, match="in another role"):
        record.do("approve", actor("head", "approver"))


def test_what_became_graver_since_is_approved_by_more() -> None:
    record = retail_investigated().do("propose", compensation=money("10"), cost=money("10"))
    record.revise(details={"compensation": 900_000})
    assert outstanding(record.state) == []  # the record knows its own proposal better
    record.do("offer")


def test_a_proposer_takes_a_proposal_back_and_approves_none() -> None:
    record = at_proposed("cn-packaging-abcd", details={"phenomena": ["late_delivery"]})
    assert "approve" not in possible_for(record.state, STAFF)
    assert "reject" in possible_for(record.state, STAFF)
    assert record.do("reject").stage == "investigated"
    plain = at_proposed().do("reject")
    assert plain.stage == "investigated"
    other = at_proposed()
    with pytest.raises(Conflict, match="no further approval"):
        other.do("reject", OTHER)
