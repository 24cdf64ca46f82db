"""Showing how a pack has complaints handled: who, which steps, by when, and what comes of it."""

from collections.abc import Iterator

from deploy.policies.showing_facts import count
from deploy.policies.wording import Section, Wording
from shared.policy import ClockRule, plain


def sections(wording: Wording) -> Iterator[Section]:
    """The sections in their order."""
    pack, say = wording.pack, wording.say
    yield "routing", say("Routing"), list(_routing(wording))
    yield "steps", say("Steps"), list(_steps(wording))
    yield "approvals", say("Approvals"), list(_approvals(wording))
    yield "marks", say("Marks"), list(_marks(wording))
    clocks = [row for name, rule in pack.clocks.items() for row in _clock(wording, name, rule)]
    yield "clocks", say("Clocks"), clocks
    yield "feedback", say("Answers by"), list(_feedback(wording))
    yield "survey", say("Survey"), list(_survey(wording))
    yield "notices", say("Notices"), list(_notices(wording))
    yield "visibility", say("Hidden"), list(_hidden(wording))
    yield "papers", say("Papers"), list(_papers(wording))
    yield "targets", say("Targets"), list(_targets(wording))
    yield "roles", say("Roles"), [[name, wording.title(each)] for name, each in pack.roles.items()]
    departments = pack.departments.items()
    rows = [[name, wording.title(each), each.email, count(wording, each.cues)] for name, each in departments]
    yield "departments", say("Departments"), rows


def _routing(wording: Wording) -> Iterator[list[str]]:
    for rule in wording.pack.routing:
        lead = f"{wording.named([rule.lead], wording.pack.departments)} ({wording.say('leads')})"
        others = [each for each in rule.departments if each != rule.lead]
        where = wording.listed(filter(None, [lead, wording.named(others, wording.pack.departments)]))
        yield [wording.test(rule.when), where, wording.clause(rule.clause)]


def _steps(wording: Wording) -> Iterator[list[str]]:
    for rule in wording.pack.steps:
        needs = f"{wording.say('needs')} {wording.cited(rule.needs, rule.clause)}"
        yield [rule.step, wording.test(rule.when), needs]


def _approvals(wording: Wording) -> Iterator[list[str]]:
    for rule in wording.pack.approvals:
        roles = " → ".join(wording.named([role], wording.pack.roles) for role in rule.roles)
        distinct = wording.say("nobody twice" if rule.distinct else "one person may do several")
        yield [wording.test(rule.when), roles, distinct, wording.clause(rule.clause)]


def _marks(wording: Wording) -> Iterator[list[str]]:
    for mark, rule in wording.pack.marks.items():
        when = wording.test(rule.when) if rule.when else f"{wording.say('from the fact')} {rule.at}"
        yield [mark, when]


def _clock(wording: Wording, name: str, rule: ClockRule) -> Iterator[list[str]]:
    """The clock, then a row for each thing that it says."""
    yield [name, wording.title(rule), f"{rule.start} → {rule.stop}  {wording.clause(rule.clause)}".rstrip()]
    yield from (["", wording.say(word), told] for word, told in _terms(wording, rule) if told)


def _terms(wording: Wording, rule: ClockRule) -> Iterator[tuple[str, str]]:
    say, grades = wording.say, wording.titles(wording.pack.scheme.grades)
    times = [f"{grades.get(g, say(g))}: {wording.duration(each)}" for g, each in rule.due.items()]
    customer = [say("the customer's own deadline")] if rule.customer_deadline else []
    yield "due", wording.listed([*times, *customer])
    yield "when", "" if rule.when == type(rule.when)() else wording.test(rule.when)
    yield "pauses for", wording.listed(map(say, rule.pauses))
    yield "warns", wording.listed(map(wording.warning, rule.warn))
    yield "then calls", wording.listed(_ladder(wording, rule))
    yield "hours of", _whose(wording, rule.hours_of) if rule.hours_of else ""
    yield "for each", say("every department that must answer") if rule.each_department else ""
    yield "internal", say("not shown outside") if rule.internal else ""
    yield "target", say("counted only") if rule.target else ""


