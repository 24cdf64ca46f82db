"""What a service tells of itself: ages and queues that it looks up, and what it counts on the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, Gauge

from deploy.local.servers import Servers
from shared import VERSION, clock, metrics
from shared.ages import EVER, age, overdue
from shared.bus import Publisher
from shared.envelope import Cause, batch
from shared.events import Fact
from shared.measuring import Measuring
from shared.policy.calendar import Calendar
from shared.problems import Unavailable
from tests.kit.doors import application, client
from tests.kit.servers import AnyServers
from tests.kit.toy import Count, add, admin_of, cause, documents_read, take_all, toy_store
from tests.shared.test_bus import changed, event, listening, send

ROOT = Path(__file__).resolve().parents[2]


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    return 0.0 if found is None else found


@pytest.fixture
async def empty(servers: AnyServers) -> AnyServers:
    async with admin_of(servers) as admin:
        await admin["triage"]["gradings"].delete_many({})
    for queue in ("triage.inbox", "triage.parked"):
        await take_all(servers, queue, 0.2)
    return servers


@pytest.fixture
async def publisher(servers: AnyServers) -> AsyncIterator[Publisher]:
    found = Publisher(servers.amqp_url("triage"), "triage")
    yield found
    await found.close()


# what is looked up


async def test_a_debt_ages_until_it_is_struck_out_however_often_it_is_taken_on(
    empty: AnyServers, publisher: Publisher
) -> None:
    async with toy_store(empty) as store:
        await Measuring(store, publisher).tick()
        assert value("redress_outbox_documents") == value("redress_outbox_oldest_seconds") == 0
        id = uuid4()
        await store.update(id, add, cause(id))
        async with admin_of(empty) as admin:
            gradings = admin["triage"]["gradings"]
            long_ago = {
                "outbox.0.at": clock.machine_now() - timedelta(seconds=90),
                "owed_at": clock.machine_now() - timedelta(seconds=30),
            }
            await gradings.update_one({"_id": id}, {"$set": long_ago})
        owed = await store.lease_owed(10)
        await Measuring(store, publisher).tick()
        assert value("redress_outbox_documents") == 1
        assert 89 < value("redress_outbox_oldest_seconds") < 120
        await store.strike_out(owed)
        async with asyncio.timeout(90):
            while value("redress_outbox_documents"):  # a majority has yet to hear of it
                await Measuring(store, publisher).tick()
        assert value("redress_outbox_oldest_seconds") == 0


async def test_what_is_owed_was_written_just_now(empty: AnyServers) -> None:
    async with toy_store(empty) as store:
        id = uuid4()
        await store.update(id, add, cause(id))
        seconds = await age(store, {"owed_at": EVER}, "outbox.at", {"$min": "$outbox.at"})
        assert 0 < seconds < 20


async def test_of_many_debts_one_document_is_read(
    empty: AnyServers, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with toy_store(empty) as store, admin_of(empty) as admin:
        gradings = admin["triage"]["gradings"]
        first = uuid4()
        await store.update(first, add, cause(first))
        debt = await gradings.find_one({"_id": first})
        assert debt is not None
        old = clock.machine_now() - timedelta(seconds=700)
        ages = [[debt["outbox"][0] | {"at": old + timedelta(seconds=n)}] for n in range(300)]
        await gradings.insert_many([debt | {"_id": uuid4(), "outbox": each} for each in ages])
        asked: list[Any] = []
        asks = store.aggregate

        def asking(pipeline: Any) -> Any:
            asked.append(pipeline)
            return asks(pipeline)

        monkeypatch.setattr(store, "aggregate", asking)
        await Measuring(store, publisher).tick()
        assert value("redress_outbox_documents") == 301
        assert 699 < value("redress_outbox_oldest_seconds") < 760
        assert [await documents_read(gradings, each) for each in asked] == [0, 1]
        await gradings.delete_many({})


async def test_a_service_may_ask_how_many_messages_wait_for_it(
    empty: AnyServers, publisher: Publisher
) -> None:
    assert await publisher.waiting("triage.parked") == 0
    await send(empty, batch([event()]))
    await send(empty, batch([event()]))
    assert await publisher.waiting("triage.inbox") == 2
    with pytest.raises(Unavailable, match=r"nowhere\.inbox"):
        await publisher.waiting("nowhere.inbox")
    assert await publisher.waiting("triage.inbox") == 2, "the connection goes on"
    await take_all(empty, "triage.inbox", 0.3)


async def test_what_cannot_be_looked_up_has_no_value(breakable: Servers) -> None:
    publisher = Publisher(breakable.amqp_url("triage"), "triage")
    async with toy_store(breakable) as store:
        await Measuring(store, publisher).tick()
        assert value("redress_queue_messages", queue="parked") == 0
        measured = value("redress_measured_timestamp_seconds")
        assert measured > clock.machine_now().timestamp() - 60
        breakable.kill("broker")
        await Measuring(store, publisher).tick()
        assert isnan(value("redress_queue_messages", queue="inbox"))
        assert value("redress_outbox_documents") == 0
        assert value("redress_measured_timestamp_seconds") == measured, "something could not be"
    await publisher.close()


async def test_what_is_due_and_not_done_is_overdue(empty: AnyServers) -> None:
    def set_due(state: Count | None, why: Cause[timedelta]) -> tuple[Count, list[Fact]]:
        return Count(due=clock.machine_now() + why.data), []

    async with toy_store(empty) as store:
        look = overdue(store, "toys")
        for later, least, most in ((3_600, 0, 0), (-100, 100, 130), (-500, 500, 530)):
            id = uuid4()
            why = Cause(uuid4(), id, "RC-TESTTESTAA", clock.now(), "test", timedelta(seconds=later))
            await store.update(id, set_due, why)
            await look()
            assert least <= value("redress_timer_overdue_seconds", timer="toys") <= most


async def test_a_look_is_taken_every_few_seconds(empty: AnyServers, publisher: Publisher) -> None:
    looked: list[int] = []

    async def look(number: int) -> None:
        looked.append(number)
        if number < 3:
            raise (ValueError, Unavailable)[number - 1]("away")

    async with toy_store(empty) as store:
        measuring = Measuring(store, publisher, [partial(look, each) for each in (1, 2, 3)])
        for _ in range(3):
            assert await measuring.tick() is False
    assert looked == [1, 2, 3]


def test_what_fails_once_has_no_value_with_any_label() -> None:
    stages, one = Gauge("stages", "", ["stage"], registry=None), Gauge("one", "", registry=None)
    stages.labels("a").set(3)
    with pytest.raises(Unavailable), metrics.looked_up(stages, one):
        raise Unavailable("away")
    (found,) = stages.collect()
    assert [(each.labels, isnan(each.value)) for each in found.samples] == [({"stage": "a"}, True)]
    assert isnan(next(iter(one.collect())).samples[0].value)
    with metrics.looked_up(one):
        one.set(1)
    assert next(iter(one.collect())).samples[0].value == 1


async def test_events_are_counted_from_0_on(empty: AnyServers) -> None:
    metrics.EVENTS.clear()
    metrics.of_type.cache_clear()
    async with listening(empty):
        pass
    for outcome in ("handled", "delayed", "parked"):
        labels = {"type": "complaint.registered.v1", "outcome": outcome}
        assert REGISTRY.get_sample_value("redress_events_total", labels) == 0
        labels["type"] = "unknown"
        assert REGISTRY.get_sample_value("redress_events_total", labels) == 0


def test_the_version_is_told() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


# what is counted on the way


async def test_events_are_counted_by_what_became_of_them(empty: AnyServers) -> None:
    type = "complaint.registered.v1"
    names = ("handled", "parked", "delayed")
    before = {name: value("redress_events_total", type=type, outcome=name) for name in names}
    pauses = value("redress_delayed_events_total", tier="5s")
    aged = value("redress_event_age_seconds_count", type=type)
    timed = value("redress_event_processing_seconds_count", type=type)
    async with listening(empty) as (ear, _):
        failing = uuid4()
        ear.fail = lambda event: RuntimeError() if event.complaint == failing else None
        await send(empty, batch([event(), changed(source="/redress/sla"), event(id=failing), event()]))
        await ear.until(2)
        async with asyncio.timeout(90):
            while value("redress_events_total", type=type, outcome="delayed") == before["delayed"]:
                await asyncio.sleep(0.05)
    after = {name: value("redress_events_total", type=type, outcome=name) - before[name] for name in names}
    assert after == {"handled": 2, "parked": 1, "delayed": 1}
    assert value("redress_delayed_events_total", tier="5s") == pauses + 1
    assert value("redress_event_age_seconds_count", type=type) == aged + 2
    assert value("redress_event_processing_seconds_count", type=type) == timed + 3
    await take_all(empty, "triage.parked", 0.3)


async def test_an_events_age_is_told_by_the_machines_clock(empty: AnyServers) -> None:
    type = "complaint.registered.v1"
    before = value("redress_event_age_seconds_sum", type=type)
    old = (clock.now() - timedelta(hours=2)).isoformat()
    async with listening(empty) as (ear, _):
        await send(empty, batch([changed(time=old)]))
        await ear.until(1)
        await asyncio.sleep(0.1)
    assert 7_200 <= value("redress_event_age_seconds_sum", type=type) - before < 7_260


async def test_requests_are_told_by_route_and_no_caller_makes_up_a_label() -> None:
    app = application()
    async with client(app, None) as sender:
        for name in ("Zelda", "Yorick"):
            await sender.get(f"/pages/{name}")
        await sender.request("ZELDA", "/pages/x")
        await sender.get("/zelda")
    told = {
        (sample.labels["http_request_method"], sample.labels["http_route"])
        for metric in REGISTRY.collect()
        if metric.name == "http_server_request_duration_seconds"
        for sample in metric.samples
    }
    assert {("GET", "/pages/{name}"), ("GET", "unmatched")} <= told
    assert "_OTHER" in {method for method, _ in told}
    assert "zelda" not in str(told).lower()


# calendars


@given(st.sets(st.integers(2020, 2040)), st.dates(date(2021, 1, 1), date(2035, 12, 31)))
def test_a_calendar_is_official_until_its_first_year_without_a_notice(years: set[int], day: date) -> None:
    found = Calendar(calendar="x", time_zone="UTC", years=tuple(years))
    ends = found.official_until(day)
    assert ends is not None
    assert not found.official(ends, ends)
    assert ends == day or found.official(day, ends - timedelta(days=1))


def test_a_calendar_of_all_years_does_not_end() -> None:
    assert Calendar(calendar="x", time_zone="UTC", years="all").official_until(date(2026, 1, 1)) is None
