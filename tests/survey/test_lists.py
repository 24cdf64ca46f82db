"""Lists and figures of surveys: the bad ones to work on, and counts that are exact to the survey."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, get_args
from uuid import uuid4

import pytest

from services.survey import listeners
from services.survey.channels.links import link
from services.survey.domain.figures import wilson
from services.survey.domain.finding import Wanted
from services.survey.domain.passing import elapse
from services.survey.domain.record import State
from services.survey.store import lift, listing, surveys
from shared import clock
from shared.envelope import Cause
from shared.events import (
    Channel,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintReopened,
    FactsRevised,
    NoticeSent,
    Product,
)
from tests.kit.complaint import NUMBER, START, registered
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of
from tests.survey.house import House, house

FED_BACK = ComplaintFedBack(cycle=1)


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        monkeypatch.setattr(clock, "now", lambda: START + timedelta(hours=1))
        yield found


async def test_the_bad_ones_are_listed_newest_first_page_by_page(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = START + timedelta(days=2_000)
    made: dict[str, int] = {}
    for number, score in enumerate([3, 9, 5, 0, 10, 4, 5, 8]):
        now = then + timedelta(hours=number)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        id, address = await at.opened(FED_BACK, at=then)
        assert (await at.fill(address, score=str(score))).status_code == 200
        made[str(id)] = score
    seen: list[str] = []
    query: dict[str, Any] = {"score_to": 5, "since": then.isoformat(), "page_size": 2}
    while True:
        page = (await at.get("/v1/surveys", "desk", **query)).json()
        seen += [each["complaint"] for each in page["items"]]
        assert all(each["surveys"][0]["answer"]["score"] <= 5 for each in page["items"])
        if not page["next_page_token"]:
            break
        query["page_token"] = page["next_page_token"]
    assert seen == [id for id, score in reversed(made.items()) if score <= 5]
    later = (
        await at.get("/v1/surveys", "desk", score_from=9, since=(then + timedelta(hours=2)).isoformat())
    ).json()
    assert [each["surveys"][0]["answer"]["score"] for each in later["items"]] == [10]
    assert (await at.get("/v1/surveys", "desk", state="open", since=then.isoformat())).json()["items"] == []
    assert (await at.get("/v1/surveys", "desk", score_from=6, score_to=5)).status_code == 422
    assert (await at.get("/v1/surveys", "desk", colour="red")).status_code == 422
    assert (await at.get("/v1/surveys", "shop")).status_code == 403


async def test_an_older_survey_is_not_found_by_news_of_a_newer_one(at: House) -> None:
    then = START + timedelta(days=3_000)
    id, _ = await at.opened(FED_BACK, at=then)
    await at.hears(id, ComplaintReopened(cycle=2), at=then + timedelta(hours=1))
    await at.hears(id, ComplaintFedBack(cycle=2), at=then + timedelta(hours=2))
    found = (await at.get("/v1/surveys", "desk", since=(then + timedelta(hours=2)).isoformat())).json()[
        "items"
    ]
    assert [[each["cycle"] for each in item["surveys"]] for item in found] == [[2]]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted("open"),
        Wanted("answered"),
        Wanted(score_to=5),
        Wanted("answered", 0, 5, START),
        Wanted(since=START),
    ],
)
async def test_lists_are_read_off_an_index_in_its_order(
    at: House, servers: AnyServers, wanted: Wanted
) -> None:
    states = [await at.opened(FED_BACK, at=START + timedelta(minutes=number)) for number in range(20)]
    for number, (_, address) in enumerate(states[:15]):
        await at.fill(address, score=str(number % 11))
    async with admin_of(servers) as admin:
        for after in (None, (START + timedelta(minutes=15), uuid4())):
            cursor = admin["survey"]["surveys"].find(listing(wanted, after)).limit(4)
            found = await cursor.sort([("latest", -1), ("_id", -1)]).explain()
            plan = str(found["queryPlanner"]["winningPlan"])
            assert "'stage': 'IXSCAN'" in plan
            assert "'stage': 'COLLSCAN'" not in plan
            assert "'stage': 'SORT'" not in plan


# figures


ENDS: list[Any] = [*range(11), "declined", "expired", "open", "skipped"]


async def test_figures_are_by_the_newest_product_and_the_way_that_was_used(at: House) -> None:
    given = registered("email", product=Product(name="kettle"))
    revised = [FactsRevised(revision=n, product=Product(name=name)) for n, name in ((2, "pot"), (1, "pan"))]
    state = await at.hears(uuid4(), given, FED_BACK, *revised)
    [before] = lift(state)["board"]
    sent = NoticeSent(notice="1", kind="survey", channel="call", cycle=1)
    id = uuid4()
    await at.hears(id, given, FED_BACK)
    for news in (sent.model_copy(update={"kind": "result", "channel": "letter"}), sent):
        await listeners.on_sent(Cause(uuid4(), id, NUMBER, START, "notify", news, type=news.type))
    found = await surveys.get(id)
    assert found is not None
    assert found.state is not None
    [after] = lift(found.state)["board"]
    assert (before["product"], before["route"]) == ("pot", "email")
    assert (after["product"], after["route"]) == ("kettle", "call")


FIELDS = ("state", "reason", "score", "department", "product", "channel", "route", "month")


def by_hand(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What a person counts of these surveys."""
    scores = [each["score"] for each in lines if each["score"] is not None]
    of = Counter(each["state"] for each in lines)
    asked = len(lines) - of["skipped"]
    return {
        "asked": asked,
        **{name: of[name] for name in ("answered", "declined", "expired", "closed", "open")},
        "skipped": dict(Counter(each["reason"] for each in lines if each["state"] == "skipped")),
        "response_rate": len(scores) / asked if asked else None,
        "mean": sum(scores) / len(scores) if scores else None,
        "content": sum(score >= 8 for score in scores),
    }


