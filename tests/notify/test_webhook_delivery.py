"""Events on their way to real endpoints: who gets what, and what becomes of failures."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from services.notify.domain import deliveries as deliveries_domain
from services.notify.store.deliveries import deliveries, hand_over
from services.notify.store.endpoints import directory
from services.notify.store.notices import notices
from services.notify.ticker import webhooks as ticker
from services.notify.ticker.webhooks import LANE
from shared.envelope import from_cloudevent
from shared.events import (
    ComplaintInvestigated,
    ContactRecorded,
    PolicyPublished,
    ReplyRecorded,
    SurveyAnswered,
    WebhookDisabled,
)
from shared.problems import Unavailable
from shared.tasks import end
from tests.kit.answers import made, refused
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of
from tests.kit.webhooks import (
    OK,
    Hooked,
    answering,
    event,
    genuine,
    handed_in,
    hanging,
    happens,
    receiver,
)

URL = "http://127.0.0.1:9/"


# who gets what


async def test_a_partner_gets_what_it_handed_in_and_the_house_gets_all(at: Hooked) -> None:
    async with receiver() as shop, receiver() as rival, receiver() as house:
        mine = await at.register("shop", shop.url)
        theirs = await at.register("rival", rival.url)
        ours = await at.register("boss", house.url)
        one, other, nobodys = await happens("shop"), await happens("rival"), await happens(None)
        await house.until(3)
        policy = event(uuid4(), PolicyPublished(pack="x", version=1, content={}))
        await hand_over(policy)
        await house.until(4)
        await asyncio.sleep(0.3)
        for there, endpoint, expected in (
            (shop, mine, {one.id}), (rival, theirs, {other.id}),
            (house, ours, {one.id, other.id, nobodys.id, policy.id}),
        ):  # fmt: skip
            got = [genuine(each, endpoint["secret"]) for each in there.received]
            assert {UUID(each["id"]) for each in got} == expected
            assert len(got) == len(expected)
        with pytest.raises(WebhookVerificationError):
            genuine(shop.received[0], theirs["secret"])


async def test_what_arrives_is_the_event_as_all_subscribers_have_it(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url, "survey.opened.v1")
        told = await happens("shop")
        (message,) = await there.until(1)
        read = from_cloudevent(json.loads(message.body))
        assert (read.id, read.complaint, read.subject, read.data) == (
            told.id, told.complaint, told.subject, told.data,
        )  # fmt: skip
        (delivery,) = await at.until(found["id"], "delivered")
        assert delivery["id"] == message.id
        assert delivery["attempts"][0]["status"] == 200


async def test_the_house_gets_an_event_whole_and_a_partner_what_it_may_know(at: Hooked) -> None:
    async with receiver() as shop, receiver() as house:
        await at.register("shop", shop.url)
        await at.register("boss", house.url)
        answers = {"friendly": False}
        told = await happens("shop", SurveyAnswered(cycle=1, score=3, answers=answers))
        await hand_over(event(told.complaint, ComplaintInvestigated(cycle=1, cause="a loose screw")))
        await house.until(2)
        (message,) = await shop.until(1)
        assert json.loads(message.body)["data"]["answers"] == {}
        whole = [json.loads(each.body)["data"] for each in house.received]
        assert [each["answers"] for each in whole if "answers" in each] == [answers]
        await asyncio.sleep(0.3)
        assert len(shop.received) == 1


async def test_only_wanted_types_and_never_private_ones(at: Hooked) -> None:
    async with receiver() as there:
        await at.register("shop", there.url, "complaint.*.v1")
        await at.register("boss", there.url, "complaint.*.v1")
        complaint = uuid4()
        await handed_in(complaint, "shop")
        for fact in (ContactRecorded(name="Ann", partner="shop"), ReplyRecorded(cycle=1, text="x")):
            await hand_over(event(complaint, fact))
        await hand_over(event(complaint))
        await asyncio.sleep(0.5)
        assert there.received == []


async def test_while_it_is_not_known_who_handed_it_in_the_event_comes_again(at: Hooked) -> None:
    async with receiver() as there, receiver() as house:
        await at.register("shop", there.url)
        await at.register("boss", house.url)
        told = event(uuid4())
        with pytest.raises(Unavailable):
            await hand_over(told)
        await house.until(1)
        await handed_in(told.complaint, "shop")
        await hand_over(told)
        await hand_over(told)
        await there.until(1)
        await asyncio.sleep(0.3)
        assert len(there.received) == len(house.received) == 1, "for ever one"


async def test_if_nobody_wants_it_nothing_is_read_or_written(
    at: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await at.register("shop", URL, "complaint.*.v1")
    await at.register("boss", URL, "trend.*")
    disabled = await at.register("boss", URL)
    await at.ask("boss", "POST", f"/{disabled['id']}:disable")

    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("asked the database")

    monkeypatch.setattr(notices, "lifted", never)
    monkeypatch.setattr(deliveries, "update", never)
    await hand_over(event(uuid4()))
    monkeypatch.undo()
    assert await at.log(found["id"]) == []


async def test_news_of_an_endpoint_is_for_all_others(at: Hooked) -> None:
    async with receiver() as there:
        one = await at.register("boss", there.url, "webhook.*")
        other = await at.register("boss", there.url, "webhook.*")
        await hand_over(event(uuid4(), WebhookDisabled(endpoint=UUID(one["id"]), reason="x")))
        await at.until(other["id"], "delivered")
        assert await at.log(one["id"]) == []


async def test_other_replicas_learn_of_an_endpoint(at: Hooked) -> None:
    found = await at.register("boss", URL, "trend.closed.v1")
    directory.__init__()  # type: ignore[misc]
    assert [str(id) for id, _ in await directory.wanting("trend.closed.v1")] == [found["id"]]
    await at.ask("boss", "DELETE", f"/{found['id']}")
    await directory._look()
    assert await directory.wanting("trend.closed.v1") == []


# what fails


async def test_after_failures_it_arrives_under_the_same_id(at: Hooked) -> None:
    async with receiver(answering(500), answering(503), answering(302, f"Location: {URL}"), OK) as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        messages = await there.until(4)
        assert len({each.id for each in messages}) == 1
        assert len({each.body for each in messages}) == 1
        assert [genuine(each, found["secret"])["type"] for each in messages] == ["survey.opened.v1"] * 4
        (delivery,) = await at.until(found["id"], "delivered")
        assert [each["status"] for each in delivery["attempts"]] == [500, 503, 302, 200]
        assert "500" in delivery["attempts"][0]["reason"]
        await at.until_enabled(found["id"])


async def test_410_disables_and_what_waits_is_held_until_it_is_enabled(at: Hooked) -> None:
    async with receiver(answering(410), OK) as there:
        found = await at.register("shop", there.url)
        await happens("shop")
        await there.until(1)
        (held,) = await at.until(found["id"], "held")
        shown = await at.shown(found["id"])
        assert (shown["state"], "410" in shown["reason"]) == ("disabled", True)
        await happens("shop")
        await asyncio.sleep(0.5)
        assert len(there.received) == 1
        refused(await at.ask("shop", "POST", f"/{found['id']}:test"), 409)
        made(await at.ask("shop", "POST", f"/{found['id']}:enable"))
        (done,) = await at.until(found["id"], "delivered")
        assert done["id"] == held["id"]


async def test_a_disabled_endpoint_is_a_fact_that_is_owed(at: Hooked, servers: AnyServers) -> None:
    found = await at.register("boss", URL)
    made(await at.ask("boss", "POST", f"/{found['id']}:disable"))
    async with admin_of(servers) as admin:
        kept = await admin["notify"]["notices"].find_one({"_id": UUID(found["id"])})
    assert kept is not None
    (owed,) = [json.loads(each["body"]) for each in kept["outbox"]]
    assert (owed["type"], owed["correlationid"]) == ("webhook.disabled.v1", found["id"])
    assert from_cloudevent(owed).data == WebhookDisabled(endpoint=UUID(found["id"]), reason="by hand")


async def test_a_hanging_endpoint_holds_up_no_other_and_gets_few_at_a_time(at: Hooked) -> None:
    async with receiver(behave=hanging) as hangs, receiver() as well:
        await at.register("shop", hangs.url)
        mine = await at.register("rival", well.url)
        for _ in range(3 * LANE):
            await happens("shop")
        await hangs.until(LANE)
        for _ in range(20):
            await happens("rival")
        await at.until(mine["id"], "delivered", 20, seconds=10)
        assert len(hangs.received) == LANE


async def test_an_open_circuit_lets_one_probe_through(at: Hooked) -> None:
    async with receiver(answering(500)) as there:
        found = await at.register("shop", there.url)
        for _ in range(30):
            await happens("shop")
        await there.until(5)
        await asyncio.sleep(1)
        count = len(there.received)
        assert count < 5 + LANE, "what was under way when the circuit opened, and no more"
        assert (await at.shown(found["id"]))["state"] == "failing"
        there.answers = [OK]
        await at.until(found["id"], "delivered", 30)
        await at.until_enabled(found["id"])


async def test_an_endpoint_that_asks_for_time_gets_it(at: Hooked) -> None:
    async with receiver(answering(429, "Retry-After: 2"), OK) as there:
        await at.register("shop", there.url)
        began = asyncio.get_running_loop().time()
        await happens("shop")
        await there.until(1)
        await happens("shop")
        await there.until(3)
        assert asyncio.get_running_loop().time() - began >= 1.9


async def test_given_up_is_a_fact(at: Hooked, servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries_domain, "GIVE_UP", timedelta(seconds=0.5))
    async with receiver(answering(500)) as there:
        found = await at.register("shop", there.url)
        told = await happens("shop")
        (failed,) = await at.until(found["id"], "failed")
        async with admin_of(servers) as admin:
            kept = await admin["notify"]["notices"].find_one({"_id": UUID(failed["id"])})
        assert kept is not None
        (owed,) = [json.loads(each["body"]) for each in kept["outbox"]]
        assert (owed["type"], owed["data"]["event"]) == ("webhook.failed.v1", str(told.id))


async def test_two_replicas_send_once(at: Hooked) -> None:
    async with receiver() as there:
        found = await at.register("shop", there.url)
        await at.ask("shop", "POST", f"/{found['id']}:disable")
        await at.ask("shop", "POST", f"/{found['id']}:enable")
        others = [asyncio.create_task(_replica()) for _ in range(3)]
        for _ in range(40):
            await happens("shop")
        await at.until(found["id"], "delivered", 40)
        assert len({each.id for each in there.received}) == len(there.received) == 40
        await end(*others)


async def _replica() -> None:
    while True:
        await ticker.tick()
        await asyncio.sleep(0)
