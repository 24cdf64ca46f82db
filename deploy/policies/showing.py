"""Showing a pack: every part of it in words, section by section."""

from collections.abc import Iterator
from typing import Any, get_args

from deploy.policies.opening import Opened, aligned
from deploy.policies.wording import Wording
from shared.events import Channel, Language
from shared.policy import ClockRule, Pack, Quota, Scheme, build, plain
from shared.policy.reading import trials

Rows = list[list[str]]

CHINESE = {
    "Source": "依据", "Extends": "继承", "Calendar": "日历", "Currency": "币种", "Channels": "渠道",
    "all": "全部", "Vectors": "校验用例数", "Parameters": "参数", "not bound": "未绑定", "trial": "试用值",
    "Facts it asks for": "所需事实", "Required": "必填", "Classes": "类别", "Measures": "计算量",
    "Counters": "计数", "Safety gates": "安全红线", "Scheme": "分级方案", "sets the clocks": "决定时限",
    "grade": "等级", "gravest first": "由重到轻", "asks": "交人裁定", "otherwise": "其他情况",
    "Decisions": "人工裁定", "meanwhile": "裁定前", "Quotas": "年度配额", "in all": "合计",
    "others": "其他", "Clocks": "时限", "pauses": "暂停", "customer": "客户", "third_party": "第三方",
    "the customer's own deadline": "客户指定期限", "default": "其余", "when": "适用", "Steps": "步骤条件",
    "needs": "须", "Approvals": "审批", "Targets": "月度指标", "at least": "不低于", "at most": "不高于",
    "same": "同一", "within hours": "小时内", "internal": "内部", "private": "不外传", "integer": "整数",
    "decimal": "数值", "money": "金额", "boolean": "是/否", "text": "文本", "choice": "单选",
    "choices": "多选", "instant": "时刻", "Routing": "分派", "until verified, words of": "核实前文中出现",
    "unrectified": "未改正的连续次数", "window": "窗口内次数",
}  # fmt: skip
"""Headings and small words, by their English ones."""


def shown(pack: Opened, language: Language) -> Iterator[str]:
    """The pack for people; unbound parameters at their trial values. Raises Invalid if it breaks its form."""
    built = build(pack.draft, pack.name, trials(pack.draft))
    showing = Showing(pack, built, language)
    yield from showing.head()
    for heading, rows in showing.sections():
        if rows:
            yield from ["", heading, *(f"  {line}" for line in aligned(rows))]