async def a_case(at: House, lot: Random, when: datetime) -> list[dict[str, Any]]:
    """One complaint with one or two rounds that ended somehow, and what a person would note of them."""
    noted: list[dict[str, Any]] = []
    channels: list[Channel] = ["email", "letter"]
    channel, product = lot.choice(channels), lot.choice(["kettle", None])
    given = registered(channel, product={"name": product}, received_at=when)
    id = uuid4()
    state = await at.hears(id, given, at=when)
    for cycle in range(1, lot.randint(1, 2) + 1):
        lead, end = (
            lot.choice(["quality", "sales"]),
            lot.choice([*range(11), "declined", "expired", "open", "skipped"]),
        )
        outcome: Any = "withdrawn" if end == "skipped" else "resolved"
        routed = ComplaintDispatched(cycle=cycle, lead=lead, departments=(lead,))
        more = [ComplaintReopened(cycle=cycle)] if cycle > 1 else []
        state = await at.hears(id, *more, routed, ComplaintFedBack(cycle=cycle, outcome=outcome), at=when)
        if cycle > 1 and noted[-1]["state"] == "open":
            noted[-1] |= {"state": "closed", "reason": "reopened"}
        if isinstance(end, int):
            assert (await at.fill(at.address(state), score=str(end))).status_code == 200
        elif end == "declined":
            await at.fill(at.address(state), decline="yes")
        elif end == "expired":
            over = Cause(uuid4(), id, NUMBER, when, "survey", clock.wake_at(when + timedelta(days=14)))
            await surveys.update(id, partial(elapse, link=link), over)
        told = "answered" if isinstance(end, int) else end
        score, reason = (end if told == "answered" else None), ("outcome" if told == "skipped" else None)
        values = (told, reason, score, lead, product, channel, channel, f"{when:%Y-%m}")
        noted.append(dict(zip(FIELDS, values, strict=True)))
    return noted


async def test_figures_are_those_that_a_person_counts(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lot, start = Random(7), datetime(2040, 3, 1, 12, tzinfo=UTC)
    noted: list[dict[str, Any]] = []
    on_the_first_day = 0
    for number in range(60):
        when = start + timedelta(days=number)
        monkeypatch.setattr(clock, "now", lambda when=when: when + timedelta(hours=1))
        noted += await a_case(at, lot, when)
        on_the_first_day = on_the_first_day or len(noted)
    assert {each["state"] for each in noted} == {*get_args(State)}
    during = {"from": start.isoformat(), "to": (start + timedelta(days=60)).isoformat()}
    for by in ("", "department", "product", "month", "channel", "route", "department,product,month"):
        told = (await at.get("/v1/surveys:statistics", "desk", **during, by=by)).json()
        names = [each for each in by.split(",") if each]
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for each in noted:
            groups.setdefault(tuple(each[name] for name in names), []).append(each)
        found = {tuple(row[name] for name in names): row for row in told["rows"]}
        assert found.keys() == (groups.keys() if names else set())
        for row, lines in [(told["total"], noted), *((found[key], groups[key]) for key in found)]:
            expected = by_hand(lines)
            assert {name: row[name] for name in expected} == expected
            assert row["low"] is None or row["low"] <= row["share"] <= row["high"]
    short = {"from": start.isoformat(), "to": (start + timedelta(days=1)).isoformat()}
    first = (await at.get("/v1/surveys:statistics", "desk", **short)).json()["total"]
    assert sum(first["skipped"].values()) + first["asked"] == on_the_first_day


async def test_of_nobody_there_is_no_rate(at: House) -> None:
    empty = {"from": "1991-01-01T00:00:00Z", "to": "1992-01-01T00:00:00Z", "by": "month"}
    told = (await at.get("/v1/surveys:statistics", "desk", **empty)).json()
    assert told["rows"] == []
    rates = [told["total"][name] for name in ("response_rate", "mean", "share", "low", "high")]
    assert (told["total"]["asked"], rates) == (0, [None] * 5)
    backwards = {"from": "1992-01-01T00:00:00Z", "to": "1991-01-01T00:00:00Z"}
    assert (await at.get("/v1/surveys:statistics", "desk", **backwards)).status_code == 422
    assert (await at.get("/v1/surveys:statistics", "desk", by="colour")).status_code == 422
    assert (await at.get("/v1/surveys:statistics", "shop")).status_code == 403


def test_wilson_known_answers() -> None:
    low, high = wilson(8, 10)
    assert low is not None
    assert high is not None
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 0) == (None, None)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
