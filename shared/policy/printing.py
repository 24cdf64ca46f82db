"""Printing: whether everything that a pack's papers name can stand on them."""

from collections.abc import Iterable, Iterator

from shared.policy.pack import Pack
from shared.policy.papers import PRINTABLE, REACHED
from shared.policy.texts import no_such

Found = Iterator[tuple[tuple[str | int, ...], str]]


def unprintable(pack: Pack) -> Found:
    """Everything on a paper that is not there to be printed."""
    for name, paper in pack.papers.items():
        if not paper.fields:
            yield ("papers", name), "a paper has at least one field"
        for field in paper.fields:
            yield from _known(("papers", name, "fields"), "field", field, {*pack.fact_rules, *PRINTABLE})
        for field in sorted({each for each in paper.fields if paper.fields.count(each) > 1}):
            yield ("papers", name, "fields"), f"{field} stands there twice"
        yield from _known(("papers", name, "stage"), "stage", paper.stage, REACHED)
        for act, role in paper.signed_by.items():
            yield from _known(("papers", name, "signed_by", act), "role", role, pack.roles)
    for name, scheme in pack.schemes.items():
        for grade, rule in scheme.grades.items():
            if rule.paper is not None:
                place = ("schemes", name, "grades", grade, "paper")
                yield from _known(place, "paper", rule.paper, pack.papers)


def _known(place: tuple[str, ...], what: str, name: str, known: Iterable[str]) -> Found:
    if name not in (names := {*known}):
        yield place, no_such(what, name, names)
