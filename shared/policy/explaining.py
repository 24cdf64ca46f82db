"""Explaining: a judgement in words that people read, in all languages."""

from collections.abc import Iterator, Mapping

from shared.events import ComplaintGraded, Language, Match
from shared.policy.facts import UNIVERSAL, FactRule
from shared.policy.pack import Class, Department, Pack
from shared.policy.schemes import Grade
from shared.policy.words import in_all, in_script

COLON: dict[Language, str] = in_all({"en": ": ", "zh-CN": "："})


def explained(graded: ComplaintGraded, pack: Pack) -> dict[Language, list[str]]:
    """Every reason for a judgement as a sentence, by language."""
    return {language: [_sentence(match, pack, language) for match in graded.matches] for language in COLON}


def _sentence(match: Match, pack: Pack, language: Language) -> str:
    scheme = pack.schemes.get(match.scheme)
    grade = scheme.grades.get(match.grade) if scheme else None
    title = grade.title[language] if grade else match.grade
    parts = [part for part in (match.rule, match.clause) if part]
    where = in_script(" · ".join(parts), language)
    return f"{title}{COLON[language]}{' '.join(_because(match, pack, language))} [{where}]"


def _because(match: Match, pack: Pack, language: Language) -> Iterator[str]:
    """The fact's title, its value, and what it was compared with."""
    kind, _, name = match.fact.partition(".")
    fact = pack.facts.get(match.fact) or UNIVERSAL.get(match.fact)
    named = fact or pack.measures.get(match.fact) or pack.counters.get(match.fact)
    if kind == "cue":
        yield WORDS["cue"][language].format(name)
        return
    if named:
        yield named.title[language]
    if kind == "decision" and name in pack.decisions:
        yield pack.decisions[name].title[language]
    if match.value:
        yield _value(match, fact, pack, language)
    comparison = pack.comparisons.get((match.fact, match.comparison))
    names = {name: titles[language] for name, titles in fact.options.items()} if fact else {}
    told = comparison.words(language, names) if comparison else _plainly(match.comparison, pack, language)
    yield f"({told})"


def _value(match: Match, fact: FactRule | None, pack: Pack, language: Language) -> str:
    """Options, grades and departments by their titles, truth as yes and no."""
    if match.value in ("true", "false") and fact and fact.type == "boolean":
        return WORDS[match.value][language]
    titles = dict(fact.options) if fact else {}
    titled: dict[str, Mapping[str, Class | Department | Grade]]
    titled = {"department": pack.departments, "class": pack.classes}
    if match.fact in TITLED:
        titles |= {name: each.title for name, each in titled.get(match.fact, pack.grades).items()}
    found = [titles[each][language] if each in titles else each for each in match.value.split(", ")]
    return COMMA[language].join(found)


def _plainly(comparison: str, pack: Pack, language: Language) -> str:
    """What a match says that compares nothing."""
    for said, words in WORDS.items():
        if comparison.startswith(said):
            rest = comparison.removeprefix(said).strip()
            role = pack.roles.get(rest)
            return words[language].format(role.title[language] if role else rest.partition(" ")[0])
    return comparison


COMMA: dict[Language, str] = in_all({"en": ", ", "zh-CN": "、"})
TITLED = ("department", "class", "grade", "run", "decision")
WORDS: dict[str, dict[Language, str]] = {
    "true": in_all({"en": "yes", "zh-CN": "是"}),
    "false": in_all({"en": "no", "zh-CN": "否"}),
    "cue": in_all({"en": "the text speaks of {}", "zh-CN": "文字提及 {}"}),
    "no row matches": in_all({"en": "no row matches", "zh-CN": "没有条款符合"}),
    "nothing speaks against it": in_all({"en": "nothing speaks against it", "zh-CN": "无相反事实"}),
    "more than": in_all({"en": "after more than {} in a row", "zh-CN": "连续超过 {} 起"}),
    "decided by": in_all({"en": "decided by {}", "zh-CN": "由{}裁定"}),
    "answered by": in_all({"en": "answered by {}", "zh-CN": "由{}答复"}),
    "awaits": in_all({"en": "awaits {}", "zh-CN": "待{}裁定"}),
}
"""How `outcome` begins what compares nothing, and how people say it."""
