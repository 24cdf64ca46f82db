"""What `redress calendar` says of a calendar: what is worked, what is due when and why, and what is wrong."""

import json
from pathlib import Path

import pytest

from deploy.calendars.opening import opened, read
from shared.policy import Calendar, calendars
from shared.problems import Invalid
from tests.local.typed import SHOP, calendar, told

BOX = Path(__file__).parents[2] / "policies" / "calendars"
PAUSE = "2026-09-30T17:00.."
UNTIL = f"{PAUSE}2026-10-09T10:00"

# list, show, check


def test_every_calendar_is_listed_with_its_years() -> None:
    found = json.loads(told("list", "--json"))
    assert [each["calendar"] for each in found] == calendars()
    lines = told("list").splitlines()
    assert len(lines) == len(found)
    [china] = [line for line in lines if line.startswith("cn-mainland/")]
    assert china.split()[1:] == ["Asia/Shanghai", "2024–2026"]


def test_a_calendar_is_shown_with_hours_days_and_departments(shop: Path) -> None:
    words = " ".join(told("show", shop).split())
    for said in (
        "shop/3 Asia/Shanghai notices for 2026 ours",
        "Monday, Tuesday, Wednesday, Thursday 09:00–12:00, 13:00–17:00",
        "Friday 09:00–12:00 Saturday, Sunday not worked 2026-05-02 Saturday 10:00–11:00",
        "Days off 2026-01-01 Thursday 元旦",
        "Days worked 2026-01-04 Sunday 元旦",
        "Hours of night Monday, Tuesday, Wednesday, Thursday, Friday 20:00–24:00",
    ):
        assert said in words
    assert "调休上班\n  2026-01-04  星期日  元旦" in told("show", shop, "--language", "zh-CN")
    assert Calendar.model_validate_json(told("show", shop, "--json")) == opened(str(shop)).calendar
    assert "use one of" in calendar("show", "nowhere").stderr


def test_the_calendars_of_the_box_pass() -> None:
    lines = told("check", *sorted(BOX.glob("*.yaml"))).splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * len(calendars())
    assert told("check", "-", text=SHOP).startswith("ok  shop/3  3 days off, 1 make-up days, years 2026")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Asia/Shanghai", "Asia/Nowhere", "4  #/time_zone  use a time zone of the IANA database"),
        (
            "2026-01-04: 元旦",
            "2026-05-01: 元旦",
            "13  #/days_worked/2026-05-01  2026-05-01 stands in days_off",
        ),
        ("  2026-05-01: 劳动节", "  2026-05-01: 劳动节\n  2026-05-01: 五一", "10  #/days_off/2026-05-01  "),
        ("version: 3", "verison: 3", "3  #/verison  there is no key 'verison' here; did you mean 'version'?"),
        ('"12:00"], ["13:00"', '"13:30"], ["13:00"', "14  #/shifts"),
        ("fri: [[", 'fri: [["13:00", "12:00"], [', "16  #/hours/fri  shifts stand in order"),
        ('shifts: [["20:00", "24:00"]]', "shifts: []", "19  #/departments/night"),
        ("years: [2026]", "years: [2026", ""),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(shop: Path, old: str, new: str, said: str) -> None:
    shop.write_text(SHOP.replace(old, new, 1), encoding="utf-8")
    result = calendar("check", shop)
    assert result.exit_code == 1
    refused, *lines = result.stdout.splitlines()
    assert refused == f"REFUSED {shop}"
    assert any(line.startswith(f"{shop}:{said}") for line in lines), lines


def test_a_make_up_day_that_is_worked_anyway_is_noted(shop: Path) -> None:
    shop.write_text(SHOP.replace("2026-01-04", "2026-01-05"), encoding="utf-8")
    assert f"note  {shop}:13  2026-01-05 is worked anyway" in told("check", shop)


# due, between, explain


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2026-09-30T16:00", "24h"], "2026-10-01T16:00:00+08:00  Thursday"),
        (["2026-09-30T16:00", "90m"], "2026-09-30T17:30:00+08:00  Wednesday"),
        (["2026-09-30T16:00", "20m"], "2026-09-30T16:20:00+08:00  Wednesday"),
        (["2026-09-30T16:00", "1.5h"], "2026-09-30T17:30:00+08:00  Wednesday"),
        (["2026-09-30T08:00Z", "8wh"], "2026-10-08T15:00:00+08:00  Thursday"),
        (["2026-09-30T16:00", "2wd"], "2026-10-10T00:00:00+08:00  Saturday"),
        (["2026-09-30T16:00", "2wd", "--ends", "closing"], "2026-10-09T18:00:00+08:00  Friday"),
        (["2026-09-30T16:00", "3wd", "--ends", "same_time"], "2026-10-10T16:00:00+08:00  Saturday"),
        (["2026-09-30T16:00", "2d"], "2026-10-03T00:00:00+08:00  Saturday"),
        (["2026-09-30T16:00", "2d", "--roll"], "2026-10-09T00:00:00+08:00  Friday"),
        (["2026-10-01T16:00", "2h", "--from-opening"], "2026-10-08T11:00:00+08:00  Thursday"),
        (["2026-09-30T16:00", "4h", "--pause", UNTIL], "2026-10-09T13:00:00+08:00  Friday"),
        (["2026-12-31T10:00", "1h", "--calendar", "weekdays"], "2026-12-31T11:00:00+00:00  Thursday"),
        (["2026-07-02T10:00", "1wd", "--calendar", "us-federal"], "2026-07-07T00:00:00-04:00  Tuesday"),
    ],
)  # fmt: skip
def test_something_is_due(words: list[str], said: str) -> None:
    assert told("due", *words) == f"{said}\n"


