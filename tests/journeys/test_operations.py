"""What operators see of the demo's complaints: metrics, alerts, dashboards, and nothing of any customer."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
import yaml

from deploy.local.demo import SAMPLES, case
from deploy.local.install import install
from deploy.local.play import Case, Players
from deploy.local.samples import read
from deploy.local.stage import Stage, stage
from deploy.provision import SERVICES
from shared import VERSION
from tests.kit.monitoring import ALERTS, BOARDS, ROOT, asked, metrics_asked
from tests.kit.prometheus import Prometheus, WatchedServers, prometheus
from tests.kit.toy import channel_of

AT_ONCE = 16
OF_THE_DAY = {"RequestsSlow", "EventsLate", "TasksLate", "CalendarEndsSoon"}
"""Alerts that may fire on a slow machine, at such speed, or late in a year."""
BACK_S = 240
"""Slow cores need long until a broker is up again and all have come back to it."""
UNUSED = {
    "services: Events to be tried again, by pause": "nothing failed",
    "overview: Complaints open, by stage": "all are closed",
    "overview: Days left in calendars": "no deadline is open",
}
"""Panels that may be empty after such a run."""
COLLECTOR = yaml.safe_load((ROOT / "deploy" / "collector" / "config.yaml").read_text())
POISON = {
    "name": "Zelda Quillfeather", "phone": "+44 7911 555 019", "email": "zelda@quillfeather.example",
    "address": "9 Heron Lane", "description": "The singing kettle scalded my sister badly",
}  # fmt: skip
COMPLAINT = str(uuid4())
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True, slots=True)
class Watched:
    """A system that has carried complaints, with whoever watches it."""

    stage: Stage
    servers: WatchedServers
    prometheus: Prometheus
    cases: Sequence[Case]


@pytest.fixture(scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    install()
    servers = await WatchedServers.start(tmp_path_factory.mktemp("watched"))
    folder = tmp_path_factory.mktemp("operations")
    try:
        async with (
            stage(servers, folder / "services", speed=3600, traces=True) as set_up,
            prometheus(folder / "prometheus", targets(set_up, servers)) as watching,
        ):
            cases = [case(row) for row in read(SAMPLES).complaints]
            await asyncio.gather(play(set_up, cases), provoke(set_up))
            yield Watched(set_up, servers, watching, cases)
    finally:
        await servers.stop()


def targets(set_up: Stage, servers: WatchedServers) -> dict[str, str]:
    broker = f"127.0.0.1:{servers.exporter}"
    services = {name: set_up.system.url(name).removeprefix("http://") for name in SERVICES}
    return services | {"rabbitmq": broker, "rabbitmq-queues": broker}


async def play(set_up: Stage, cases: Sequence[Case]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)
    async with set_up.system.client() as client:
        players = Players(set_up.system, client, set_up.mailbox, set_up.gateway)

        async def carry(each: Case) -> None:
            async with slots:
                await players.carry(each)

        await asyncio.gather(*(carry(each) for each in cases))


async def provoke(set_up: Stage) -> None:
    """Send personal data where none belongs, so that whoever repeats their input in an error is found out."""
    async with set_up.system.client() as client:
        intake = set_up.system.url("intake")
        for body in ({"channel": POISON["name"], "complainant": POISON}, {"description": POISON}):
            assert (await client.post(f"{intake}/v1/complaints", json=body)).status_code == 422
        text = f'{{"description": "{POISON["description"]}", "complainant": {{"name": "{POISON["name"]}"'
        assert (await client.post(f"{intake}/v1/complaints", content=text)).status_code == 422
        for place in POISON.values():
            assert (await client.get(f"{intake}/v1/complaints/{place}")).status_code in (404, 422)
            assert (await client.get(f"{intake}/{place}")).status_code == 404
            await client.get(f"{intake}/v1/complaints", params={"text": place, place: place})
    await publish(set_up, json.dumps([POISON, event(), {**event(), "data": POISON}]).encode())
    await publish(set_up, json.dumps(POISON).encode())


def event() -> dict[str, Any]:
    """An event that cannot be read, about a complaint and within a trace."""
    return {
        "specversion": "1.0", "id": str(uuid4()), "source": "/redress/intake", "type": "contact.recorded.v1",
        "subject": "RC-TESTTESTAA", "time": "2026-09-18T10:00:00Z", "correlationid": COMPLAINT,
        "sequence": "0000000001", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        "data": {"name": {"was": POISON["name"]}, "email": [POISON["email"]], POISON["phone"]: 1},
    }  # fmt: skip


async def publish(set_up: Stage, body: bytes) -> None:
    """As intake would, to whoever keeps contacts."""
    async with channel_of(set_up.servers.amqp_url("intake")) as channel:
        exchange = await channel.get_exchange("redress.private", ensure=False)
        message = aio_pika.Message(body, user_id="intake", delivery_mode=2, message_id=str(uuid4()))
        await exchange.publish(message, "contact.recorded.v1")


# no personal data


def secrets(cases: Sequence[Case]) -> Iterator[str]:
    """Whatever points to a customer, and their own words: three in a row, of Chinese four signs."""
    for body in [*(each.body for each in cases), {"complainant": POISON, **POISON}]:
        people = [person for person in (body.get("complainant"), body.get("representative")) if person]
        for person in people:
            for value in leaves(person):
                yield value
                yield from (part for part in value.split() if len(part) > 3 and part.isalpha())
        yield from phrases(str(body.get("description", "")))


def leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from leaves(each)
        case str() if len(value) > 2:
            yield value


def phrases(text: str) -> Iterator[str]:
    words = re.findall(r"[A-Za-z']+", text)
    yield from (" ".join(words[at : at + 3]) for at in range(len(words) - 2))
    for run in re.findall(r"[\u4e00-\u9fff]{4,}", text):
        yield from (run[at : at + 4] for at in range(len(run) - 3))


def found(secrets: Sequence[str], text: str) -> list[str]:
    text = text.lower()
    return [secret for secret in secrets if secret.lower() in text]


def readable(path: Path) -> str:
    """A file of JSON lines with all signs as they are; what is no JSON stays as it is."""
    return "\n".join(_plain(line) for line in path.read_text(encoding="utf-8").splitlines())


def _plain(line: str) -> str:
    try:
        return json.dumps(json.loads(line), ensure_ascii=False)
    except ValueError:
        return line


async def told(watched: Watched) -> dict[str, str]:
    """All logs and spans, and the metrics of every service."""
    folder = watched.stage.system.folder
    files = {path.name: readable(path) for path in folder.iterdir() if path.suffix in (".log", ".spans")}
    async with watched.stage.system.client() as client:
        for name in SERVICES:
            url = watched.stage.system.url(name)
            files[f"{name}.metrics"] = (await client.get(f"{url}/metrics")).text
    return files


async def test_no_log_no_span_and_no_metric_tells_of_a_customer(watched: Watched) -> None:
    looked_for = sorted(set(secrets(watched.cases)))
    assert len(looked_for) > 500
    files = await told(watched)
    assert {name.rpartition(".")[2] for name in files} == {"log", "spans", "metrics"}
    assert len(files) == 3 * len(SERVICES)
    assert min(len(text) for text in files.values()) > 50
    assert {name: hits for name, text in files.items() if (hits := found(looked_for, text))} == {}


async def test_the_search_finds_what_is_planted(watched: Watched, tmp_path: Path) -> None:
    looked_for = sorted(set(secrets(watched.cases)))
    chinese = next(each for each in watched.cases if each.body["language"] == "zh-CN").body
    for planted in (POISON["phone"], "QUILLFEATHER", chinese["complainant"]["name"], chinese["description"]):
        file = tmp_path / "planted"
        file.write_text(json.dumps({"event": "x", "reason": f"could not read {planted}."}), encoding="utf-8")
        assert found(looked_for, readable(file)), planted


def lines(watched: Watched, service: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in watched.stage.system.log(service).splitlines()]


async def test_every_line_of_every_log_is_one_json_object(watched: Watched) -> None:
    for service in SERVICES:
        for line in lines(watched, service):
            assert line["service"] == service
            assert line.keys() >= {"event", "level", "timestamp"}


async def test_a_log_line_about_a_complaint_names_it_and_its_trace(watched: Watched) -> None:
    failed = [line for line in lines(watched, "notify") if line["event"] in ("event parked", "event delayed")]
    named = [line for line in failed if line.get("complaint") == COMPLAINT]
    assert {(line["event"], line["trace_id"]) for line in named} == {("event delayed", TRACE)}
    parked = [line for line in failed if line["event"] == "event parked"]
    assert [line.get("complaint") for line in parked] == [None, None], "what is no event names nothing"


async def test_the_collector_lets_through_what_the_services_record_and_no_more(watched: Watched) -> None:
    allowed = set(COLLECTOR["processors"]["redaction"]["allowed_keys"])
    recorded: set[str] = set()
    for name in SERVICES:
        for line in (watched.stage.system.folder / f"{name}.spans").read_text().splitlines():
            span = json.loads(line)
            recorded |= {*span["attributes"], *span["resource"]["attributes"]}
            assert not span["events"]
    assert recorded == allowed


# metrics


async def test_every_service_and_the_broker_are_watched(watched: Watched) -> None:
    up = await watched.prometheus.query("up == 1")
    assert {each["metric"]["job"] for each in up} == {*SERVICES, "rabbitmq", "rabbitmq-queues"}
    versions = await watched.prometheus.query("redress_build_info")
    assert {(each["metric"]["service"], each["metric"]["version"]) for each in versions} == {
        (name, VERSION) for name in SERVICES
    }
    rules = await watched.prometheus.get("rules", type="alert")
    loaded = {rule["name"]: rule["health"] for group in rules["groups"] for rule in group["rules"]}
    assert loaded == dict.fromkeys(ALERTS, "ok")


async def test_all_metrics_that_are_asked_for_are_there(watched: Watched) -> None:
    there = await watched.prometheus.get("targets/metadata")
    assert metrics_asked() - {each["metric"] for each in there} == set()


async def test_dashboards_have_something_to_show(watched: Watched) -> None:
    panels = [(place, expr) for place, expr in asked() if place.split(":")[0] in BOARDS]
    full = {place for place, expr in panels if await watched.prometheus.query(expr)}
    assert {place for place, _ in panels} - full - UNUSED.keys() == set()


async def test_figures_are_those_of_the_run(watched: Watched) -> None:
    value = watched.prometheus.value
    closed = len(watched.cases)
    published = 'sum(redress_published_total{type="complaint.closed.v1"})'
    await watched.prometheus.until(f"{published} >= {closed}")
    taken = 'http_route="/v1/complaints", http_request_method="POST", http_response_status_code="201"'
    assert await value(f"sum(http_server_request_duration_seconds_count{{{taken}}})") == closed
    lateness = 'redress_timer_lateness_seconds_count{job="sla", timer="fire deadlines"}'
    assert await value(lateness) > 0
    sent = 'sum(redress_attempts_total{outcome="delivered"})'
    assert await value(sent) > closed
    assert await value('redress_policy_version{job="triage", pack="base"}') >= 1
    assert await value("sum(redress_ready)") == len(SERVICES)


# alerts


async def test_parked_events_are_told(watched: Watched) -> None:
    await watched.prometheus.until('ALERTS{alertname="EventsParked", alertstate="firing", job="notify"}')
    assert await watched.prometheus.value('max(redress_queue_messages{job="notify", queue="parked"})') == 2
    firing = await watched.prometheus.firing()
    assert {alert for alert, _ in firing} <= {"EventsParked", *OF_THE_DAY}
    assert ("EventsParked", "intake") not in firing


async def test_a_broker_that_dies_is_told_and_debts_grow_old_until_it_is_back(watched: Watched) -> None:
    assert not {"BrokerAway", "RelayAway"} & {alert for alert, _ in await watched.prometheus.firing()}
    watched.servers.kill("broker")
    async with watched.stage.system.client() as client:
        url = f"{watched.stage.system.url('intake')}/v1/complaints"
        body = read(SAMPLES).complaints[1] | {"channel": "website"}
        del body["play"]
        assert (await client.post(url, json=body)).status_code == 201
    for name in SERVICES:
        await watched.prometheus.until(f'ALERTS{{alertname="BrokerAway", alertstate="firing", job="{name}"}}')
    await watched.prometheus.until('redress_relay_up{job="intake"} == 0')
    await watched.prometheus.until('redress_outbox_oldest_seconds{job="intake"} > 3')
    assert await watched.prometheus.value('redress_database_up{job="intake"}') == 1
    await watched.servers.restart("broker")
    for expression in (
        "count(redress_ready == 1) == 5",
        'redress_outbox_oldest_seconds{job="intake"} == 0',
        'absent(ALERTS{alertname="BrokerAway", alertstate="firing"})',
    ):
        await watched.prometheus.until(expression, BACK_S)
