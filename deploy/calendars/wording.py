"""Calendars in words: hours and days, and how a due time was counted, interval by interval."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from deploy.calendars.asking import Due
from deploy.calendars.opening import title, years_told
from deploy.telling import aligned
from shared.events import Language
from shared.policy import Calendar, Interval, in_all, intervals_of
from shared.policy.calendar import WEEKDAYS, Hours, Shifts

WORDS: dict[Language, dict[str, str]] = in_all({
    "en": {
        "runs": "runs", "worked": "worked", "working_day": "working day", "day": "day",
        "first_day": "the day of the start is not counted", "closed": "closed", "day_off": "day off: {}",
        "weekday_off": "not worked: {}", "paused": "stands still", "before_opening": "before the opening",
        "rolled_on": "moved on to a working day", "hours": "{} hours", "working_hours": "{} working hours",
        "working_days": "{} working days", "days": "{} calendar days",
        "start": "start", "budget": "budget", "due": "due", "total": "total {} = budget {}", "total_not":
        "total {} is not the budget {}", "provisional": "provisional: no official notice for {}",
        "still": "no due time: it stands still since {}, without an end",
        "calendar": "calendar", "Hours": "Hours", "Days off": "Days off", "Days worked": "Days worked",
        "Department": "Hours of {}", "no_work": "not worked", "list": ", ", "notice": "notices for {}",
    },
    "zh-CN": {
        "runs": "计时", "worked": "工作时间", "working_day": "工作日", "day": "自然日",
        "first_day": "起算当日不计入", "closed": "非工作时间", "day_off": "放假：{}",
        "weekday_off": "休息：{}", "paused": "暂停计时", "before_opening": "上班后起算",
        "rolled_on": "顺延至工作日", "hours": "{} 小时", "working_hours": "{} 个工作小时",
        "working_days": "{} 个工作日", "days": "{} 个自然日",
        "start": "起算", "budget": "时限", "due": "到期", "total": "合计 {} = 时限 {}", "total_not":
        "合计 {} 不等于时限 {}", "provisional": "暂定：{} 年尚无官方放假通知",
        "still": "没有到期时间：自 {} 起暂停计时，何时恢复未知",
        "calendar": "日历", "Hours": "工作时间", "Days off": "放假", "Days worked": "调休上班",
        "Department": "{} 的工作时间", "no_work": "不上班", "list": "、", "notice": "已有通知：{}",
    },
})  # fmt: skip
NAMES: dict[Language, tuple[str, ...]] = in_all({
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh-CN": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
})  # fmt: skip


def weekday(day: date, language: Language) -> str:
    return NAMES[language][day.weekday()]


def clock(length: timedelta | Decimal) -> str:
    """Seconds or a time as h:mm:ss."""
    moments = (
        length // timedelta(microseconds=1) if isinstance(length, timedelta) else int(length * 1_000_000)
    )
    seconds, rest = divmod(moments, 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


def shown(calendar: Calendar, language: Language) -> Iterator[str]:
    """A calendar: hours, days off and worked with their names, departments."""
    words = WORDS[language]
    yield f"{title(calendar)}  {calendar.time_zone}  {words['notice'].format(years_told(calendar.years))}"
    if calendar.source:
        yield calendar.source
    yield from _hours(words["Hours"], calendar, language)
    for heading, days in (("Days off", calendar.days_off), ("Days worked", calendar.days_worked)):
        if days:
            yield from ["", words[heading]]
            yield from aligned(
                [[f"  {day}", weekday(day, language), name] for day, name in sorted(days.items())]
            )
    for name, hours in calendar.departments.items():
        yield from _hours(words["Department"].format(name), hours, language)


def _hours(heading: str, hours: Hours, language: Language) -> Iterator[str]:
    """Weekdays with the same shifts stand on one line, then the dates with hours of their own."""
    yield from ["", heading]
    same: dict[Shifts, list[str]] = defaultdict(list)
    for each, name in zip(WEEKDAYS, NAMES[language], strict=True):
        same[hours.of_weekday(each)].append(name)
    words = WORDS[language]
    rows = [[f"  {words['list'].join(names)}", _shifts(shifts, words)] for shifts, names in same.items()]
    dates = {day: shifts for day, shifts in hours.hours.items() if isinstance(day, date)}
    rows += [[f"  {day} {weekday(day, language)}", _shifts(dates[day], words)] for day in sorted(dates)]
    yield from aligned(rows)


def _shifts(shifts: Shifts, words: Mapping[str, str]) -> str:
    return words["list"].join(f"{opens}–{closes}" for opens, closes in shifts) or words["no_work"]


def answer(asked: Due, language: Language) -> Iterator[str]:
    """The due time with its weekday, and what makes it provisional."""
    words = WORDS[language]
    if asked.due is None:
        yield words["still"].format(_told(asked.paused))
        return
    yield f"{asked.due.isoformat()}  {weekday(asked.due, language)}"
    if asked.unofficial:
        yield words["provisional"].format(years_told(asked.unofficial))


def explained(asked: Due, language: Language) -> Iterator[str]:
    """Start, budget and due time, every interval with its reason, and the sum."""
    words = WORDS[language]
    unit, budget = asked.amount
    amount = clock(budget) if "hours" in unit else str(budget)
    head = [["start", _told(asked.start), weekday(asked.start, language)]]
    head += [["budget", words[unit].format(amount), ""], ["calendar", title(asked.table.calendar), ""]]
    if asked.due:
        head.append(["due", _told(asked.due), weekday(asked.due, language)])
    yield from aligned([[words[key], *told] for key, *told in head])
    yield from list(answer(asked, language))[bool(asked.due) :]
    if asked.due is None:
        return
    found = intervals_of(asked.budget, asked.start, asked.due, asked.table, asked.pauses)
    if found:
        yield from ["", *aligned([_row(each, unit, language) for each in found])]
    total = sum((each.amount for each in found), Decimal(0))
    sums = [clock(each) if "hours" in unit else str(each) for each in (total, budget)]
    yield from ["", words["total" if total == budget else "total_not"].format(*sums)]


def _row(each: Interval, unit: str, language: Language) -> list[str]:
    name = NAMES[language][WEEKDAYS.index(each.name)] if each.name in WEEKDAYS else each.name
    counted = clock(each.amount) if "hours" in unit else str(each.amount)
    reason = WORDS[language][each.reason].format(name)
    return [_told(each.since), "–", _told(each.until), f"+{counted}" if each.amount else "", reason]


def _told(instant: datetime) -> str:
    return instant.isoformat()
