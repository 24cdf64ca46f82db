"""What notify tells of notices that wait: of each urgency by itself, read off indexes."""

from collections.abc import Sequence
from datetime import timedelta
from math import isnan
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from services.notify.domain.record import Notice, Notices
from services.notify.store import measures
from services.notify.store.notices import lift, notices
from shared import clock
from shared.problems import Unavailable
from tests.kit.toy import documents_read
from tests.notify.test_log import app, lettered

__all__ = ["app"]
NAMES = ("waiting", "oldest_seconds")


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None
    return found


async def test_an_ordinary_notice_that_is_held_makes_no_urgent_one_old(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.machine_now()
    held = {"due_email": now + timedelta(hours=5), "since_due_email": now - timedelta(hours=6)}
    tried = {"urgent_email": now + timedelta(seconds=9), "since_urgent_email": now - timedelta(seconds=60)}
    some = [await lettered() for _ in range(20)]
    await notices._documents.update_many({"_id": {"$in": some}}, {"$set": held | tried})
    asked: list[Any] = []
    asks = notices.aggregate

    def asking(pipeline: Sequence[Any]) -> Any:
        asked.append(pipeline)
        return asks(pipeline)

    monkeypatch.setattr(notices, "aggregate", asking)
    for measure in measures.all_of_them:
        await measure()
    ordinary, urgent = ({"route": "email", "urgency": each} for each in ("ordinary", "urgent"))
    assert value("redress_notices_waiting", **ordinary) == value("redress_notices_waiting", **urgent) == 20
    assert 21_600 <= value("redress_notices_oldest_seconds", **ordinary) < 21_700
    assert 60 <= value("redress_notices_oldest_seconds", **urgent) < 160
    assert value("redress_tasks_waiting") == 20
    assert len(asked) > 10
    assert max([await documents_read(notices._documents, each) for each in asked]) <= 1


async def test_what_cannot_be_looked_up_has_no_value(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(pipeline: Any) -> Any:
        raise Unavailable("away")

    for measure in measures.all_of_them:
        await measure()
    monkeypatch.setattr(notices, "aggregate", away)
    for measure in measures.all_of_them:
        with pytest.raises(Unavailable):
            await measure()
    assert isnan(value("redress_tasks_waiting"))
    assert isnan(value("redress_tasks_oldest_seconds"))
    for name in NAMES:
        assert isnan(value(f"redress_notices_{name}", route="chat", urgency="urgent"))


def test_urgent_and_ordinary_notices_wait_each_by_themselves() -> None:
    now = clock.machine_now()
    ages = [(True, 60), (True, 30), (False, 500), (False, 900)]
    waiting = [
        Notice(
            id=uuid4(), kind="acknowledgement", cycle=1, urgent=urgent, route="email",
            address="a@b.example", details={}, state="queued", next_at=now,
            at=now - timedelta(seconds=seconds),
        )
        for urgent, seconds in ages
    ]  # fmt: skip
    found = lift(Notices(number="RC-TESTTESTAA", notices=waiting))
    assert found["since_urgent_email"] == now - timedelta(seconds=60)
    assert found["since_due_email"] == found["since_email"] == now - timedelta(seconds=900)
    assert found["since_due_chat"] is None
