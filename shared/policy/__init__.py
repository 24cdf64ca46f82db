"""Policy packs: a regulation as data, `policies/<pack>/<version>.yaml`; each service reads its own sections.

A version never changes once used; a complaint pins pack and version when it is registered. One module for
each part of the language; `pack` is the whole, `reading` and `soundness` say what is wrong with one, `proof`
runs its vectors, `shelf` holds what can be used.
"""

from shared.policy.calendar import Calendar
from shared.policy.clocks import Before, ClockRule, Duration, Mark, MarkRule, Stretch, running
from shared.policy.conditions import Comparison, Facts, FactValue, Section, Test, plain
from shared.policy.counters import Counter, Entry, Quota, Run
from shared.policy.drafts import Draft, parse
from shared.policy.explaining import explained
from shared.policy.facts import UNIVERSAL, FactRule, read_fact, stated
from shared.policy.intervals import Interval, intervals_of
from shared.policy.measures import measured
from shared.policy.notices import (
    ALWAYS,
    CUSTOMER,
    KINDS,
    STAFF,
    TELLINGS,
    TO_CUSTOMER,
    NoticeKind,
    NoticeRule,
    Posting,
    Telling,
    words_for,
)
from shared.policy.pack import Approval, Class, Cues, Department, Gate, Pack, Question, Route, SurveyRule
from shared.policy.papers import PRINTABLE, Act, Paper
from shared.policy.proof import facts_from, gates, verdicts
from shared.policy.reading import build
from shared.policy.schemes import Decision, Grade, Row, Scheme, Verdict
from shared.policy.shelf import (
    FOLDERS,
    activate,
    available,
    calendar_draft,
    calendars,
    draft_from,
    draft_of,
    files,
    in_box,
    in_use,
    latest,
    load,
    load_calendar,
    pack_id,
    pack_of,
    prove,
    publish,
    publish_calendar,
)
from shared.policy.texts import filled, no_such, sandbox, template, wrong_in
from shared.policy.words import everywhere, in_all, in_script, phrase, traditional
from shared.policy.working_time import Timetable, timetable

__all__ = [
    "ALWAYS",
    "CUSTOMER",
    "FOLDERS",
    "KINDS",
    "PRINTABLE",
    "STAFF",
    "TELLINGS",
    "TO_CUSTOMER",
    "UNIVERSAL",
    "Act",
    "Approval",
    "Before",
    "Calendar",
    "Class",
    "ClockRule",
    "Comparison",
    "Counter",
    "Cues",
    "Decision",
    "Department",
    "Draft",
    "Duration",
    "Entry",
    "FactRule",
    "FactValue",
    "Facts",
    "Gate",
    "Grade",
    "Interval",
    "Mark",
    "MarkRule",
    "NoticeKind",
    "NoticeRule",
    "Pack",
    "Paper",
    "Posting",
    "Question",
    "Quota",
    "Route",
    "Row",
    "Run",
    "Scheme",
    "Section",
    "Stretch",
    "SurveyRule",
    "Telling",
    "Test",
    "Timetable",
    "Verdict",
    "activate",
    "available",
    "build",
    "calendar_draft",
    "calendars",
    "draft_from",
    "draft_of",
    "everywhere",
    "explained",
    "facts_from",
    "files",
    "filled",
    "gates",
    "in_all",
    "in_box",
    "in_script",
    "in_use",
    "intervals_of",
    "latest",
    "load",
    "load_calendar",
    "measured",
    "no_such",
    "pack_id",
    "pack_of",
    "parse",
    "phrase",
    "plain",
    "prove",
    "publish",
    "publish_calendar",
    "read_fact",
    "running",
    "sandbox",
    "stated",
    "template",
    "timetable",
    "traditional",
    "verdicts",
    "words_for",
    "wrong_in",
]
