"""The queue of adjudications: what waits for whom, who may answer, and the shares that are reported (P08)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.triage import api, listeners, store
from services.triage.domain.adjudication import adjudicated, label, labels, period
from shared import clock, http
from shared.envelope import Cause
from shared.events import (
    ComplaintClosed,
    ComplaintReopened,
    Fact,
    Outcome,
    StatementRecorded,
    SurveyAnswered,
)
from shared.policy import Draft as Written
from shared.policy import build, draft_of, load, load_calendar
from shared.principals import Principal
from shared.problems import Invalid
from tests.kit.complaint import START, registered
from tests.kit.servers import AnyServers
from tests.kit.triage import House

PACK = "cn-dealer-abc"
MANAGER = Principal(name="staff:li", roles=frozenset({"service_manager"}))
RECORDER = Principal(name="staff:wu", roles=frozenset({"recorder"}))


@asynccontextmanager
async def door(servers: AnyServers, who: Principal = MANAGER) -> AsyncIterator[httpx.AsyncClient]:
    """The API of triage over a real database, as this person sees it."""
    app = FastAPI()
    http.set_up(app)
    for router in api.routers:
        app.include_router(router)
    app.dependency_overrides[http.principal] = lambda: who
    store.gradings.open(servers.mongo_url("triage"))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as client:
            yield client
    finally:
        await store.gradings.close()


async def hears(complaint: UUID, *facts: Fact) -> None:
    for fact in facts:
        await listeners.on_news(Cause(uuid4(), complaint, f"RC-{complaint}", clock.now(), "test", fact))


async def asked(score: int | None, pack: str = PACK) -> UUID:
    """A complaint after which the customer gave this score."""
    id = uuid4()
    said = StatementRecorded(pack=pack, pack_version=1, text="-")
    answers = [] if score is None else [SurveyAnswered(cycle=1, score=score)]
    await hears(id, registered(pack=pack), said, *answers)
    return id


async def decides(client: httpx.AsyncClient, id: UUID, choice: str, **more: Any) -> httpx.Response:
    word = {"about": "question", "name": "score_0_6", "choice": choice, "role": "service_manager"}
    return await client.post(f"/v1/gradings/{id}/decisions", json=word | {"why": "heard them"} | more)


async def waiting(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """All pages of the queue."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get("/v1/adjudications", params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["adjudications"]
        if (token := answer.json()["next_page_token"]) is None:
            return found
        query["page_token"] = token


