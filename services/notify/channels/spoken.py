"""Spoken: what a notice is about in the words of people: instants, sums and titles in their language."""

from datetime import datetime, timedelta
from decimal import Decimal

from services.notify.domain.promises import promised
from services.notify.domain.recipients import rule_of
from services.notify.domain.record import Notice, Notices
from shared.events import Language
from shared.policy import Pack, load_calendar, words_for
from shared.settings import settings

Given = dict[str, str | int | None]
"""By word of the catalogue; None where it is not known."""
INSTANTS = ("due", "expires")
NUMBERS = ("score", "rung")


def given(state: Notices, notice: Notice, pack: Pack) -> Given:
    """Every word that the text of a notice may name."""
    assert state.registered is not None
    language = state.registered.language
    known: Given = {
        "number": state.number,
        "cycle": notice.cycle,
        "title": pack.title[language],
        "received_at": instant(state.registered.received_at, pack, language),
    }
    known |= _of_cycle(state, notice, pack, language) | _of_paper(notice, pack, language)
    known |= {name: _said(name, value, pack, language) for name, value in notice.details.items()}
    return {name: known.get(name) for name in words_for(notice.kind)}


def _said(name: str, value: str, pack: Pack, language: Language) -> str | int:
    """A detail of the notice as people say it."""
    if name in INSTANTS:
        return deadline(datetime.fromisoformat(value), pack, language)
    if name in NUMBERS:
        return int(value)
    match name:
        case "clock":
            return pack.clocks[value].title[language] if value in pack.clocks else value
        case "gate":
            titles = {gate.gate: gate.title[language] for gate in pack.safety}
            return titles.get(value, value)
        case "cost":
            amount, _, currency = value.partition(" ")
            return money(Decimal(amount), currency, language)
    return value


def _of_cycle(state: Notices, notice: Notice, pack: Pack, language: Language) -> Given:
    """What is known of this round of handling."""
    known: Given = {"cause": state.causes.get(notice.cycle)}
    if grade := state.grades.get(notice.cycle):
        class_, name = pack.classes.get(grade.class_), pack.grades.get(grade.grade)
        known |= {
            "class": class_.title[language] if class_ else grade.class_,
            "grade": name.title[language] if name else grade.grade,
        }
    if route := state.routes.get(notice.cycle):
        known["departments"] = departments(route.departments, pack, language)
    if notice.kind == "progress" and (due := promised(state, notice.cycle)):
        known["due"] = deadline(due, pack, language)
    return known


def _of_paper(notice: Notice, pack: Pack, language: Language) -> Given:
    """The form that the pack wants, and where staff find it."""
    name, complaint = rule_of(pack, notice.kind).paper, notice.details.get("complaint")
    if name is None or complaint is None or name not in pack.papers:
        return {}
    where = f"{settings().receipt_url.rstrip('/')}/v1/complaints/{complaint}/papers/{name}"
    return {"paper": pack.papers[name].title[language], "paper_url": where}


def departments(names: tuple[str, ...], pack: Pack, language: Language) -> str:
    """Departments by their titles."""
    known = pack.departments
    titles = [known[name].title[language] if name in known else name for name in names]
    return (", " if language == "en" else "、").join(titles)


def instant(at: datetime, pack: Pack, language: Language) -> str:
    """An instant where the pack's calendar is at home."""
    local = at.astimezone(load_calendar(pack.calendar).zone)
    return f"{_day(local, language)}{', ' if language == 'en' else ' '}{local:%H:%M}"


def deadline(at: datetime, pack: Pack, language: Language) -> str:
    """An instant by which something is due; midnight is the end of the day before."""
    local = at.astimezone(load_calendar(pack.calendar).zone)
    if (local.hour, local.minute) != (0, 0):
        return instant(at, pack, language)
    day = _day(local - timedelta(days=1), language)
    return f"the end of {day}" if language == "en" else f"{day} 24:00"


def _day(at: datetime, language: Language) -> str:
    return f"{at.day} {at:%B %Y}" if language == "en" else f"{at.year}年{at.month}月{at.day}日"


def money(amount: Decimal, currency: str, language: Language) -> str:
    """A sum; the renminbi is the yuan of those who write simplified Chinese."""
    sum_ = f"{amount:,.2f}"
    if currency == "CNY" and language != "en":
        return f"{sum_} 元" if language == "zh-CN" else f"人民幣 {sum_} 元"
    return f"{currency} {sum_}" if language == "en" else f"{sum_} {currency}"
