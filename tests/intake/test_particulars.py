"""What a complaint says of its matter: read as its pack asks, required where it must be, revised later."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.intake.domain.complaint import Complaint
from services.intake.domain.fingerprints import fingerprints
from services.intake.domain.forms import Complainant
from services.intake.domain.handling import Request, take
from services.intake.domain.particulars import Revision, split
from shared import clock
from shared.events import ComplaintRegistered, Fact, FactsRevised
from shared.policy import load
from shared.problems import Invalid
from tests.kit.intake import STAFF, Record, cause

VEHICLE: dict[str, Any] = {
    "vin": "LSVAA4182E2184847",
    "production_date": "2025-01-05",
    "sale_date": "2025-03-01",
    "mileage": 12_000,
    "fault_count": 2,
}
KEY = b"k" * 32


def taken(pack: str = "base", **changes: Any) -> tuple[Complaint, list[Fact]]:
    record = Record(pack, **changes)
    return record.state, record.facts


def revised(state: Complaint, **given: Any) -> tuple[Complaint, list[Fact]]:
    return take(state, cause(Request(Revision.model_validate(given), STAFF)))


def pointers(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {fault.pointer for fault in refused.value.errors}


@pytest.mark.parametrize("score", [0, 1, 0.0, 1.0, "5.9", 5.9, 10])
def test_a_number_is_taken_as_a_number_however_it_is_written(score: object) -> None:
    _, facts = taken("cn-dealer-abc", details={"score": score})
    registered = facts[0]
    assert isinstance(registered, ComplaintRegistered)
    assert float(str(registered.details["score"])) == float(str(score))


@pytest.mark.parametrize(
    "score",
    [
        True,
        "high",
        "",
        "1E+999999999",
        "NaN",
        "Infinity",
        "-1E-400",
        ["1"],
        {"value": "1", "currency": "CNY"},
    ],
)
def test_what_is_no_number_is_refused(score: object) -> None:
    with pytest.raises(Invalid) as refused:
        taken("cn-dealer-abc", details={"score": score})
    assert pointers(refused) == {"#/details/score"}


def test_what_the_pack_requires_and_was_not_given_is_named_by_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        taken("cn-vehicle-1wd", details={name: VEHICLE[name] for name in VEHICLE if name != "vin"})
    assert "#/details/vin" in pointers(refused)
    assert "#/product/model" in pointers(refused)


def test_a_private_detail_stays_in_the_record() -> None:
    state, facts = taken(
        "cn-vehicle-1wd",
        details=VEHICLE | {"place": "Xi'an"},
        product={"name": "Truck", "model": "T1"},
        complainant={"name": "Ann", "phone": "+86 138 0013 8000"},
    )
    assert "vin" in state.withheld
    assert "vin" not in state.details
    assert state.personal["details/vin"] == f'"{VEHICLE["vin"]}"'
    assert not any(VEHICLE["vin"] in fact.model_dump_json() for fact in facts)
    assert not any("Xi'an" in fact.model_dump_json() for fact in facts), (
        "nor does a text that may be anything"
    )


@pytest.mark.parametrize("name", ["received_at", "customer_deadline"])
def test_an_instant_that_no_clock_can_take_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="between 1990 and 2200"):
        taken(**{name: "0001-01-01T00:00:00+14:00"})


def test_what_has_happened_cannot_lie_in_the_future() -> None:
    ahead = (clock.now() + timedelta(hours=1)).isoformat()
    with pytest.raises(Invalid) as refused:
        split({"onsite_arrived_at": ahead}, load("cn-field-24-48-5", 1))
    assert refused.value.errors[0].pointer == "#/details/onsite_arrived_at"


def test_a_revision_says_all_that_is_known_and_nothing_if_nothing_changed() -> None:
    state, _ = taken("cn-dealer-abc", details={"score": 5.9}, loss={"value": "10", "currency": "CNY"})
    state, facts = revised(state, facts={"injured": 1}, verified=True)
    event = facts[0]
    assert isinstance(event, FactsRevised)
    assert (event.revision, event.facts.injured, event.verified) == (1, 1, True)
    assert event.loss is not None
    assert event.details == {"score": "5.9"}
    assert revised(state, details={"score": "5.9"}, facts={"injured": 1})[1] == []
    _, again = revised(state, facts={"fire": True})
    assert isinstance(again[0], FactsRevised)
    assert (again[0].revision, again[0].facts.injured, again[0].facts.fire) == (2, 1, True)


def test_a_revision_is_checked_like_a_complaint() -> None:
    state, _ = taken()
    for wrong in ({"class": "weather"}, {"department": "moon"}, {"details": {"x": 1}}):
        with pytest.raises(Invalid):
            revised(state, **wrong)


PEOPLE: list[tuple[dict[str, str], dict[str, str], bool]] = [
    ({"email": "Ann@Example.com"}, {"email": "ann@example.com"}, True),
    ({"phone": "+86 138-0013-8000"}, {"phone": "13800138000"}, True),
    ({"phone": "+44 7700 900123"}, {"phone": "07700 900123"}, True),
    ({"email": "ann@example.com", "phone": "13800138000"}, {"phone": "13800138000"}, True),
    ({"email": "ann@example.com"}, {"email": "bob@example.com"}, False),
    ({"phone": "138****8000"}, {"phone": "138****8000"}, False),
    ({"address": "1 Sample St., Exampleton"}, {"address": "1 sample st exampleton"}, True),
]


@pytest.mark.parametrize(("one", "other", "same"), PEOPLE, ids=range(len(PEOPLE)))
def test_a_customer_is_known_again_by_any_way_to_reach_them(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    prints = [
        set(fingerprints(Complainant.model_validate({"name": "Ann"} | who), KEY)) for who in (one, other)
    ]
    assert bool(prints[0] & prints[1]) is same


def test_a_fingerprint_tells_nothing_without_its_key() -> None:
    who = Complainant(name="Ann", phone="13800138000", email="ann@example.com")
    one, other = (fingerprints(who, key) for key in (KEY, b"x" * 32))
    assert not set(one) & set(other)
    assert len(one) == len(other) == 2
