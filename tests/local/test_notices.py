"""Holiday notices of China's State Council: the wordings of many years, each with the days that it means."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.calendars.notices import Notice, read_notice
from shared.policy import load_calendar
from shared.problems import Invalid
from tests.kit.cases import reference

DAY = timedelta(days=1)
CHINA = load_calendar("cn-mainland")
FILE = "cn_notice_parsing_cases.json"

# year, sentence, days off, days worked
CASES: list[tuple[int, str, str, str]] = [
    (2027, "10月1日放假。", "10-01", ""),
    (2027, "6月9日(星期三)放假1天，不调休。", "06-09", ""),
    (2027, "4月5日（周一）放假，与周末连休", "04-05", ""),
    (2027, "2月6日至8日放假，2月14日（星期日）补班。", "02-06..08", "02-14"),
    (2027, "2月5日~2月7日放假，共３天", "02-05..07", ""),
    (2027, "5月1日到3日放假调休", "05-01..03", ""),
    (2027, "5月1日－3日放假，5月8日正常上班", "05-01..03", "05-08"),
    (2027, "自5月1日起至5月3日止放假", "05-01..03", ""),
    (2027, "5月1-3日放假，4月24、5月9日上班", "05-01..03", "04-24 05-09"),
    (2027, "5月1号至3号休息", "05-01..03", ""),
    (2027, "２０２７年５月１日（星期六）放假，5月3日（周一）补休。", "05-01 05-03", ""),
    (2027, "二〇二七年五月一日至三日放假，五月九日上班", "05-01..03", "05-09"),
    (2027, "2027-05-01至2027-05-03放假", "05-01..03", ""),
    (2027, "放假时间：5月1日至3日，上班时间：5月8日、9日。", "05-01..03", "05-08 05-09"),
    (2027, "劳动节放假3天（5月1日至3日），5月8日上班", "05-01..03", "05-08"),
    (2027, "5月1日（星期六），放假1天；5月3日，星期一，补休", "05-01 05-03", ""),
    (2027, "5月8日、9日，均为工作日，5月1日、2日、3日为法定节假日", "05-01..03", "05-08 05-09"),
    (2027, "2026年12月31日至1月2日放假，1月3日（星期日）上班", "2026-12-31 01-01 01-02", "01-03"),
    (2027, "12月31日至1月2日放假，12月27日上班", "2026-12-31 01-01 01-02", "2026-12-27"),
    (2024, "12月30日（星期一）至1月1日（星期三）放假", "2024-12-30 2024-12-31 2025-01-01", ""),
    (2027, "4月25日（星期日）公休日调至5月4日（星期二）", "05-04", "04-25"),
    (2027, "5月1日至4日放假，5月2日公休日调至5月4日", "05-01..04", ""),
    (2027, "4月25日公休日、5月8日公休日分别调至5月4日、5日", "05-04 05-05", "04-25 05-08"),
    (2027, "4月24日、25日，两个公休日调至4月29日、30日", "04-29 04-30", "04-24 04-25"),
    (2027, "5月8日上班，公休日调至5月4日", "05-04", "05-08"),
    (2027, "5月8日（星期六）与5月4日（星期二）对调", "05-04", "05-08"),
    (2027, "1月30日至2月1日放假。1月24日（周日）、7日（周日）上班", "01-30 01-31 02-01", "01-24 02-07"),
    (2027, "1月31日至2月2日放假，其中31日、1日为法定节假日", "01-31 02-01 02-02", ""),
    (2027, "2月6日—12日放假。将6日、13日、14日三个公休日调至8日、9日、10日", "02-06..12", "02-13 02-14"),
    (2027, "2月6日至7日放假。延长春节假期至2月9日（正月初四），2月10日起正常上班。", "02-06..09", ""),
    (2027, "2月6日至8日放假。鼓励各单位安排职工在除夕（2月5日）休息。", "02-06..08", ""),
]  # fmt: skip

UNCLEAR = [
    "10月1日至7日高速公路免费",
    "10月1日放假半天",
    "10月1日放假调休至10月7日",
    "10/1至10/7放假",
    "10月放假",
    "17日上班",
    "2月30日放假",
    "2029年10月1日放假",
    "10月7日至1日放假",
    "10月1日至12月31日放假",
    "10月1日不放假",
    "10月1日公休日调至",
    "9月25日、26日与10月4日对调",
    "放假安排：10月1日，10月9日上班",
    "延长假期至10月9日",
    "10月1日（10月3日补休）放假",
]
"""What says something of dates, but not what a calendar could hold."""


def days(told: str, year: int) -> set[date]:
    """Days, and ranges within a month; of this year where none is named."""
    found: set[date] = set()
    for each in told.split():
        first, _, last = each.partition("..")
        begin = date.fromisoformat(first if len(first) > 5 else f"{year}-{first}")
        found |= {begin.replace(day=number) for number in range(begin.day, int(last or begin.day) + 1)}
    return found


@pytest.mark.parametrize(("year", "sentence", "off", "worked"), CASES)
def test_a_sentence_means_these_days(year: int, sentence: str, off: str, worked: str) -> None:
    notice = read_notice(sentence, year)
    assert ({*notice.off}, {*notice.worked}) == (days(off, year), days(worked, year))


@pytest.mark.parametrize("sentence", UNCLEAR)
def test_a_sentence_with_a_date_that_is_not_understood_is_named(sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_notice(f"元旦：1月1日放假。\n{sentence}。", 2027, "notice.txt")
    [fault] = caught.value.errors
    assert fault.detail.startswith("notice.txt:2: ")
    assert sentence.split("，")[0].replace("（", "(").replace("：", ":")[:5] in fault.detail


def test_only_what_stands_before_all_items_is_an_introduction() -> None:
    notice = read_notice(
        "现将2027年安排通知如下：5月1日放假。\n二、国庆节：10月1日放假。\n三、值班安排如下：略", 2027
    )
    assert {*notice.off} == days("05-01 10-01", 2027)
    later = read_notice("一、劳动节：5月1日放假。\n二、值班安排如下：略", 2027)
    assert {*later.off} == days("05-01", 2027)


def test_what_is_off_and_worked_is_named() -> None:
    with pytest.raises(Invalid, match=r"2027-05-02 is said to be off .劳动节. and worked"):
        read_notice("劳动节：5月1日至3日放假，5月2日上班", 2027)
    with pytest.raises(Invalid, match="names no day"):
        read_notice("国务院办公厅\n2026年11月4日\n", 2027)


def recorded() -> Iterator[Any]:
    """The reference cases beside the project, or in the folder that is named; none if there are none."""
    named = os.environ.get("REDRESS_CASES")
    for file in (f"../calendar/{FILE}", FILE) if named else (f"../calendar/{FILE}",):
        try:
            found = reference(file) or []
        except FileNotFoundError:
            continue
        for number, case in enumerate(found, 1):
            yield pytest.param(case, id=f"{case['year']}-{number}")
        return


REFERENCE = list(recorded())


@pytest.mark.parametrize("case", REFERENCE or [{"year": 2027, "description": "5月1日放假", "expected": []}])
def test_a_reference_case(case: dict[str, Any]) -> None:
    notice = read_notice(case["description"], case["year"])
    found = {str(day): True for day in notice.off} | {str(day): False for day in notice.worked}
    expected = {each["date"]: each["isOffDay"] for each in case["expected"]}
    assert found == (expected if REFERENCE else {"2027-05-01": True})


# the three years that we have, worded as notices of different times were

Run = tuple[str, list[date], list[date]]
"""A holiday, its days off and its make-up days."""
WEEKDAYS = "一二三四五六日"


def runs(year: int) -> list[Run]:
    """The holidays of a year."""
    off = [(name, day) for day, name in CHINA.days_off.items() if day.year == year]
    worked = [(day, name) for day, name in CHINA.days_worked.items() if day.year == year]
    return [
        (name, [day for _, day in held], [day for day, of in worked if of == name])
        for name, held in groupby(off, key=lambda each: each[0])
    ]


def beside(day: date, prefix: str) -> str:
    return f"{day.month}月{day.day}日（{prefix}{WEEKDAYS[day.weekday()]}）"


def of_today(name: str, off: Sequence[date], worked: Sequence[date]) -> str:
    """Weekdays beside every date."""
    last = beside(off[-1], "周").removeprefix(f"{off[0].month}月")
    told = f"{beside(off[0], '周')}至{last}" if len(off) > 1 else beside(off[0], "周")
    made_up = f"{'、'.join(beside(day, '周') for day in worked)}上班。" if worked else ""
    return f"{name}：{told}放假调休，共{len(off)}天。{made_up}"


def of_2008(name: str, off: Sequence[date], worked: Sequence[date]) -> str:
    """Dashes, and days of rest that are moved."""
    moved = [day for day in off if day.weekday() < 5][-len(worked) :] if worked else []
    told = f"{off[0].month}月{off[0].day}日—{off[-1].month}月{off[-1].day}日放假，共{len(off)}天。"
    told += f"其中，{off[0].month}月{off[0].day}日为法定节假日"
    rest = [day for day in off if day.weekday() >= 5]
    told += "".join(f"，{beside(day, '星期')}照常公休" for day in rest)
    if worked:
        count = {1: "", 2: "两个", 3: "三个"}[len(worked)]
        from_ = "、".join(beside(day, "星期") for day in worked)
        told += f"，{from_}{count}公休日分别调至{'、'.join(beside(day, '星期') for day in moved)}"
    return f"{name}：{told}。"


def in_short(name: str, off: Sequence[date], worked: Sequence[date]) -> str:
    """A month is named only where it changes."""
    month = 0
    told = []
    for day in (*off, *worked):
        told.append(f"{day.month}月{day.day}日" if day.month != month else f"{day.day}日")
        month = day.month
    made_up = f"；{'、'.join(told[len(off) :])}上班" if worked else ""
    return f"{name}: {'、'.join(told[: len(off)])}放假{made_up}"


STYLES = (of_today, of_2008, in_short)
Style = Callable[[str, Sequence[date], Sequence[date]], str]


@pytest.mark.parametrize("year", [2024, 2025, 2026])
@pytest.mark.parametrize("style", STYLES)
def test_a_whole_notice_means_the_days_of_the_calendar(year: int, style: Style) -> None:
    told = [f"{'一二三四五六七八'[n]}、{style(*run)}" for n, run in enumerate(runs(year))]
    intro = f"关于{year}年部分节假日安排的通知\n\n各省：\n根据规定，自{year}年1月1日起放假，现通知如下。"
    end = f"节假日期间，要安排好值班。\n国务院办公厅\n{year - 1}年11月4日\n（此件公开发布）"
    for text in ("\n".join([intro, *told, end]), "".join(each.rstrip("。") + "。" for each in told)):
        notice = read_notice(text, year)
        assert notice.off == {day: name for day, name in CHINA.days_off.items() if day.year == year}
        assert notice.worked == {day: name for day, name in CHINA.days_worked.items() if day.year == year}
        assert not notice.doubts
    assert len(read_notice("\n".join([intro, *told, end]), year).passed) == 2


@given(
    st.sampled_from(STYLES),
    st.dates(date(2027, 1, 20), date(2027, 12, 1)),
    st.integers(4, 9),
    st.lists(st.integers(1, 2), max_size=3),
)
def test_any_holiday_in_any_wording_is_read_as_it_was_meant(
    style: Style, first: date, length: int, weeks: list[int]
) -> None:
    off = [first + n * DAY for n in range(length)]
    around = [first - n * DAY for n in range(1, 15)] + [off[-1] + n * DAY for n in range(1, 15)]
    weekend = [day for day in around if day.weekday() >= 5]
    worked = sorted({weekend[(number * 3) % len(weekend)] for number in weeks})
    worked = worked[: sum(day.weekday() < 5 for day in off)]
    notice = read_notice(style("春节", off, worked), 2027)
    assert (sorted(notice.off), sorted(notice.worked)) == (off, worked)


def test_doubts_are_told_where_weekday_or_number_do_not_fit() -> None:
    notice = read_notice("国庆节：10月1日（星期六）至7日（周四）放假，共6天。10月9日（周六）上班。", 2027)
    assert [each.split(",")[0] for each in notice.doubts] == [
        "2027-10-01 is a Friday",
        "2027-10-01 to 2027-10-07 are 7 days",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("二、国庆节、中秋节：10月1日放假", "国庆节、中秋节"),
        ("（二）端午节：6月9日放假", "端午节"),
        ("3、春节假期：2月6日放假", "春节"),
        ("中国人民抗战胜利纪念日：9月3日放假", "中国人民抗战胜利纪念日"),
        ("2月6日（农历除夕）放假", "春节"),
        ("9月30日至10月2日放假", "国庆节"),
        ("4月5日放假", "清明节"),
        ("6月9日放假", ""),
    ],
)
def test_days_have_the_name_of_their_holiday(text: str, name: str) -> None:
    notice: Notice = read_notice(text, 2027)
    assert {*notice.off.values()} == {name}