class Showing:
    """One pack in one language."""

    def __init__(self, opened: Opened, pack: Pack, language: Language) -> None:
        self.opened, self.pack, self.language = opened, pack, language
        self.wording = Wording(pack, language)
        self.words = self.wording.words

    def say(self, word: str) -> str:
        return CHINESE.get(word, word) if self.language == "zh-CN" else word

    def title(self, thing: Any) -> str:
        found: str = thing.title[self.language]
        return found

    def head(self) -> Iterator[str]:
        pack, above = self.pack, self.opened.draft.content.get("extends")
        yield f"{pack.pack}/{pack.version}  {self.title(pack)}"
        everything = set(pack.channels) == set(get_args(Channel))
        rows = [
            ["Source", " ".join(pack.source.split())],
            *([["Extends", str(above)]] if above else []),
            ["Calendar", pack.calendar],
            ["Currency", pack.money.currency],
            ["Channels", self.say("all") if everything else self.wording.listed(pack.channels)],
            ["Vectors", str(len(pack.vectors))],
        ]
        yield from aligned([[self.say(name), value] for name, value in rows])

    def sections(self) -> Iterator[tuple[str, Rows]]:
        yield self.say("Parameters"), list(self._parameters())
        yield self.say("Facts it asks for"), list(self._facts())
        yield self.say("Required"), list(self._required())
        yield self.say("Classes"), list(self._classes())
        yield self.say("Measures"), [[name, self.title(each)] for name, each in self.pack.measures.items()]
        yield self.say("Counters"), list(self._counters())
        yield self.say("Safety gates"), list(self._gates())
        for number, (name, scheme) in enumerate(self.pack.schemes.items()):
            clocks = f" ({self.say('sets the clocks')})" if number == 0 else ""
            yield f"{self.say('Scheme')} {name}  {self.title(scheme)}{clocks}", list(self._scheme(scheme))
        yield self.say("Decisions"), list(self._decisions())
        yield self.say("Quotas"), [row for quota in self.pack.quotas for row in self._quota(quota)]
        yield self.say("Routing"), list(self._routing())
        yield self.say("Steps"), list(self._steps())
        yield self.say("Approvals"), list(self._approvals())
        yield self.say("Clocks"), [self._clock(name, clock) for name, clock in self.pack.clocks.items()]
        yield self.say("Targets"), list(self._targets())

    def _parameters(self) -> Iterator[list[str]]:
        for name, parameter in self.pack.parameters.items():
            value = parameter.value
            trial = f"{self.say('not bound')} ({self.say('trial')} {plain(parameter.trial)})"
            options = self.wording.listed([plain(option) for option in parameter.options])
            yield [name, trial if value is None else plain(value), self.title(parameter), options]

    def _facts(self) -> Iterator[list[str]]:
        for name, fact in self.pack.facts.items():
            options = [f"{option} {title[self.language]}" for option, title in fact.options.items()]
            private = f" ({self.say('private')})" if fact.private else ""
            yield [name, self.say(fact.type) + private, self.title(fact), self.wording.listed(options)]

    def _required(self) -> Iterator[list[str]]:
        for rule in self.pack.required:
            yield [self.wording.listed(rule.fields), self.wording.test(rule.when), _clause(rule.clause)]

    def _classes(self) -> Iterator[list[str]]:
        for name, kind in self.pack.classes.items():
            departments = [self.title(self.pack.departments[each]) for each in kind.departments]
            yield [name, self.title(kind), self.wording.listed(departments)]

    def _counters(self) -> Iterator[list[str]]:
        for name, counter in self.pack.counters.items():
            same = f"{self.say('same')} {self.wording.listed([self._series(each) for each in counter.same])}"
            hours = f"{plain(counter.hours)} {self.say('within hours')}" if counter.hours else ""
            yield [name, self.title(counter), self.say(counter.counts), same, hours]

    def _series(self, name: str) -> str:
        return self.say(name) if name == "customer" else self.wording.fact(name)

    def _gates(self) -> Iterator[list[str]]:
        for gate in self.pack.safety:
            cues = (
                f"{self.say('until verified, words of')} {self.wording.listed(gate.cues)}"
                if gate.cues
                else ""
            )
            yield [gate.gate, self.title(gate), self.wording.test(gate.facts), cues, _clause(gate.clause)]

    def _scheme(self, scheme: Scheme) -> Iterator[list[str]]:
        titles = {name: self.title(grade) for name, grade in scheme.grades.items()}
        for name, title in titles.items():
            yield [f"{self.say('grade')} {name}", title, "", ""]
        for row in scheme.rows:
            outcome = titles[row.grade] if row.grade else f"{self.say('asks')} {row.decision}"
            yield [row.rule, outcome, self.wording.test(row.when), _clause(row.clause)]
        yield [self.say("otherwise"), titles[scheme.otherwise], "", ""]

    def _decisions(self) -> Iterator[list[str]]:
        grades = {name: self.title(grade) for name, grade in self.pack.grades.items()}
        for name, each in self.pack.decisions.items():
            options = [f"{option} → {grades[grade]}" for option, grade in each.options.items()]
            waiting = f"{self.say('meanwhile')} {grades[each.meanwhile]}"
            role = self.title(self.pack.roles[each.role])
            yield [name, self.title(each), role, self.wording.listed(options), waiting]

    def _quota(self, quota: Quota) -> Iterator[list[str]]:
        grade = self.title(self.pack.schemes[quota.scheme].grades[quota.grade])
        if quota.total is not None:
            yield [grade, self.say("in all"), str(quota.total), _clause(quota.clause)]
        by = self.wording.fact(quota.by) if quota.by else ""
        for value, limit in quota.each.items():
            yield [grade, f"{by} {value}", str(limit), _clause(quota.clause)]
        if quota.otherwise is not None:
            yield [grade, f"{by} {self.say('others')}".strip(), str(quota.otherwise), _clause(quota.clause)]

    def _routing(self) -> Iterator[list[str]]:
        for rule in self.pack.routing:
            departments = [self.title(self.pack.departments[each]) for each in (rule.lead, *rule.departments)]
            where = self.wording.listed(list(dict.fromkeys(departments)))
            yield [self.wording.test(rule.when), where, _clause(rule.clause)]

    def _steps(self) -> Iterator[list[str]]:
        for rule in self.pack.steps:
            needs = f"{self.say('needs')} {self.wording.test(rule.needs)}"
            yield [rule.step, self.wording.test(rule.when), needs, _clause(rule.clause)]

    def _approvals(self) -> Iterator[list[str]]:
        for rule in self.pack.approvals:
            roles = " → ".join(self.title(self.pack.roles[role]) for role in rule.roles)
            yield [self.wording.test(rule.when), roles, _clause(rule.clause)]

    def _clock(self, name: str, clock: ClockRule) -> list[str]:
        grades = {grade: self.title(each) for grade, each in self.pack.scheme.grades.items()}
        due = [
            f"{grades.get(grade, self.say(grade))}: {self.wording.duration(each)}"
            for grade, each in clock.due.items()
        ]
        more = [self.say("the customer's own deadline")] if clock.customer_deadline else []
        if clock.pauses:
            more.append(
                f"{self.say('pauses')}: {self.wording.listed([self.say(each) for each in clock.pauses])}"
            )
        if clock.when.model_fields_set or clock.when.model_extra:
            more.append(f"{self.say('when')} {self.wording.test(clock.when)}")
        if clock.internal:
            more.append(self.say("internal"))
        told = self.wording.listed([*due, *more])
        return [name, self.title(clock), f"{clock.start} → {clock.stop}", told, _clause(clock.clause)]

    def _targets(self) -> Iterator[list[str]]:
        for name, target in self.pack.targets.items():
            scale, sign = (100, " %") if target.share else (1, "")
            limits = [("at least", target.at_least), ("at most", target.at_most)]
            told = [
                f"{self.say(word)} {plain(limit * scale)}{sign}"
                for word, limit in limits
                if limit is not None
            ]
            yield [name, self.title(target), self.wording.listed(told), _clause(target.clause)]


def _clause(clause: str) -> str:
    return f"[{clause}]" if clause else ""
