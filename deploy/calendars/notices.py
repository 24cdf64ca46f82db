"""Reading a yearly holiday notice of China's State Council: which days are off, and which are made up for.

Nothing is lost silently: a sentence with a date that says neither is an error, or passed over by name.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from deploy.calendars.festivals import festival, heading
from deploy.calendars.notice_clauses import Findings, Sentence, clauses
from deploy.calendars.notice_days import Reader, Unclear
from deploy.calendars.notice_text import Paragraph, Written, has_date, paragraphs, tokens
from shared.problems import Fault, Invalid

_ADVICE = re.compile(r"鼓励|提倡|倡导|建议")
_INTRODUCED = re.compile(r"(?:通知|安排|调整|公告)如下[。:;]?")
_SIGNED = re.compile(r"(?:国务院(?:办公厅)?)?|.*(?:发布|成文|印发|发文|公布)(?:日期|时间):?")


@dataclass
class Notice:
    """What a notice says: days by name; sentences with a date that name no day; and what looks wrong."""

    off: dict[date, str] = field(default_factory=dict)
    worked: dict[date, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def read_notice(text: str, year: int, name: str = "notice", known: Collection[date] = ()) -> Notice:
    """The days that a notice names. Raises Invalid with every sentence that is not understood.

    `known` are days off of earlier notices, which a later one may extend.
    """
    notice = Notice()
    moved: dict[date, str] = {}
    faults: list[Fault] = []
    for paragraph in _body(text, notice):
        item = _Item(paragraph, year, notice, known)
        faults += [_fault(f"{name}:{paragraph.line}: {wrong}") for wrong in item.read()]
        called = item.called()
        _name(notice.off, item.found.off, called)
        _name(notice.worked, item.found.worked, called)
        _name(moved, item.found.moved, called)
    for day in sorted(moved.keys() - notice.off.keys() - notice.worked.keys()):
        notice.worked[day] = moved[day]
    for day in sorted(notice.off.keys() & notice.worked.keys()):
        faults.append(
            _fault(f"{day} is said to be off ({notice.off[day]}) and worked ({notice.worked[day]})")
        )
    if faults:
        raise Invalid(f"{name} is not understood", faults)
    if not notice.off and not notice.worked:
        raise Invalid(f"{name} names no day that is off or worked")
    return notice


def _fault(detail: str) -> Fault:
    return Fault(detail=detail, pointer="")


def _name(named: dict[date, str], days: Iterable[date], called: str) -> None:
    """A day of two holidays has both names."""
    for day in days:
        names = [each for each in (*named.get(day, "").split("、"), *called.split("、")) if each]
        named[day] = "、".join(dict.fromkeys(names))


def _body(text: str, notice: Notice) -> Iterator[Paragraph]:
    """The paragraphs behind the introduction, if there is one; it ends with 通知如下, before any item."""
    found = list(paragraphs(text))
    ends = next((number for number, each in enumerate(found) if _INTRODUCED.search(each.text)), None)
    if ends is not None and any(each.numbered for each in found[:ends]):
        ends = None
    for number, each in enumerate(found):
        behind = 0
        if ends is not None and number <= ends:
            told = _INTRODUCED.search(each.text)
            behind = told.end() if told else len(each.text)
        if has_date(each.text[:behind]):
            notice.passed.append(each.text[:behind])
        yield Paragraph(each.text[behind:], each.line, each.numbered)


class _Item:
    """A paragraph: mostly one holiday."""

    def __init__(self, paragraph: Paragraph, year: int, notice: Notice, known: Collection[date]) -> None:
        self.found = Findings()
        self._title, self._text = heading(paragraph.text)
        self._titled = bool(self._title) or paragraph.numbered
        self._notice = notice
        self._known = [*known, *notice.off]
        self._sentences = [
            (each, list(tokens(each))) for each in re.split(r"(?<=[。;!])", self._text) if each.strip("。;!")
        ]
        self._written = [part for _, parts in self._sentences for part in parts if isinstance(part, Written)]
        self._reader = Reader(year, self._written)

    def called(self) -> str:
        """The holiday's name."""
        days = [*self.found.off, *self.found.worked]
        return self._title or festival(self._text, (each.remark for each in self._written), days)

    def read(self) -> Iterator[str]:
        """Find the days; yields every sentence that could not be understood, with what is unclear."""
        if self._title and not has_date(self._text):
            self._notice.passed.append(f"{self._title}: {self._text}")
        for sentence, parts in self._sentences:
            try:
                if has_date(sentence):
                    self._read(sentence, parts)
            except Unclear as error:
                yield f"{sentence}  ({error})"
        self._notice.doubts += [*self._reader.doubts, *self.found.doubts]

    def _read(self, sentence: str, parts: Sequence[Written | str]) -> None:
        if self._signature(parts):
            self._notice.passed.append(sentence)
            return
        if not any(isinstance(part, Written) for part in parts):
            raise Unclear("write its dates as 10月1日")
        reading = Sentence(self._reader, self.found, self._known)
        for clause in clauses(parts):
            if _ADVICE.search("".join(part for part in clause if isinstance(part, str))):
                self._notice.passed.append(sentence)
                break
            reading.clause(clause)
        reading.end()

    def _signature(self, parts: Sequence[Written | str]) -> bool:
        """Whether it only says when the notice was given."""
        match parts:
            case [str(before), Written(year=int()), "" | "。"]:
                return not self._titled and _SIGNED.fullmatch(before) is not None
        return False
