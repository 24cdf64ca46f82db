"""Wording: a pack's tests and durations as people say them."""

from collections.abc import Iterator

from shared.events import Language
from shared.policy import Comparison, Duration, Pack, Test, plain

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "and": " and ", "or": " or ", "not": "not ({})", "always": "always", "list": ", ", "fact": "{} {}",
        "hours": "{} hours", "working_hours": "{} working hours", "working_days": "{} working days",
        "days": "{} calendar days", "roll": "moved on to a working day",
    },
    "zh-CN": {
        "and": "，且", "or": "，或", "not": "并非（{}）", "always": "总是", "list": "、", "fact": "{}{}",
        "hours": "{} 小时", "working_hours": "{} 个工作小时", "working_days": "{} 个工作日",
        "days": "{} 个自然日", "roll": "顺延至工作日",
    },
}  # fmt: skip


class Wording:
    """A pack's words in one language."""

    def __init__(self, pack: Pack, language: Language) -> None:
        self.pack, self.language, self.words = pack, language, WORDS[language]

    def listed(self, names: Iterator[str] | list[str] | tuple[str, ...]) -> str:
        return self.words["list"].join(names)

    def fact(self, name: str) -> str:
        """A fact's title."""
        found = self.pack.fact_rules.get(name) or self.pack.measures.get(name) or self.pack.counters.get(name)
        return found.title[self.language] if found else name

    def test(self, test: Test) -> str:
        """A test as a phrase."""
        parts = list(self._parts(test))
        return self.words["and"].join(parts) if parts else self.words["always"]

    def _parts(self, test: Test) -> Iterator[str]:
        for name, asked in (test.model_extra or {}).items():
            told = self._titled(name, asked).words(self.language)
            yield self.words["fact"].format(self.fact(name), told)
        yield from (self.test(inner) for inner in test.all)
        if test.any:
            ways = self.words["or"].join(self.test(inner) for inner in test.any)
            yield f"({ways})" if self.language == "en" else f"（{ways}）"
        if test.not_ is not None:
            yield self.words["not"].format(self.test(test.not_))

    def _titled(self, name: str, asked: Comparison) -> Comparison:
        """The comparison with titles for the options that it names."""
        rule = self.pack.facts.get(name)
        titles = {option: title[self.language] for option, title in rule.options.items()} if rule else {}
        if name == "class":
            titles = {each: kind.title[self.language] for each, kind in self.pack.classes.items()}
        if asked.one_of is not None:
            return Comparison(one_of=tuple(titles.get(each, each) for each in asked.one_of))
        if isinstance(asked.is_, str):
            return Comparison(is_=titles.get(asked.is_, asked.is_))
        return asked

    def duration(self, given: Duration) -> str:
        for unit in ("hours", "working_hours", "working_days", "days"):
            if (amount := getattr(given, unit)) is not None:
                said = self.words[unit].format(plain(amount))
                return f"{said}{self.words['list']}{self.words['roll']}" if given.roll else said
        return ""
