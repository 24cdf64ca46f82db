"""Laws of grading: more loss is never lighter, reasons suffice to recompute, order does not matter."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain import grading, outcome
from services.triage.domain.case import Case, Known
from services.triage.domain.classification import Reading
from shared.documents import Draft
from shared.events import (
    ComplaintGraded,
    ComplaintInvestigated,
    FactsRevised,
    Match,
    Money,
    StatementRecorded,
)
from shared.policy import FactRule, explained, in_use, load
from tests.kit.complaint import COMPLAINT, START, registered
from tests.kit.triage import House, cause, money


def recomputed(matches: tuple[Match, ...], scheme: str) -> str:
    """The grade from the explanation alone: all comparisons checked, the gravest, or a person's word."""
    found = [match for match in matches if match.scheme == scheme]
    assert all(true(match) for match in found)
    final = [match for match in found if match.final]
    return final[-1].grade if final else min(found, key=lambda match: match.rank).grade


def true(match: Match) -> bool:
    """Whether what a match says of its value is so."""
    sign, _, bound = match.comparison.partition(" ")
    match sign:
        case ">=" | ">" | "<=" | "<":
            value, first = Decimal(match.value), Decimal(bound.split(" ")[0])
            return {">=": value >= first, ">": value > first, "<=": value <= first, "<": value < first}[sign]
        case "is":
            told = {"true": "yes", "false": "no"}.get(match.value, match.value)
            return told == bound or bound in told.split(", ")
        case "one":
            return bool(set(match.value.split(", ")) & set(bound.removeprefix("of ").split(", ")))
        case "known":
            return match.value != ""
    return match.fact in ("", "run") or match.fact.startswith("decision") or sign == "not"


# laws


amounts = st.decimals(min_value=0, max_value=10**6, places=2)
some_facts = st.fixed_dictionaries(
    {},
    optional={
        "injured": st.integers(0, 3),
        "fire": st.booleans(),
        "urgent": st.booleans(),
        "affected_customers": st.integers(0, 20),
    },
)


@given(amounts, amounts, st.booleans())
def test_a_higher_loss_never_lowers_the_grade(one: Decimal, other: Decimal, urgent: bool) -> None:
    ranks = []
    for value in sorted((one, other)):
        house = House()
        id = house.complain(loss=Money(value=value, currency="CNY"), facts={"urgent": urgent})
        ranks.append(min(match.rank for match in house.judged(id).matches))
    assert ranks[1] <= ranks[0]


@given(
    amounts,
    some_facts,
    st.sampled_from(["email", "media", "regulator"]),
    st.sampled_from(["-", "caught fire", "坏了"]),
)
def test_the_explanation_alone_suffices_to_recompute_the_grade(
    loss: Decimal, facts: dict[str, Any], channel: str, text: str
) -> None:
    house = House()
    id = house.complain(channel=channel, loss=Money(value=loss, currency="CNY"), facts=facts, text=text)
    found = ComplaintGraded.model_validate_json(house.judged(id).model_dump_json(by_alias=True))
    assert {scheme: recomputed(found.matches, scheme) for scheme in found.grades} == found.grades
    house.decide(id, "grade", "severity", "critical")
    found = house.judged(id)
    assert recomputed(found.matches, "severity") == found.grade == "critical"


@given(st.permutations(["registered", "statement", "revised", "cause"]))
def test_the_order_of_news_does_not_matter(order: list[str]) -> None:
    news = {
        "registered": registered(loss=money("10"), pack="base"),
        "statement": StatementRecorded(pack="base", pack_version=1, text="broken", fingerprints=("p",)),
        "revised": FactsRevised(revision=1, loss=money("6000"), verified=True),
        "cause": ComplaintInvestigated(cycle=1, cause="material"),
    }
    house, id = House(), uuid4()
    for name in order:
        house.change(id, grading.hear, news[name])
    found = house.judged(id).model_copy(update={"revision": 0, "reason": "facts"})
    assert (found.grade, found.provisional, found.class_) == ("serious", False, "product_quality")


def test_an_event_is_decided_once() -> None:
    draft: Draft[Any] = Draft(COMPLAINT)
    event = cause(registered())
    assert draft.decide(grading.hear, event, "triage", journal=None)
    assert not draft.decide(grading.hear, event, "triage", journal=None)


def test_start_is_aware_of_its_offset() -> None:
    assert datetime(2026, 9, 18, 9, 59, tzinfo=UTC) == START


def some(rule: FactRule) -> st.SearchStrategy[Any]:
    """Values of a fact's type."""
    match rule.type:
        case "integer":
            return st.integers(0, 2_000)
        case "decimal" | "money":
            return st.decimals(min_value=0, max_value=20_000, places=2).map(str)
        case "boolean":
            return st.booleans()
        case "choice":
            return st.sampled_from(sorted(rule.options))
        case "choices":
            return st.lists(st.sampled_from(sorted(rule.options)), max_size=3, unique=True)
        case "instant":
            return st.just("2026-06-01T09:00:00+08:00")
    return st.sampled_from(["red", "blue"])


USABLE = [(pack, version) for pack, version, refused in in_use() if not refused]


@pytest.mark.parametrize(("name", "version"), USABLE, ids=[name for name, _ in USABLE])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_reasons_suffice_under_every_pack(name: str, version: int, data: st.DataObject) -> None:
    pack = load(name, version)
    details = data.draw(
        st.fixed_dictionaries({}, optional={each: some(rule) for each, rule in pack.facts.items()})
    )
    given: dict[str, Any] = {
        "class_": data.draw(st.sampled_from([None, *pack.classes])),
        "channel": data.draw(st.sampled_from(pack.channels)),
        "loss": Money(value=data.draw(amounts), currency="CNY"),
        "facts": data.draw(some_facts),
        "details": dict(list(details.items())[:30]),
    }
    known = Known(
        id=uuid4(),
        registered=registered(pack=name, **given),
        reading=Reading(),
        revised=None,
    )
    found = outcome.graded(Case.of(known, 1, pack))
    assert {scheme: recomputed(found.matches, scheme) for scheme in pack.schemes} == found.grades
    assert set(explained(found, pack)) == {"zh-CN", "zh-TW", "en"}
    assert outcome.dispatched(Case.of(known, 1, pack), found.class_).lead in pack.departments
