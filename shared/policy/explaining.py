"""Explaining: a judgement in words that people read, in all languages."""

from collections.abc import Iterator
from typing import get_args

from shared.events import ComplaintGraded, Language, Match
from shared.policy.facts import UNIVERSAL
from shared.policy.pack import Pack

COLON: dict[Language, str] = {"en": ": ", "zh-CN": "："}


def explained(graded: ComplaintGraded, pack: Pack) -> dict[Language, list[str]]:
    """Every reason for a judgement as a sentence, by language."""
    return {
        language: [_sentence(match, pack, language) for match in graded.matches]
        for language in get_args(Language)
    }


def _sentence(match: Match, pack: Pack, language: Language) -> str:
    scheme = pack.schemes.get(match.scheme)
    grade = scheme.grades.get(match.grade) if scheme else None
    title = grade.title[language] if grade else match.grade
    parts = [part for part in (match.rule, match.clause) if part]
    where = " · ".join(parts)
    return f"{title}{COLON[language]}{' '.join(_because(match, pack, language))} [{where}]"


def _because(match: Match, pack: Pack, language: Language) -> Iterator[str]:
    """The fact's title, its value, and what it was compared with."""
    fact = pack.facts.get(match.fact) or UNIVERSAL.get(match.fact)
    named = fact or pack.measures.get(match.fact) or pack.counters.get(match.fact)
    if match.fact:
        yield named.title[language] if named else match.fact
    if match.value:
        option = fact.options.get(match.value) if fact else None
        yield option[language] if option else match.value
    comparison = pack.comparisons.get((match.fact, match.comparison))
    yield f"({comparison.words(language) if comparison else match.comparison})"