def _whose(wording: Wording, department: str) -> str:
    if department == "lead":
        return wording.say("the department in the lead")
    return wording.named([department], wording.pack.departments)


def _ladder(wording: Wording, rule: ClockRule) -> Iterator[str]:
    for rung in rule.ladder:
        role = wording.named([rung.role], wording.pack.roles)
        if rung.after is None:
            yield f"{role} {wording.say('at once')}"
        else:
            yield wording.words["later"].format(role, wording.duration(rung.after))


def _feedback(wording: Wording) -> Iterator[list[str]]:
    answered = {
        channel: by for channel, by in wording.pack.feedback.items() if channel in wording.pack.channels
    }
    for route in sorted(set(answered.values())):
        channels = [channel for channel, by in answered.items() if by == route]
        yield [wording.say(route), wording.listed(channels)]


def _survey(wording: Wording) -> Iterator[list[str]]:
    rule, say = wording.pack.survey, wording.say
    yield [say("open for"), f"{rule.expires_days} {say('days')}"]
    yield [say("reopens below"), str(rule.reopen_below)]
    yield [say("when"), wording.test(rule.when)]
    yield [say("by"), wording.listed(map(say, rule.routes)) or say("the channel's own")]
    if rule.reminders_days:
        yield [say("reminders after"), f"{wording.listed(map(str, rule.reminders_days))} {say('days')}"]
    if rule.consent:
        yield [say("asks first")]
    if rule.sample < 1:
        yield [say("share asked"), f"{rule.sample * 100:f}".rstrip("0").rstrip(".") + " %"]
    if rule.comment_below:
        yield [say("asks why below"), str(rule.comment_below)]
    if rule.escalate_below:
        told = wording.listed(wording.title(wording.pack.roles[each]) for each in rule.escalate_to)
        yield [say("calls below"), str(rule.escalate_below), told]
    if rule.fact:
        yield [say("grades by"), wording.title(wording.pack.facts[rule.fact])]
    for question in rule.questions.values():
        options = wording.listed(each[wording.language] for each in question.options.values())
        yield [say("question"), wording.title(question), options]


def _notices(wording: Wording) -> Iterator[list[str]]:
    pack, say = wording.pack, wording.say
    for kind, rule in pack.notices.items():
        told = [
            wording.title(pack.roles[each]) if each in pack.roles else say(each) for each in rule.to or ()
        ]
        off = say("not told") if rule.to is not None and not rule.to else ""
        paper = wording.title(pack.papers[rule.paper]) if rule.paper else ""
        urgent = say("at once") if rule.urgent else ""
        yield [kind, off or wording.listed(told), urgent, paper, wording.clause(rule.clause)]
        if rule.texts:
            yield ["", say("in words of its own"), " ".join(rule.texts[wording.language].split())]


def _hidden(wording: Wording) -> Iterator[list[str]]:
    for rule in wording.pack.visibility:
        roles = f"{wording.say('from')} {wording.named(rule.roles, wording.pack.roles)}"
        yield [wording.listed(rule.fields), roles, wording.clause(rule.clause)]


def _papers(wording: Wording) -> Iterator[list[str]]:
    for name, paper in wording.pack.papers.items():
        stage = f"{wording.say('from stage')} {paper.stage}"
        fields = wording.listed(paper.fields)
        yield [name, wording.title(paper), stage, fields, wording.clause(paper.clause)]


def _targets(wording: Wording) -> Iterator[list[str]]:
    for name, target in wording.pack.targets.items():
        scale, sign = (100, " %") if target.share else (1, "")
        limits = [("at least", target.at_least), ("at most", target.at_most)]
        told = [
            f"{wording.say(word)} {plain(each * scale)}{sign}" for word, each in limits if each is not None
        ]
        counted = f"{wording.say('counts')} {target.of}"
        yield [name, wording.title(target), counted, wording.listed(told), wording.clause(target.clause)]
