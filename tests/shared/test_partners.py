"""A partner sees its own complaints only, whatever other word stands beside that one."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.intake.domain.roles import Actor
from shared.principals import Principal
from shared.settings import ApiKeys

ROLES = st.frozensets(st.sampled_from(["partner", "subscriber", "handler", "data_protection", "sung"]))


@given(roles=ROLES)
def test_whoever_is_a_partner_is_kept_to_its_own_in_every_room(roles: frozenset[str]) -> None:
    who, actor = Principal(name="x", roles=roles), Actor("x", roles)
    assert who.is_partner is actor.is_partner is ("partner" in roles)
    assert who.is_subscriber is (roles == {"subscriber"})


@given(roles=ROLES)
def test_a_partner_is_nothing_else_but_perhaps_a_subscriber(roles: frozenset[str]) -> None:
    fits = bool(roles) and ("partner" not in roles or roles <= {"partner", "subscriber"})
    with nullcontext() if fits else pytest.raises(ValidationError):
        assert ApiKeys(keys=(), roles=roles).roles == roles
