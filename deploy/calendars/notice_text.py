"""The text of a holiday notice in one spelling: its items with their lines, and the dates that they write."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_WEEKDAY = re.compile(r"(?:星期|周|礼拜)([一二三四五六日天])")
_WEEKDAYS = "一二三四五六日"
_NUMBERING = re.compile(
    r"(?:第?[一二三四五六七八九十]+[、.)]|\([一二三四五六七八九十\d]+\)[、.]?|\d{1,2}[、.)](?!\d{1,2}(?![\d月])))"
)
_BEGINS = re.compile(rf"{_NUMBERING.pattern}|国务院办公厅")
_ITEM = re.compile(r"(?<=[。;])(?=[一二三四五六七八九十]+[、.]|\([一二三四五六七八九十]+\))")
_NUMERAL = "〇○零一二三四五六七八九十"
_DIGITS = {"〇": "0", "○": "0", "零": "0"} | {each: str(n) for n, each in enumerate("一二三四五六七八九", 1)}
_WRITTEN_OUT = re.compile(
    rf"(?<![农阴]历)(?:([{_NUMERAL}]{{4}}|\d{{4}})年)?([{_NUMERAL}]{{1,3}})月([{_NUMERAL}]{{1,3}})日"
    rf"((?:[、至到和-](?:[{_NUMERAL}]{{1,3}}月)?[{_NUMERAL}]{{1,3}}日)*)"
)
_MORE_DAYS = r"(?=(?:\([^()]*\))?[、至到和及-]\d{1,2}(?:(?:\([^()]*\))?[、至到和及-]\d{1,2})*[日号])"
_BARE_DAY = re.compile(rf"((?<=[日)][、至到和及-])|(?<![\d.年-]))(\d{{1,2}}){_MORE_DAYS}")
_MONTH_DAY = re.compile(r"(月\d{1,2})(?![\d日号])")
_NUMBER_DAY = re.compile(r"(月\d{1,2}|[日)][、至到和及-]\d{1,2})号")
_DATE = re.compile(
    r"(?<!\d)(?:(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月)?(?P<day>\d{1,2})日"
    r"|(?<![\d-])(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d-])"
)
_LIKE_DATE = re.compile(r"\d{1,2}[/.]\d{1,2}|\d月")
_PARTS = (("year", "y"), ("month", "m"), ("day", "d"))
_BRACKET = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Written:
    """A date as written: what it leaves out is None; `weekdays` are those given behind it in brackets."""

    year: int | None
    month: int | None
    day: int
    weekdays: tuple[int, ...] = ()
    remark: str = ""
    text: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph without its number, and the line on which it begins."""

    text: str
    line: int
    numbered: bool


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a text; lines that were only wrapped are joined."""
    held: list[str] = []
    begins = 1
    lines = [(number, part) for number, line in enumerate(text.splitlines(), 1) for part in _parts(line)]
    for number, written in [*lines, (0, "")]:
        if held and (not written or held[-1][-1] in "。:;!" or _BEGINS.match(written)):
            yield _paragraph("".join(held), begins)
            held = []
        if written:
            begins = begins if held else number
            held.append(written)


def _parts(line: str) -> list[str]:
    """A line, or its items if several stand on it."""
    return _ITEM.split(_bare(line))


def _paragraph(text: str, line: int) -> Paragraph:
    numbering = _NUMBERING.match(text)
    rest = text[numbering.end() :] if numbering else text
    return Paragraph(_spelt(rest), line, numbering is not None)


def _bare(line: str) -> str:
    """Half-width, one kind of dash, no spaces."""
    plain = unicodedata.normalize("NFKC", line)
    kept = "".join(each for each in plain if not each.isspace() and unicodedata.category(each) != "Cf")
    return re.sub(r"[‐‑‒–—―−─━~〜-]+", "-", kept)


def _spelt(text: str) -> str:
    """Every date in digits, every day followed by 日."""
    text = _WRITTEN_OUT.sub(lambda found: _in_digits(found[0]), text)
    text = _MONTH_DAY.sub(r"\1日", text)
    before = ""
    while before != text:
        before, text = text, _BARE_DAY.sub(r"\2日", _NUMBER_DAY.sub(r"\1日", text))
    return text


def _in_digits(text: str) -> str:
    def digits(found: re.Match[str]) -> str:
        given = found[0]
        if "十" not in given:
            return "".join(_DIGITS[each] for each in given)
        tens, _, ones = given.partition("十")
        return _DIGITS.get(tens, "1") + _DIGITS.get(ones, "0")

    return re.sub(rf"[{_NUMERAL}]+", digits, text)


def has_date(text: str) -> bool:
    """Whether it mentions a date, be it in a form that is not read."""
    return _DATE.search(text) is not None or _LIKE_DATE.search(text) is not None


def tokens(sentence: str) -> Iterator[Written | str]:
    """A sentence as dates and what stands between them; brackets that only remark on it fall away."""
    at = 0
    text = ""
    while at < len(sentence):
        if found := _DATE.match(sentence, at):
            yield text
            text = ""
            at = found.end()
            remark = _BRACKET.match(sentence, at)
            if remark and not has_date(remark[1]):
                at = remark.end()
            yield _written(found, remark[1] if remark else "")
        elif (bracket := _BRACKET.match(sentence, at)) and not has_date(bracket[1]):
            at = bracket.end()
        else:
            text += sentence[at]
            at += 1
    yield text


def _written(found: re.Match[str], remark: str) -> Written:
    year, month, day = (found[long] or found[short] for long, short in _PARTS)
    weekdays = tuple(_WEEKDAYS.index("日" if each == "天" else each) for each in _WEEKDAY.findall(remark))
    return Written(_number(year), _number(month), int(day), weekdays, remark, found[0])


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None
