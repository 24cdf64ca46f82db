"""Showing how a pack grades: safety gates, schemes, questions for people, quotas."""

from collections.abc import Iterator
from typing import get_args

from deploy.policies.wording import Section, Wording
from shared.events import Language
from shared.policy import Quota, Run, Scheme, phrase, plain


def sections(wording: Wording) -> Iterator[Section]:
    """The sections in their order."""
    pack, say = wording.pack, wording.say
    yield "safety", say("Safety gates"), list(_gates(wording))
    for number, (name, scheme) in enumerate(pack.schemes.items()):
        clocks = f" ({say('sets the clocks')})" if number == 0 else ""
        heading = f"{say('Scheme')} {name}  {wording.title(scheme)}{clocks}"
        yield "schemes", heading, list(_scheme(wording, scheme))
    yield "decisions", say("Decisions"), list(_decisions(wording))
    yield "quotas", say("Quotas"), [row for quota in pack.quotas for row in _quota(wording, quota)]


def _gates(wording: Wording) -> Iterator[list[str]]:
    pack, say = wording.pack, wording.say
    for gate in pack.safety:
        cues = f"{say('until verified, words of')} {wording.listed(gate.cues)}" if gate.cues else ""
        told = f"{say('tells')} {wording.named(gate.notify, pack.roles)}" if gate.notify else ""
        yield [gate.gate, wording.title(gate), wording.cited(gate.facts, gate.clause), cues, told]


def _scheme(wording: Wording, scheme: Scheme) -> Iterator[list[str]]:
    say, titles = wording.say, wording.titles(scheme.grades)
    for name, grade in scheme.grades.items():
        more = [("family", grade.family), ("paper", grade.paper)]
        told = wording.listed(f"{say(word)} {each}" for word, each in more if each)
        yield [f"{say('grade')} {name}", titles[name], told]
    for row in scheme.rows:
        outcome = titles.get(row.grade, row.grade) if row.grade else f"{say('asks')} {row.decision}"
        yield [row.rule, outcome, wording.cited(row.when, row.clause)]
    yield [say("otherwise"), titles.get(scheme.otherwise, scheme.otherwise)]
    yield [say("provisional until"), "", wording.test(scheme.verified_when)]
    if scheme.run:
        yield [say("in a row"), "", _run(wording, scheme.run, titles)]
    for name, test in scheme.marks.items():
        yield [f"{say('mark')} {name}", "", wording.test(test)]


def _run(wording: Wording, run: Run, titles: dict[str, str]) -> str:
    say = wording.say
    becomes = (f"{titles.get(a, a)} → {titles.get(b, b)}" for a, b in run.becomes.items())
    return "; ".join([
        wording.series(run.same),
        f"{say('after')} {run.after}: {wording.listed(becomes)}",
        f"{say('counted on')} {say(run.counts_on)}",
        f"{say('broken by')} {say(run.broken_by)}",
    ])  # fmt: skip


def _decisions(wording: Wording) -> Iterator[list[str]]:
    say, titles = wording.say, wording.titles(wording.pack.grades)
    for name, each in wording.pack.decisions.items():
        options = [f"{option} → {titles.get(grade, grade)}" for option, grade in each.options.items()]
        waiting = f"{say('meanwhile')} {titles.get(each.meanwhile, each.meanwhile)}"
        due = f"{say('due')} {wording.duration(each.due)}" if each.due else ""
        wanted = each.target
        target = f"{say('target')} {wanted.option} {plain(wanted.share * 100)} %" if wanted else ""
        role = wording.named([each.role], wording.pack.roles)
        yield [name, wording.title(each), role, wording.listed(options), waiting, due, target]


def _quota(wording: Wording, quota: Quota) -> Iterator[list[str]]:
    say, scheme = wording.say, wording.pack.schemes.get(quota.scheme)
    grade = wording.named([quota.grade], scheme.grades if scheme else {})
    by = wording.fact(quota.by) if quota.by else ""
    limits = [(say("in all"), quota.total)]
    limits += [(f"{by} {value}", limit) for value, limit in quota.each.items()]
    limits += [(f"{by} {say('all others together')}".strip(), quota.otherwise)]
    for what, limit in limits:
        if limit is not None:
            yield [grade, what, str(limit), wording.clause(quota.clause)]
    for name, penalty in quota.penalty.items():
        if name not in get_args(Language):
            yield [grade, say("penalty for each beyond"), f"{name}: {penalty}", wording.clause(quota.clause)]
    told = phrase(wording.language, quota.penalty.get("zh-CN", ""), quota.penalty.get("en", ""))
    if told:
        yield [grade, say("penalty for each beyond"), told, wording.clause(quota.clause)]
