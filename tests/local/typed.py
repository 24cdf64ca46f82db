"""What is typed at the command lines of policies and calendars, and the pack that it is typed about."""

from typer.testing import CliRunner, Result

from deploy.cli import program

MINE = """pack: mine
version: 1
extends: base/1
title: {zh-CN: 我的规则, en: My rules}
source: "mine"
parameters:
  large: {title: {zh-CN: 大额, en: Large}, trial: 1000}
facts:
  room: {title: {zh-CN: 房号, en: Room}, type: choice, options: {suite: {zh-CN: 套房, en: Suite}}}
required: [{fields: [room], clause: "2"}]
schemes:
  severity:
    title: {zh-CN: 严重程度, en: Severity}
    grades: {grave: {title: {zh-CN: 严重, en: Grave}}, slight: {title: {zh-CN: 轻微, en: Slight}}}
    rows:
      - {rule: a large loss, grade: grave, when: {loss: {at_least: $large}}, clause: "3"}
      - {rule: a suite, decision: suite, when: {all: [{room: suite}], not: {loss: {known: true}}}}
    otherwise: slight
decisions:
  suite:
    title: {zh-CN: 套房, en: Suite}
    role: handler
    options: {bad: grave, fine: slight}
    meanwhile: slight
clocks: {accept: null, propose: null, resolve: null}
vectors:
  - {name: just large, facts: {loss: 1000}, expect: {grade: grave}}
  - {name: just not, facts: {loss: 999.99}, expect: {grade: slight}}
  - {name: nothing, facts: {}, expect: {grade: slight}}
"""

SHOP = """# A shop.
calendar: shop
version: 3
time_zone: Asia/Shanghai
source: ours
years: [2026]
days_off:
  2026-01-01: 元旦
  2026-05-01: 劳动节

  2027-01-02: 元旦
days_worked:
  2026-01-04: 元旦
shifts: [["09:00", "12:00"], ["13:00", "17:00"]]
hours:
  fri: [["09:00", "12:00"]]
  2026-05-02: [["10:00", "11:00"]]
departments:
  night:
    shifts: [["20:00", "24:00"]]
"""


def redress(*words: object, facts: str | bytes | None = None, **variables: str) -> Result:
    return CliRunner().invoke(program(), ["policies", *map(str, words)], input=facts, env=variables)


def calendar(*words: object, text: str | None = None, **variables: str) -> Result:
    return CliRunner().invoke(program(), ["calendar", *map(str, words)], input=text, env=variables)


def told(*words: object, text: str | None = None) -> str:
    result = calendar(*words, text=text)
    assert result.exit_code == 0, result.output
    return result.stdout
