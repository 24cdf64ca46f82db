"""Every pack on the shelf gives its regulation's known answers, and a wrong figure in one is found out."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from shared.policy import Draft, activate, available, build, draft_of, load, load_calendar
from shared.policy.proof import failures
from shared.policy.reading import trials
from shared.problems import Invalid, Problem

BOX = available()
CHINA = load_calendar("cn-mainland")
Place = tuple[str | int, ...]


@cache
def draft(pack: str, version: int) -> Draft:
    return draft_of(pack, version)


def vectors() -> Iterator[Any]:
    """One case for each vector; a pack that cannot be read fails in `test_it_builds`."""
    for pack, version in BOX:
        try:
            names = [each["name"] for each in draft(pack, version).content.get("vectors", ())]
        except Problem:
            continue
        yield from (
            pytest.param(pack, version, number, id=f"{pack}: {name}") for number, name in enumerate(names)
        )


@pytest.mark.parametrize(("pack", "version", "number"), list(vectors()))
def test_a_vector_holds(pack: str, version: int, number: int) -> None:
    written = draft(pack, version)
    bound = trials(written) | written.content["vectors"][number].get("with", {})
    built = build(written, pack, bound)
    assert not failures(built, load_calendar(built.calendar), built.vectors[number])


@pytest.mark.parametrize(("pack", "version"), BOX)
def test_it_builds(pack: str, version: int) -> None:
    written = draft(pack, version)
    assert build(written, pack, trials(written)).pack == pack


@pytest.mark.parametrize(("pack", "version"), BOX)
def test_it_has_vectors_of_different_names(pack: str, version: int) -> None:
    names = [each["name"] for each in draft(pack, version).content["vectors"]]
    assert len(names) >= 3
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("pack", "version"), BOX)
def test_it_can_be_used_unless_a_parameter_is_open(pack: str, version: int) -> None:
    unbound = [name for name, each in parameters(pack, version).items() if each.get("value") is None]
    if not unbound:
        assert load(pack, version).version == version
        return
    with pytest.raises(Invalid) as refusal:
        load(pack, version)
    told = [fault.pointer for fault in refusal.value.errors]
    assert told == [f"#/parameters/{name}" for name in unbound]


def parameters(pack: str, version: int) -> dict[str, dict[str, Any]]:
    given = draft(pack, version).content.get("parameters", {})
    return {name: each if isinstance(each, dict) else {"value": each} for name, each in given.items()}


def test_an_open_parameter_is_named() -> None:
    content = deepcopy(draft("cn-quality-deduction", 1).content)
    del content["parameters"]["unit_rounding"]["value"]
    with pytest.raises(Invalid, match="the parameter unit_rounding is not bound"):
        activate(Draft(content), "mine")


FIGURES = {
    "cn-quality-deduction": ("1", "0.00001"),
    "cn-packaging-abcd": ("1", "0.01"),
    "cn-dealer-abc": ("0.01", "0.01"),
    "cn-ecommerce-upgrade": ("1", "0.01"),
    "cn-retail-4level": ("1", "0.01"),
}
"""Pack -> by how much its whole figures and its fractions are changed."""

IDLE = {
    "cn-quality-deduction": {
        "measures/points_a/steps/1/when/faulty_a/at_most 99",
        "measures/points_b/steps/1/when/faulty_b/at_most 99",
        "measures/points_c/steps/1/when/faulty_c/at_most 199",
        "schemes/deduction/rows/2/when/points/at_most 31",
        "schemes/deduction/rows/3/when/cost/at_most 5001",
        "schemes/deduction/rows/4/when/points/at_most 11",
        "schemes/deduction/rows/4/when/points/at_most 9",
        "schemes/deduction/rows/5/when/cost/at_most 2001",
        "schemes/deduction/rows/5/when/cost/at_most 1999",
    },
    "cn-packaging-abcd": {
        "schemes/abcd/rows/4/when/loss/below 5001",
        "schemes/abcd/rows/8/when/loss/below 1001",
        "schemes/abcd/rows/8/when/loss/below 999",
    },
    "cn-dealer-abc": {
        "schemes/level/rows/7/when/score/at_least 7.99",
        "schemes/level/rows/8/when/score/at_least 8.99",
        "schemes/level/rows/9/when/score 10.01",
        "schemes/level/rows/9/when/score 9.99",
    },
}
"""Changes that change no grade: a graver row matches too, no row gives the same, or two bands meet."""


@pytest.mark.parametrize("pack", FIGURES)
def test_no_figure_can_be_changed_unnoticed(pack: str) -> None:
    written, (whole, fraction) = draft(pack, 1), FIGURES[pack]
    unnoticed = set()
    for place in figures(written.content):
        old = at(written.content, place)
        step = Decimal(whole if isinstance(old, int) else fraction)
        changed = [Decimal(str(old)) + step, Decimal(str(old)) - step]
        unnoticed |= {
            f"{'/'.join(map(str, place))} {new}" for new in changed if not noticed(written, place, new)
        }
    assert unnoticed == IDLE.get(pack, set())


def figures(content: dict[str, Any]) -> Iterator[Place]:
    """Where the rules of a pack have numbers; the counter `repeats` comes from the foundation."""
    for section in ("parameters", "measures", "counters", "schemes", "quotas", "targets"):
        for place in leaves(content.get(section, {}), (section,)):
            if place[:2] != ("counters", "repeats"):
                yield place


def leaves(part: Any, place: Place) -> Iterator[Place]:
    match part:
        case dict():
            for name, value in part.items():
                yield from leaves(value, (*place, name))
        case list():
            for number, value in enumerate(part):
                yield from leaves(value, (*place, number))
        case int() | float() if not isinstance(part, bool):
            yield place


def at(content: Any, place: Place) -> Any:
    for part in place:
        content = content[part]
    return content


def noticed(written: Draft, place: Place, new: Decimal) -> bool:
    """Whether a vector fails once this figure is another, or the pack breaks its form."""
    content = deepcopy(written.content)
    at(content, place[:-1])[place[-1]] = int(new) if new % 1 == 0 else float(new)
    changed, bound = Draft(content), trials(written)
    try:
        plain = build(changed, "changed", bound)
        return any(
            failures(
                build(changed, "changed", bound | dict(each.with_)) if each.with_ else plain, CHINA, each
            )
            for each in plain.vectors
        )
    except Invalid:
        return True


WRONG: list[tuple[str, Place, Any, str]] = [
    ("cn-quality-deduction", ("measures", "points_a", "steps", 3, "base"), 31, "A 501 jumps"),
    ("cn-packaging-abcd", ("quotas", 2, "each", "printing"), 4, "the fourth C of printing"),
    ("cn-dealer-abc", ("schemes", "level", "rows", 5, "when", "score", "below"), 5.5, "5.9 and A"),
    (
        "cn-ecommerce-upgrade",
        ("counters", "within_48h", "hours"),
        47,
        "a second after 48 hours to the second",
    ),
]
"""Pack, a place in it, a wrong figure there, and the vector that knows better."""


@pytest.mark.parametrize(("pack", "place", "value", "vector"), WRONG)
def test_a_wrong_figure_is_refused_by_the_vector_that_knows(
    pack: str, place: Place, value: Any, vector: str
) -> None:
    content = deepcopy(draft(pack, 1).content)
    at(content, place[:-1])[place[-1]] = value
    with pytest.raises(Invalid, match="does not give its own known answers") as refusal:
        activate(Draft(content), "changed")
    assert any(vector in fault.detail for fault in refusal.value.errors)
