"""What the clauses of a notice say of their days: off, worked, moved, or that they go on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto

from deploy.calendars.notice_days import DAY, Reader, Unclear
from deploy.calendars.notice_text import Written


class Said(Enum):
    """What a text says of the days beside it."""

    OFF = auto()
    WORKED = auto()
    MOVED = auto()
    EXCHANGED = auto()
    NOTHING = auto()


_SAID = (
    (Said.NOTHING, r"(?:起|恢复|开始).{0,6}(?:上班|工作)"),
    (Said.OFF, r"(?:不|不再|不用|不必|无需|无须|免)上班"),
    (Said.EXCHANGED, r"对调|互换|调换"),
    (Said.MOVED, r"^(?!.*放假).*(?:调休?|调整|[移挪]动?|改|顺延)[至到在]"),
    (Said.WORKED, r"上班|补班|工作日|上课|(?:照常|正常)(?:工作|办公)"),
    (Said.OFF, r"(?<!不)(?:放假|补休|公休|休息|休假|连休|轮休|双休|[假节]日|假期|调休)|放.{1,3}天假"),
)
_OTHERWISE = re.compile(r"半[天日]|[上下]午|调来|换来")
_STRONG = re.compile(
    r"(?:放假|休息|补休|上班|补班|工作日)(?:时间|日期)?(?:[为是于在:]+|[\d一二三四五六七八九十]+[天日][(为是:]*)$"
)
_JOINS = re.compile(r"(?:的|这|[两二三四五六]个|公休日?|休息日|双休日)*(?:、|和|与|及|以及|同|并|[/&])|")
_RANGE = re.compile(r"起?(?:直?至|直?到|-)")
_EXTENDS = re.compile(r"延长.*[至到]$")
_CUT = re.compile(r"[\d月][、和及至到-]*$")
_COUNT = re.compile(r"(?:共|放假|调休)(\d+)[天日]")
SATURDAY = 5
_LATEST = 14
"""Days that lie at most between a holiday and the end of its extension."""


def said_of(text: str) -> Said | None:
    """None if it says nothing of days, or nothing that a calendar can hold."""
    if _OTHERWISE.search(text):
        return None
    return next((said for said, words in _SAID if re.search(words, text)), None)


@dataclass
class Phrase:
    """Days, and the text behind them."""

    days: list[date]
    text: str = ""


@dataclass
class Findings:
    """The days of a holiday; `moved` are worked unless they are off, too."""

    off: list[date] = field(default_factory=list)
    worked: list[date] = field(default_factory=list)
    moved: list[date] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def put(self, said: Said | None, days: Sequence[date]) -> bool:
        """Keep what is said of days; False if that is neither off nor worked."""
        match said:
            case Said.OFF:
                self.off += days
            case Said.WORKED:
                self.worked += days
            case Said.MOVED:
                self.moved += days
            case Said.EXCHANGED:
                weekend = [day for day in days if day.weekday() >= SATURDAY]
                if len(weekend) * 2 != len(days):
                    raise Unclear("as many days of a weekend as others are exchanged")
                self.moved += weekend
                self.off += [day for day in days if day.weekday() < SATURDAY]
            case _:
                return said is Said.NOTHING
        return True

    def extend(self, last: date, known: Sequence[date]) -> None:
        """Days off from the last known one up to `last`. Raises Unclear."""
        before = max((day for day in (*known, *self.off) if day < last), default=None)
        if before is None or (last - before).days > _LATEST:
            raise Unclear("no holiday is known that ends shortly before")
        self.off += [before + n * DAY for n in range(1, (last - before).days + 1)]


class Sentence:
    """Reads one sentence, clause by clause; days without a predicate wait for one in a later clause."""

    def __init__(self, reader: Reader, findings: Findings, known: Sequence[date]) -> None:
        self._reader, self._findings, self._known = reader, findings, known
        self._waiting: list[date] = []
        self._presumed: Said | None = None
        self._sure = False
        self._counted: list[date] = []

    def clause(self, parts: Sequence[Written | str]) -> None:
        """One more clause. Raises Unclear."""
        lead, phrases = self._phrases(parts)
        self._settle(lead, phrases)
        for number, phrase in enumerate(phrases):
            following = phrases[number + 1 :]
            self._phrase(phrase, phrases[number - 1].text if number else lead, bool(number), bool(following))
        for text in [lead, *(phrase.text for phrase in phrases)]:
            self._count(text)

    def end(self) -> None:
        """Raises Unclear if days are left of which nothing was said."""
        if self._waiting and not self._findings.put(self._presumed, self._waiting):
            raise _nothing_said(self._waiting)

    def _phrases(self, parts: Sequence[Written | str]) -> tuple[str, list[Phrase]]:
        lead = ""
        found: list[Phrase] = []
        for part in parts:
            last = found[-1] if found else None
            if isinstance(part, str):
                if _CUT.search(part) and part is not parts[-1]:
                    raise Unclear(f"{part} ends with a number that is no date")
                lead, found[-1:] = (
                    (lead, [Phrase(last.days, last.text + part)]) if last else (lead + part, [])
                )
            elif last and _RANGE.fullmatch(last.text):
                found[-1] = Phrase([*last.days[:-1], *self._reader.until(last.days[-1], part)])
            elif last and _JOINS.fullmatch(last.text):
                found[-1] = Phrase([*last.days, self._reader.day(part)])
            else:
                found.append(Phrase([self._reader.day(part)]))
        return lead, found

    def _settle(self, lead: str, phrases: Sequence[Phrase]) -> None:
        """What this clause says of the days that wait."""
        if not self._waiting:
            return
        joined = bool(phrases) and not lead
        if self._presumed and joined and not self._sure and said_of(phrases[0].text) is not self._presumed:
            raise Unclear(
                "it could be read in two ways; say of each list of days whether it is off or worked"
            )
        if joined and not self._presumed:
            phrases[0].days[:0] = self._waiting
            self._waiting = []
        elif self._presumed or said_of(lead):
            self.end_with(self._presumed or said_of(lead))

    def end_with(self, said: Said | None) -> None:
        """Keep what is said of the days that wait. Raises Unclear."""
        self._presumed = said
        self.end()
        self._counted, self._waiting, self._presumed = self._waiting, [], None

    def _phrase(self, phrase: Phrase, before: str, after_days: bool, more: bool) -> None:
        said, earlier = said_of(phrase.text), said_of(before)
        if _EXTENDS.search(before):
            self._findings.extend(phrase.days[-1], self._known)
        elif earlier is Said.MOVED:
            if said not in (None, Said.OFF):
                raise Unclear("a day to which another is moved is off")
            self._findings.put(Said.OFF, phrase.days)
        elif _EXTENDS.search(phrase.text) and more:
            return
        elif (more or said is not Said.MOVED) and self._findings.put(said, phrase.days):
            self._counted = phrase.days
        elif said is None and not more:
            self._waiting, self._presumed = phrase.days, None if after_days else _plain(earlier)
            self._sure = _STRONG.search(before) is not None
        else:
            raise _nothing_said(phrase.days)

    def _count(self, text: str) -> None:
        found = _COUNT.search(text)
        if found and self._counted and int(found[1]) != len(self._counted):
            first, last, number = self._counted[0], self._counted[-1], len(self._counted)
            self._findings.doubts.append(
                f"{first} to {last} are {number} days, but the notice says {found[0]}"
            )


def _plain(said: Said | None) -> Said | None:
    return said if said in (Said.OFF, Said.WORKED) else None


def _nothing_said(days: Sequence[date]) -> Unclear:
    return Unclear(
        f"of {', '.join(map(str, days))} it says neither that they are off nor that they are worked"
    )


def clauses(parts: Sequence[Written | str]) -> Iterator[list[Written | str]]:
    """A sentence's parts, split at commas."""
    clause: list[Written | str] = []
    for part in parts:
        if isinstance(part, Written):
            clause.append(part)
            continue
        first, *others = part.rstrip("。;!").split(",")
        clause.append(first)
        for other in others:
            yield clause
            clause = [other]
    yield clause
