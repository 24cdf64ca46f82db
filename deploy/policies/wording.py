"""Wording: a pack's names, tests and durations as people say them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deploy.policies.vocabulary import CHINESE
from shared.events import Language
from shared.policy import Before, Comparison, Duration, Pack, Test, in_all, in_script, phrase, plain

Section = tuple[str, str, list[list[str]]]
"""The key of a pack, what it is called, and what stands there in rows."""

WORDS: dict[Language, dict[str, str]] = in_all({
    "en": {
        "and": " and ", "or": " or ", "not": "not ({})", "always": "always", "list": ", ", "fact": "{} {}",
        "hours": "{} hours", "working_hours": "{} working hours", "working_days": "{} working days",
        "days": "{} calendar days", "roll": "moved on to a working day",
        "from_opening": "from the next opening", "closing": "till closing time",
        "same_time": "till the same time of day",
        "working_before": "{} working hours before the end", "cue": "the text speaks of {}",
        "share": "after {} % of the time", "before": "{} hours before the end", "later": "{} after {}",
        "within": "within {} hours",
        "step": "{}: {}", "adds": " + {} for every {} beyond {} ({})",
    },
    "zh-CN": {
        "and": "，且", "or": "，或", "not": "并非（{}）", "always": "总是", "list": "、", "fact": "{}{}",
        "hours": "{} 小时", "working_hours": "{} 个工作小时", "working_days": "{} 个工作日",
        "days": "{} 个自然日", "roll": "顺延至工作日", "from_opening": "非工作时间自下次上班起算",
        "closing": "至下班时", "same_time": "至同一时刻", "working_before": "到期前 {} 个工作小时",
        "cue": "文字提及 {}",
        "share": "用时达 {} %", "before": "到期前 {} 小时", "later": "{}（{}后）", "within": "{} 小时内",
        "step": "{}：{}", "adds": "，每 {1} 加 {0}，自 {2} 起（{3}）",
    },
})  # fmt: skip


class Wording:
    """A pack's words in one language."""

    def __init__(self, pack: Pack, language: Language) -> None:
        self.pack, self.language, self.words = pack, language, WORDS[language]

    def say(self, word: str) -> str:
        """A heading or small word, given in English."""
        return phrase(self.language, CHINESE.get(word, word), word)

    def listed(self, names: Iterable[str]) -> str:
        return self.words["list"].join(names)

    def title(self, thing: Any) -> str:
        found: str = thing.title[self.language]
        return found

    def titles(self, things: Mapping[str, Any]) -> dict[str, str]:
        return {name: self.title(each) for name, each in things.items()}

    def named(self, names: Iterable[str], things: Mapping[str, Any]) -> str:
        """Titles in a list; a name that is none of the things stays as it is."""
        return self.listed(self.title(things[each]) if each in things else each for each in names)

    def fact(self, name: str) -> str:
        """A fact's title."""
        found = self.pack.fact_rules.get(name) or self.pack.measures.get(name) or self.pack.counters.get(name)
        return self.title(found) if found else name

    def series(self, names: Iterable[str]) -> str:
        """The facts in which complaints are the same."""
        told = (self.say(each) if each == "customer" else self.fact(each) for each in names)
        return f"{self.say('same')} {self.listed(told)}"

    def test(self, test: Test) -> str:
        """A test as a phrase."""
        parts = list(self._parts(test))
        return self.words["and"].join(parts) if parts else self.words["always"]

    def _parts(self, test: Test) -> Iterator[str]:
        for name, asked in (test.model_extra or {}).items():
            kind, _, cue = name.partition(".")
            if kind == "cue" and asked.is_ is True:
                yield self.words["cue"].format(cue)
                continue
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
        known: dict[str, Mapping[str, Any]]
        known = {"class": self.pack.classes, "department": self.pack.departments, "grade": self.pack.grades}
        titles |= self.titles(known.get(name, {}))
        if asked.one_of is not None:
            return Comparison(one_of=tuple(titles.get(each, each) for each in asked.one_of))
        if isinstance(asked.is_, str):
            return Comparison(is_=titles.get(asked.is_, asked.is_))
        return asked

    def cited(self, test: Test, clause: str) -> str:
        """A test, and where the regulation says it."""
        return f"{self.test(test)}  {self.clause(clause)}" if clause else self.test(test)

    def clause(self, text: str) -> str:
        return f"[{in_script(text, self.language)}]" if text else ""

    def duration(self, given: Duration) -> str:
        for unit in ("hours", "working_hours", "working_days", "days"):
            if (amount := getattr(given, unit)) is not None:
                more = [name for name in ("roll", "from_opening") if getattr(given, name)]
                more += [given.ends] if given.ends != "midnight" else []
                said = [self.words[unit].format(plain(amount)), *(self.words[name] for name in more)]
                return self.words["list"].join(said)
        return ""

    def warning(self, given: Any) -> str:
        """A share of the time, or a time before the end."""
        if isinstance(given, Before):
            if given.working_hours is not None:
                return self.words["working_before"].format(plain(given.working_hours))
            return self.words["before"].format(plain(given.hours))
        return self.words["share"].format(plain(given * 100))
