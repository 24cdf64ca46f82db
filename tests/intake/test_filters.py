"""What a list lists, a board shows: a query and `shows` take the same complaints, whatever is asked."""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.holding import Holder, held_since, holder
from services.intake.domain.ledger import ALIKE, Filters, facets, query, shows
from services.intake.domain.roles import Actor
from shared.events import DeadlineSet
from shared.problems import Forbidden
from tests.kit.complaint import START
from tests.kit.found import takes
from tests.kit.intake import OTHER, PARTNER, STAFF, Record, at_dispatched, at_proposed

HOUR = timedelta(hours=1)
NOW = START + 24 * HOUR
WAY = ("offer", "agree", "start", "implement", "audit", "answer")


@cache
def records() -> tuple[Record, ...]:
    """Complaints at every turn of their way."""
    pump: dict[str, Any] = {"product": {"name": "pump", "batch": "B1"}, "tier": "key", "channel": "store"}
    fresh = Record(**pump)
    late = at_dispatched().hear(DeadlineSet(cycle=1, clock="accept", due=START + HOUR, started=START))
    soon = at_dispatched(by="elsewhere").hear(
        DeadlineSet(cycle=1, clock="accept", due=NOW + HOUR, started=START)
    )
    assigned = at_dispatched(**pump).do("assign")
    about = at_dispatched().do("assign").revise(respondents=[OTHER.name])
    ways = [at_proposed().through(*WAY[:length]) for length in range(len(WAY) + 1)]
    closed = at_proposed(**pump).through(*WAY).told().scored(9)
    again = at_proposed().through(*WAY).told().scored(1)
    waiting = at_dispatched().do("pause")
    withdrawn = Record("cn-kpi-95", **pump | {"channel": "fax"}).do("withdraw")
    return (fresh, late, soon, assigned, about, *ways, closed, again, waiting, withdrawn)


def told(name: str) -> st.SearchStrategy[Any]:
    """Values that some have, and one that none has where any word will do."""
    found = {value for each in records() for value in several(facets(each.state)[name]) if value is not None}
    strange = set() if name in ("stage", "outcome", "channel", "holder") else {"none such"}
    return st.sampled_from(sorted(found | strange))


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


INSTANTS = st.sampled_from([START - HOUR, START, START + HOUR, NOW, NOW + HOUR, NOW + 2 * HOUR])
SPANS = (
    "registered_from", "registered_to", "closed_from", "closed_to", "due_from", "due_before",
)  # fmt: skip
ABSENT = ("class", "grade", "cause", "product", "batch", "group", "lead", "outcome", "score")


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    """One to three filters; one alone must be met often, or nothing would be told apart."""
    ways: dict[str, st.SearchStrategy[Any]] = {name: told(name) for name in ALIKE}
    ways["number"] = ways["number"].map(str.lower)
    ways["department"] = told("departments")
    ways |= dict.fromkeys(SPANS, INSTANTS)
    ways |= dict.fromkeys(("open", "overdue"), st.booleans()) | dict.fromkeys(
        ("score_from", "score_to"), st.integers(0, 10)
    )
    ways["unknown"] = st.lists(st.sampled_from(ABSENT), min_size=1, max_size=3).map(",".join)
    names = draw(st.lists(st.sampled_from(sorted(ways)), min_size=1, max_size=3, unique=True))
    return Filters.model_validate({name: draw(ways[name]) for name in names})


@given(filters(), st.sampled_from([STAFF, OTHER, PARTNER]))
def test_a_query_finds_what_is_shown(wanted: Filters, reader: Actor) -> None:
    for each in records():
        shown = shows(wanted, each.state, reader, NOW)
        try:
            asked = query(wanted, reader, NOW)
        except Forbidden:
            assert not shown
        else:
            assert takes(asked, facets(each.state)) is shown, (wanted, each.stage)


@pytest.mark.parametrize(
    "name", sorted([*ALIKE - {"number"}, "departments", "next_deadline", "closed_at", "score"])
)
def test_some_have_it_and_some_do_not(name: str) -> None:
    """Or the property above would tell little."""
    found = [facets(each.state)[name] for each in records()]
    assert len({str(value) for value in found}) > 1


def test_every_filter_is_tried() -> None:
    known = {each.alias or name for name, each in Filters.model_fields.items()}
    assert known == ALIKE | {"department", "open", "overdue", "unknown", "score_from", "score_to", *SPANS}


@pytest.mark.parametrize("asked", [{"handler": "Li"}, {"holder": "desk"}, {"unknown": "grade,cause"}])
def test_partners_do_not_see_how_the_house_works(asked: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match=next(iter({"unknown": "cause"}.get(name, name) for name in asked))):
        query(Filters.model_validate(asked), PARTNER, NOW)


def test_whom_it_is_about_does_not_find_it_by_who_handles_it() -> None:
    record = at_dispatched().do("assign").revise(respondents=[OTHER.name])
    wanted = Filters(handler="Li")
    assert shows(wanted, record.state, STAFF, NOW)
    assert not shows(wanted, record.state, OTHER, NOW)


# who holds it


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        ([], Holder("department", "quality")),
        (["assign"], Holder("handler", "Li")),
        (["assign", "pause"], Holder("customer")),
        (["assign", "pause", "resume"], Holder("handler", "Li")),
        (["accept", "investigate", "propose"], Holder("department", "quality")),
        (["accept", "investigate", "propose", "offer"], Holder("customer")),
        (["accept", "investigate", "propose", "offer", "agree"], Holder("department", "quality")),
        (["accept", "investigate", "propose", "offer", "agree", "implement"], Holder("desk")),
        (["withdraw"], Holder("nobody")),
    ],
)
def test_it_lies_with_whoever_must_move(steps: list[str], held: Holder) -> None:
    record = at_dispatched().through(*steps)
    assert holder(record.state) == held
    assert (held_since(record.state) is None) is (held.kind == "nobody")


def test_before_the_dispatch_and_after_the_answer_it_lies_with_the_desk() -> None:
    record = Record()
    assert holder(record.state) == Holder("desk")
    assert holder(record.graded().state) == Holder("desk")
    done = at_proposed().do("assign").through(*WAY)
    assert holder(done.state) == Holder("desk")
    assert holder(done.told().state) == Holder("customer")


def test_a_wait_for_a_third_party_stays_with_whoever_waits() -> None:
    assert holder(at_dispatched().do("pause", waits_for="third_party").state) == Holder(
        "department", "quality"
    )