async def reported(client: httpx.AsyncClient, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await client.get("/v1/adjudications:report", params={"pack": PACK} | query)
    assert answer.status_code == 200, answer.text
    return {each["question"]: each for each in answer.json()}


# over HTTP, on a real database


async def test_a_hundred_adjudicated_with_85_of_a_are_85_percent_beside_90(servers: AnyServers) -> None:
    began = clock.now().isoformat()
    async with door(servers) as client:
        low = await asyncio.gather(*(asked(n % 6) for n in range(100)))
        middle = await asyncio.gather(*(asked(6 + n % 2) for n in range(10)))
        rest = [await asked(score) for score in (8, 9, 10)]
        mine = {str(id) for id in (*low, *middle)}
        queue = [each for each in await waiting(client, pack=PACK, page_size=7) if each["complaint"] in mine]
        assert len(queue) == len(mine) == 110, "each once, over many pages"
        sinces = [each["questions"][0]["since"] for each in queue]
        assert sinces == sorted(sinces), "the oldest first"
        assert not {str(id) for id in rest} & {each["complaint"] for each in await waiting(client, pack=PACK)}
        assert (await reported(client, **{"from": began}))["score_0_6"]["share"] is None, (
            "no answers, no rate"
        )
        for number, id in enumerate(low):
            assert (await decides(client, id, "a" if number < 85 else "b")).status_code == 201
        for number, id in enumerate(middle):
            more = {"name": "score_6_8"}
            assert (await decides(client, id, "a" if number < 4 else "b", **more)).status_code == 201
        found = await reported(client, **{"from": began})
        assert found["score_0_6"]["answers"] == {"a": 85, "b": 15}
        figures = {name: (Decimal(each["share"]), Decimal(each["target"]), each["reached"])
                   for name, each in found.items() if each["target"]}  # fmt: skip
        assert figures == {
            "score_0_6": (Decimal("0.85"), Decimal("0.9"), False),
            "score_6_8": (Decimal("0.4"), Decimal("0.4"), True),
        }
        earlier = await reported(client, **{"from": "2020-01-01T00:00:00Z", "to": began})
        assert earlier["score_0_6"]["adjudicated"] == 0
        assert await waiting(client, question="score_0_6", pack=PACK) == []


async def test_the_queue_shows_what_is_to_be_judged_and_narrows(servers: AnyServers) -> None:
    async with door(servers) as client:
        five, none = await asked(5), await asked(None)
        await hears(five, ComplaintReopened(cycle=2))
        found = {each["complaint"]: each for each in await waiting(client, role="service_manager")}
        assert [(q["cycle"], q["question"]) for q in found[str(five)]["questions"]] == [
            (1, "score_0_6"),
            (2, "no_score"),
        ]
        [question] = [q for q in found[str(five)]["questions"] if q["cycle"] == 1]
        assert (question["score"], question["grade"], question["role"]) == (
            5,
            "grievance_b",
            "service_manager",
        )
        assert question["options"] == {"a": "grievance_a", "b": "grievance_b"}
        assert "5" in " ".join(question["explanation"]["zh-CN"])
        narrowed = await waiting(client, question="no_score", role="service_manager", pack=PACK)
        mine = [each for each in narrowed if each["complaint"] in (str(five), str(none))]
        assert [[q["question"] for q in each["questions"]] for each in mine] == [["no_score"], ["no_score"]]
        assert [each["complaint"] for each in mine] == [str(five), str(none)], "by its oldest question"
        assert await waiting(client, role="recorder") == []
        assert await waiting(client, pack="base") == []
        assert (await client.get("/v1/adjudications", params={"page_token": "x"})).status_code == 422


async def test_only_whoever_holds_the_role_decides(servers: AnyServers) -> None:
    async with door(servers, RECORDER) as client:
        id = await asked(3)
        refused = await decides(client, id, "a")
        assert (refused.status_code, "service_manager" in refused.text) == (403, True)
        as_another = await decides(client, id, "a", role="recorder")
        assert as_another.status_code == 422, "nor as what they are, for the question is not theirs"
        state = await store.one(id)
        assert state.decided == []
    async with door(servers) as client:
        assert (await decides(client, id, "a", cycle=2)).status_code == 422
        assert (await decides(client, id, "a", name="score_6_8")).status_code == 409, "not what is asked"
        answer = await decides(client, id, "a", cycle=1)
        assert answer.status_code == 201
        assert answer.json()["decisions"]["1"]["grade"] == "grievance_a"


async def test_what_was_withdrawn_or_merged_waits_for_nobody(servers: AnyServers) -> None:
    async with door(servers) as client:
        ids = {outcome: await asked(5) for outcome in get_args(Outcome)}
        for outcome, id in ids.items():
            await listeners.on_progress(
                Cause(uuid4(), id, f"RC-{id}", clock.now(), "test", ComplaintClosed(cycle=1, outcome=outcome))
            )
            await hears(id, SurveyAnswered(cycle=1, score=6))
        queue = {each["complaint"] for each in await waiting(client, pack=PACK)}
    assert {outcome for outcome, id in ids.items() if str(id) not in queue} == {"withdrawn", "merged"}


async def test_queue_and_report_are_read_off_their_indexes(servers: AnyServers) -> None:
    async with door(servers):
        await asked(3)
        found = store.gradings._documents
        queue = await found.find({"asked": label(None, "service_manager")}).sort("asked_since").explain()
        assert "asked_1_asked_since_1__id_1" in str(queue["queryPlanner"]["winningPlan"])
        assert "'SORT'" not in str(queue["queryPlanner"]["winningPlan"]), "in the order of the index"
        within = {"$elemMatch": {"at": {"$gte": START, "$lt": clock.now()}}}
        report = await found.find({"pack": PACK, "answered": within}).explain()
        plan = str(report["queryPlanner"]["winningPlan"])
        assert "pack_1_answered.at_1" in plan
        assert "MinKey" not in plan, "by the period, too"


# what the pack says


@pytest.mark.parametrize(
    ("survey", "place", "told"),
    [
        ({"fact": "scroe"}, "fact", "did you mean score?"),
        ({"fact": "external"}, "fact", "a score is a number"),
        ({"fact": "loss"}, "fact", "there is no fact loss"),
        ({"escalate_to": ["service_manger"]}, "escalate_to", "did you mean service_manager?"),
    ],
)
def test_a_pack_whose_survey_names_what_is_not_there_is_refused(
    survey: dict[str, Any], place: str, told: str
) -> None:
    written = draft_of(PACK, 1)
    content = written.content | {"survey": {"expires_days": 14, "reopen_below": 6} | survey}
    with pytest.raises(Invalid) as refused:
        build(Written(content, {}), PACK, {})
    found = [(each.pointer, each.detail) for each in refused.value.errors]
    assert any(pointer == f"#/survey/{place}" and told in detail for pointer, detail in found), found


@pytest.mark.parametrize("asked", ["score", "unhappiness"])
def test_a_clock_cannot_run_for_a_score_nor_for_what_follows_from_it(asked: str) -> None:
    written = draft_of(PACK, 1)
    clocks = written.content["clocks"]
    clocks = clocks | {"accept": clocks["accept"] | {"when": {asked: {"below": 3}}}}
    title = {"zh-CN": "不满", "en": "Unhappiness"}
    measures = {"unhappiness": {"title": title, "combine": ["score"]}}
    content = written.content | {"clocks": clocks, "measures": measures}
    with pytest.raises(Invalid) as refused:
        build(Written(content, {}), PACK, {})
    assert any("the customer says it afterwards" in each.detail for each in refused.value.errors)


# the report


def test_a_period_is_this_month_so_far_where_the_calendar_is() -> None:
    zone = load_calendar("cn-mainland").zone
    now = START.replace(month=10, day=31, hour=17)
    begin, end = period(None, None, now, zone)
    assert (begin.isoformat(), end) == ("2026-11-01T00:00:00+08:00", now)
    for since, until in ((now, START), (now, now)):
        with pytest.raises(Invalid, match="ends before it begins"):
            period(since, until, now, zone)


def test_until_the_first_of_a_month_is_the_whole_month_before() -> None:
    zone = load_calendar("cn-mainland").zone
    first = datetime(2026, 11, 1, tzinfo=zone)
    begin, end = period(None, first, first + timedelta(days=9), zone)
    assert (begin.isoformat(), end) == ("2026-10-01T00:00:00+08:00", first)


def test_the_shares_of_the_regulation_are_told_exactly() -> None:
    given = {("score_0_6", "a"): 85, ("score_0_6", "b"): 15, ("score_6_8", "a"): 40, ("score_6_8", "b"): 60}
    low, high, none = adjudicated(load(PACK, 1), given, {"score_0_6": 3})
    assert (low.share, low.target, low.reached, low.waiting) == (Decimal("0.85"), Decimal("0.9"), False, 3)
    assert (high.share, high.target, high.reached) == (Decimal("0.4"), Decimal("0.4"), True)
    assert (none.share, none.reached, none.adjudicated) == (None, None, 0)
    third = {("score_0_6", "a"): 899_999, ("score_0_6", "b"): 100_001}
    assert next(adjudicated(load(PACK, 1), third)).reached is False, "not rounded up to the target"


def test_a_question_is_found_by_role_by_name_and_by_pack_alone_or_together() -> None:
    house = House(PACK)
    id = house.complain(details={"score": "5"})
    found = labels(PACK, house.gradings[id].asked)
    assert len(found) == 8
    assert {"* * *", f"{PACK} service_manager score_0_6", "* service_manager *"} <= {*found}