def test_a_year_without_a_notice_makes_it_provisional_where_its_days_matter() -> None:
    late = "2026-12-30T10:00"
    assert told("due", late, "2wd").splitlines()[1] == "provisional: no official notice for 2027"
    assert told("due", late, "600wd").splitlines()[1] == "provisional: no official notice for 2027–2029"
    for sure in ("1wd", "48h", "9d"):
        assert "provisional" not in told("due", late, sure)
    assert "provisional" in told("due", late, "9d", "--roll")
    found = json.loads(told("due", late, "2wd", "--json"))
    assert (found["provisional"], found["without_notice"]) == (True, [2027])
    assert found["due"] == "2027-01-02T00:00:00+08:00"


def test_a_department_has_hours_of_its_own(shop: Path) -> None:
    night = told("due", "2026-01-05T12:00", "1wh", "--calendar", shop, "--department", "night")
    assert night.startswith("2026-01-05T21:00:00+08:00")
    unknown = calendar("due", "2026-01-05T12:00", "1wh", "--calendar", shop, "--department", "day")
    assert (unknown.exit_code, "use one of night" in unknown.stderr) == (1, True)


def test_without_an_end_of_the_pause_nothing_is_due() -> None:
    words = ["2026-09-30T16:00", "4h", "--pause", PAUSE]
    assert "stands still since 2026-09-30T17:00:00+08:00" in told("due", *words)
    assert json.loads(told("explain", *words, "--json"))["due"] is None
    assert "自 2026-09-30T17:00:00+08:00 起暂停计时" in told("explain", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["due", "yesterday", "1h"], "yesterday is no time; write it as"),
        (["due", "2026-01-01", "5"], "5 is no length of time; write it as 24h"),
        (["due", "2026-01-01", "1.5wd"], "1.5wd cannot be counted like that"),
        (["due", "2026-01-01", "8h", "--roll"], "hours have none"),
        (["due", "2026-01-01", "1h", "--pause", "2026-01-01"], "--pause 2026-01-01 is none"),
        (["due", "2026-01-01", "1h", "--pause", "2026-01-02..2026-01-01"], "ends before it begins"),
        (["due", "2026-01-01", "1h", "--department", "x"], "x has no hours of its own in cn-mainland"),
        (["due", "9999-12-01", "99wd"], "later than any date there is"),
        (["between", "2026-01-02", "2026-01-01"], "The end comes before the start"),
        (["due", "2026-01-01", "1h", "--calendar", "mars"], "There is no calendar mars"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_mend(words: list[str], said: str) -> None:
    result = calendar(*words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_between_two_instants_lie_work_days_and_time() -> None:
    words = ["2026-09-30T16:00", "2026-10-10T12:00"]
    assert told("between", *words).splitlines() == [
        "working time  23:00:00",
        "working days  3",
        "natural time  236:00:00",
    ]
    paused = json.loads(told("between", *words, "--pause", "2026-10-08T10:00..2026-10-09T10:30:30", "--json"))
    assert (paused["worked"], paused["working_days"], paused["natural"]) == (48570, 2, 761370)
    clocks_go_back = ["2026-10-25T00:00", "2026-10-25T12:00", "--calendar", "england-and-wales"]
    assert "natural time  13:00:00" in told("between", *clocks_go_back)


@pytest.mark.parametrize(
    ("words", "said", "total"),
    [
        (["8wh"], ["放假：国庆节", "非工作时间", "+2:00:00 工作时间"], "合计 8:00:00 = 时限 8:00:00"),
        (["2wd"], ["起算当日不计入", "放假：国庆节", "+1 工作日"], "合计 2 = 时限 2"),
        (["2d", "--roll"], ["+2 自然日", "放假：国庆节", "顺延至工作日"], "合计 2 = 时限 2"),
        (["20m"], ["+0:20:00 计时"], "合计 0:20:00 = 时限 0:20:00"),
        (["4d", "--pause", "2026-10-01T10:00..2026-10-04T10:00"], ["暂停计时"], "合计 4 = 时限 4"),
    ],
)
def test_a_due_time_is_explained_interval_by_interval(words: list[str], said: list[str], total: str) -> None:
    asked = ["2026-09-30T16:00", *words]
    lines = " ".join(told("explain", *asked).split())
    assert all(each in lines for each in said), lines
    assert lines.endswith(total)
    due = told("due", *asked).split()[0]
    assert f"到期 {due}" in lines
    found = json.loads(told("explain", *asked, "--json"))
    assert found["total"] == found["budget"] == sum(each["amount"] for each in found["intervals"])
    assert "total" in told("explain", *asked, "--language", "en").splitlines()[-1]


def test_a_contradiction_raises_invalid_wherever_it_is_read() -> None:
    with pytest.raises(Invalid):
        read(SHOP.replace("2026-01-04", "2026-01-01"), "x")
