"""Workload: days of the house that nothing falls between, and holders as their reader may know them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import workload
from services.intake.domain.workload import begins, forecast, holders
from tests.kit.complaint import START
from tests.kit.intake import STAFF

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)  # the 23rd in Shanghai
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)


def test_a_forecast_begins_today_and_leaves_no_day_out() -> None:
    counted = Counter({(date(2026, 11, 24), "quality"): 3, (date(2026, 11, 24), ""): 2})
    days = forecast(counted, NOW, 3, SHANGHAI)
    assert [(each.date.day, each.due) for each in days] == [(23, 0), (24, 5), (25, 0)]
    assert days[1].departments == {"": 2, "quality": 3}


@given(instants, instants, st.sampled_from([SHANGHAI, NEW_YORK]))
def test_every_instant_to_come_is_in_the_list_of_just_one_day(
    now: datetime, due: datetime, zone: Any
) -> None:
    days = forecast(Counter(), now, 60, zone)
    lists = [(each.filters.due_from, each.filters.due_before) for each in days]
    found = [at for at, (since, until) in enumerate(lists) if since and until and since <= due < until]
    ends = begins(days[-1].date + timedelta(days=1), zone)
    assert len(found) == (now <= due <= ends)
    if found and due > now:
        day = (due - timedelta(milliseconds=1)).astimezone(zone).date()
        assert days[found[0]].date == day


def counted(kind: str, handler: str | None, open: int, **more: Any) -> dict[str, Any]:
    about = {"kind": kind, "department": "quality", "handler": handler, "pack": "base"}
    return {"_id": about, "open": open, "overdue": 0, "since": START} | more


def test_holders_are_counted_over_all_packs_and_the_latest_come_first() -> None:
    other = counted("handler", "Li", 2, since=START - timedelta(days=1))
    other["_id"]["pack"] = "cn-kpi-95"
    [wang, li] = holders(
        [counted("handler", "Li", 3), other, counted("handler", "Wang", 1, overdue=1)], STAFF
    )
    assert (wang.handler, li.handler, li.open, li.since) == ("Wang", "Li", 5, other["since"])
    assert li.filters is not None
    assert li.filters.model_dump(exclude_none=True) == {
        "holder": "handler",
        "handler": "Li",
        "lead": "quality",
    }


def test_a_hidden_handler_has_neither_name_nor_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "hides_handlers", lambda pack, reader: True)
    [hidden] = holders([counted("handler", "Li", 3), counted("handler", None, 1)], STAFF)
    assert (hidden.handler, hidden.filters, hidden.open) == (None, None, 4)
