"""Showing what a pack asks and computes: parameters, facts, classes, words, measures, counters."""

from collections.abc import Iterator

from deploy.policies.wording import Section, Wording
from shared.policy import Cues, plain
from shared.policy.measures import Measure


def sections(wording: Wording) -> Iterator[Section]:
    """The sections in their order."""
    yield "parameters", wording.say("Parameters"), list(_parameters(wording))
    yield "facts", wording.say("Facts it asks for"), list(_facts(wording))
    yield "required", wording.say("Required"), list(_required(wording))
    yield "classes", wording.say("Classes"), list(_classes(wording))
    yield "cues", wording.say("Words in the text"), list(_cues(wording))
    yield "measures", wording.say("Measures"), list(_measures(wording))
    yield "counters", wording.say("Counters"), list(_counters(wording))


def _parameters(wording: Wording) -> Iterator[list[str]]:
    for name, parameter in wording.pack.parameters.items():
        value, say = parameter.value, wording.say
        trial = f"{say('not bound')} ({say('trial')} {plain(parameter.trial)})"
        options = wording.listed(plain(option) for option in parameter.options)
        told = f"{say('one of')} {options}" if options else ""
        yield [name, trial if value is None else plain(value), wording.title(parameter), told]


def _facts(wording: Wording) -> Iterator[list[str]]:
    for name, fact in wording.pack.facts.items():
        options = wording.listed(f"{name} {title[wording.language]}" for name, title in fact.options.items())
        private = f" ({wording.say('private')})" if fact.stays else ""
        yield [name, wording.say(fact.type) + private, wording.title(fact), options]


def _required(wording: Wording) -> Iterator[list[str]]:
    for rule in wording.pack.required:
        yield [wording.listed(rule.fields), wording.cited(rule.when, rule.clause)]


def _classes(wording: Wording) -> Iterator[list[str]]:
    pack, say = wording.pack, wording.say
    for name, kind in pack.classes.items():
        lead = f"{wording.named([kind.lead], pack.departments)} ({say('leads')})"
        others = [each for each in kind.departments if each != kind.lead]
        answering = wording.listed(filter(None, [lead, wording.named(others, pack.departments)]))
        listed = [("causes", kind.causes), ("solutions", kind.solutions)]
        more = [f"{say(word)}: {wording.listed(names)}" for word, names in listed if names]
        fallback = f" ({say('where nothing speaks for another')})" if name == pack.fallback_class else ""
        yield [name, wording.title(kind) + fallback, answering, count(wording, kind.cues), "; ".join(more)]


def count(wording: Wording, cues: Cues) -> str:
    """How many words speak for something."""
    number = sum(map(len, (cues.strong, cues.plain, cues.weak)))
    return f"{number} {wording.say('words')}" if number else ""


def _cues(wording: Wording) -> Iterator[list[str]]:
    for name, words in wording.pack.cues.items():
        yield [name, f"{len(words)} {wording.say('words')}"]


def _measures(wording: Wording) -> Iterator[list[str]]:
    for name, measure in wording.pack.measures.items():
        first, *more = _computed(wording, measure)
        yield [name, wording.title(measure), first]
        yield from (["", "", line] for line in more)


def _computed(wording: Wording, measure: Measure) -> Iterator[str]:
    if measure.ratio is not None:
        yield " / ".join(map(wording.fact, measure.ratio))
    if measure.combine:
        how = wording.say("the sum of" if measure.by == "sum" else "the largest of")
        yield f"{how} {wording.listed(map(wording.fact, measure.combine))}"
    if measure.of is not None:
        yield f"{wording.say('steps of')} {wording.fact(measure.of)}"
    for step in measure.steps:
        told = plain(step.base)
        if step.adds:
            numbers = map(plain, (step.adds, step.unit, step.over))
            told += wording.words["adds"].format(*numbers, wording.say(step.rounding))
        yield wording.words["step"].format(wording.test(step.when), told)


def _counters(wording: Wording) -> Iterator[list[str]]:
    for name, counter in wording.pack.counters.items():
        hours = wording.words["within"].format(plain(counter.hours)) if counter.hours else ""
        later = wording.say("later ones count too") if counter.retroactive else ""
        counts = wording.say(counter.counts)
        yield [name, wording.title(counter), counts, wording.series(counter.same), hours, later]
