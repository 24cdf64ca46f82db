"""How `redress calendar` makes the next version of a calendar from a notice or a library, and sends it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.calendars.drafting import days_off
from deploy.calendars.importing import imported
from deploy.calendars.opening import opened, read
from shared.policy import load_calendar
from tests.local.served import Served
from tests.local.typed import SHOP, calendar, told

NOTICE = """关于2027年部分节假日安排的通知
一、元旦：1月1日至3日放假。
二、劳动节：5月1日（周六）至2日放假。4月25日（周日）上班。
"""


# import


def test_the_next_version_holds_all_that_was_and_the_new_year(shop: Path, tmp_path: Path) -> None:
    output = tmp_path / "next.yaml"
    told("import", shop, "--year", "2027", "-", "--output", output, text=NOTICE)
    expected = (
        SHOP.replace("version: 3", "version: 4")
        .replace("years: [2026]", "years: [2026, 2027]")
        .replace(
            "  2027-01-02: 元旦\n",
            "".join(f"  2027-{day}: 元旦\n" for day in ("01-01", "01-02", "01-03"))
            + "  2027-05-01: 劳动节\n  2027-05-02: 劳动节\n",
        )
        .replace("  2026-01-04: 元旦\n", "  2026-01-04: 元旦\n\n  2027-04-25: 劳动节\n")
    )
    assert output.read_text(encoding="utf-8") == expected
    assert told("import", shop, "--year", "2027", "-", text=NOTICE) == expected


def test_the_calendar_of_china_comes_back_from_its_notices() -> None:
    """What is left of it without 2026 becomes the same file again by a notice of 2026."""
    whole = opened("cn-mainland")
    content = whole.draft.content
    earlier = {
        key: {day: name for day, name in content[key].items() if day.year < 2026}
        for key in ("days_off", "days_worked")
    }
    header = whole.text[: whole.text.index("calendar:")]
    body = yaml.safe_dump(content | earlier | {"years": [2024, 2025]}, allow_unicode=True, sort_keys=False)
    told_of = {
        key: "、".join(f"{d.month}月{d.day}日" for d in content[key] if d.year == 2026) for key in earlier
    }
    notice = f"{told_of['days_off']}放假。{told_of['days_worked']}上班。"
    found = imported(read(header + body, "earlier.yaml"), 2026, notice, "notice")
    again = read(found.text, "again.yaml").calendar
    assert (again.days_off.keys(), again.days_worked.keys(), again.years) == (
        whole.calendar.days_off.keys(),
        whole.calendar.days_worked.keys(),
        whole.calendar.years,
    )
    assert found.text.splitlines()[0] == whole.text.splitlines()[0]
    lines = [line for line in found.text.splitlines() if not line.startswith(("  2026", "version"))]
    assert lines == [line for line in whole.text.splitlines() if not line.startswith(("  2026", "version"))]


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        ("10月1日至7日高速公路免费", "-:1  10月1日至7日高速公路免费"),
        ("5月1日放假，5月4日（周二）上班", "2027-05-04 (劳动节) is a Tuesday, which is worked anyway"),
        ("1月2日（周六）上班", "shop.yaml:11 has it off (元旦)"),
        ("2026年1月4日放假", "shop.yaml:13 has it worked (元旦)"),
        ("5月1日至3日放假，5月2日上班", "2027-05-02 is said to be off (劳动节) and worked (劳动节)"),
        ("关于2026年部分节假日安排的通知：1月1日放假", "is the notice for 2026; give --year 2026"),
        ("各单位要安排好值班。", "names no day that is off or worked"),
    ],
)
def test_a_notice_that_cannot_be_right_is_refused(shop: Path, notice: str, said: str) -> None:
    result = calendar("import", shop, "--year", "2027", "-", text=notice)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_a_notice_that_says_nothing_new_makes_no_version(shop: Path) -> None:
    told("import", shop, "--year", "2027", "-", "--output", shop, text=NOTICE)
    assert "hold already" in calendar("import", shop, "--year", "2027", "-", text=NOTICE).stderr
    assert told("import", shop, "--year", "2027", "-", text="5月3日放假").count("version: 5\n") == 1
    weekdays = calendar("import", "weekdays", "--year", "2027", "-", text=NOTICE)
    assert "needs no notices" in weekdays.stderr


def test_what_is_passed_over_or_doubtful_is_told(shop: Path) -> None:
    shop.write_text(SHOP.replace("source: ours", "source: ours # really"), encoding="utf-8")
    text = "6月9日（周四）放假，共2天。鼓励在6月8日休息。"
    plain = calendar("import", shop, "--year", "2027", "-", text=text)
    assert plain.exit_code == 0, plain.output
    assert "says nothing of days off or worked: 鼓励在6月8日休息。" in plain.stderr
    assert "names no holiday for 2027-06-09" in plain.stderr
    assert "comments inside" in plain.stderr
    assert "warning" not in plain.stderr
    checked = calendar("import", shop, "--year", "2027", "-", "--check", text=text)
    assert checked.stdout == plain.stdout
    assert "warning  2027-06-09 is a Wednesday, but the notice says 6月9日(周四)" in checked.stderr
    assert "are 1 days, but the notice says 共2天" in checked.stderr


# draft


@pytest.mark.parametrize(
    ("name", "place"), [("england-and-wales", "GB-ENG"), ("us-federal", "US"), ("australia-sydney", "AU-NSW")]
)
def test_a_calendar_of_the_box_has_the_days_of_the_library(name: str, place: str) -> None:
    found = load_calendar(name)
    listed = sorted({day.year for day in found.days_off})  # a notice may reach less far than the rule
    assert found.years != "all"
    assert {*found.years} <= {*listed}
    assert [*found.days_off] == [*days_off(place, listed)]


def test_a_calendar_is_drafted_from_the_library() -> None:
    words = ["--calendar", "my-us", "--years", "2026-2027", "--time-zone", "America/Chicago"]
    text = told("draft", "US", *words, "--hours", "08:00-16:00")
    found = read(text, "drafted").calendar
    assert (found.years, found.shifts) == ((2026, 2027), (("08:00", "16:00"),))
    assert {str(day): name for day, name in found.days_off.items() if day.month == 7} == {
        "2026-07-03": "Independence Day (observed)",
        "2027-07-05": "Independence Day (observed)",
    }
    assert "holidays" in found.source


@pytest.mark.parametrize(
    ("place", "years", "zone", "said"),
    [
        ("XX", "2026", "UTC", "does not know XX"),
        ("GB-XX", "2026", "UTC", "does not know GB-XX"),
        ("US", "2030-2026", "UTC", "write them as 2024-2030"),
        ("US", "2026", "Mars", "use a time zone"),
    ],
)
def test_a_draft_of_nothing_is_refused(place: str, years: str, zone: str, said: str) -> None:
    result = calendar("draft", place, "--calendar", "x", "--years", years, "--time-zone", zone)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_what_cannot_be_written_is_told(shop: Path, tmp_path: Path) -> None:
    result = calendar("import", shop, "--year", "2027", "-", "--output", tmp_path, text=NOTICE)
    assert (result.exit_code, "cannot be written" in result.stderr) == (1, True)


# publish


def test_a_version_is_sent_to_sla(shop: Path, served: Served) -> None:
    served.answer = 200, {"calendar": "shop", "version": 3, "deadlines_open": 7}
    result = calendar("publish", shop, REDRESS_SLA_URL=served.url, REDRESS_API_KEY="k")
    assert result.exit_code == 0, result.output
    assert result.stdout == "published  shop/3  7 open deadlines will be counted anew by it\n"
    assert served.asked == [("PUT", "/v1/calendars/shop/versions/3", "Bearer k", SHOP)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (409, {"title": "no", "status": 409, "detail": "shop is at version 4"}),
            "shop is at version 4 (409)",
        ),
        ((401, {"title": "Credentials are missing", "status": 401}), "(--key, or REDRESS_API_KEY) (401)"),
        ((502, "<html>"), "is this sla?"),
        ((200, "hello"), "is this sla?"),
    ],
)
def test_a_refusal_of_sla_is_told(shop: Path, served: Served, answer: tuple[int, Any], said: str) -> None:
    served.answer = answer
    result = calendar("publish", shop, "--url", served.url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_faults_of_sla_name_the_file_and_its_line(shop: Path, served: Served) -> None:
    fault = {"detail": "the body:4: use a time zone", "pointer": "#/time_zone"}
    served.answer = 422, {"title": "broken", "status": 422, "detail": "the body is wrong", "errors": [fault]}
    lines = calendar("publish", shop, "--url", served.url).stderr.splitlines()
    assert lines == ["the body is wrong (422)", f"  {shop}:4  #/time_zone  use a time zone"]


def test_what_is_no_calendar_is_not_sent(shop: Path, served: Served) -> None:
    shop.write_text(SHOP.replace("Asia/Shanghai", "Mars"), encoding="utf-8")
    result = calendar("publish", shop, "--url", served.url)
    assert (result.exit_code, served.asked) == (1, [])
    assert f"{shop}:4  #/time_zone" in result.stderr
    away = calendar("publish", "weekdays", "--url", "http://127.0.0.1:1")
    assert "Sla cannot be reached at http://127.0.0.1:1" in away.stderr
