"""`redress parked`: thousands seen in their order, masked, sent back, or given up with a record."""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import aio_pika
import pytest
from typer.testing import CliRunner, Result

from deploy.cli import program
from deploy.parked import messages as parking
from deploy.parked.messages import OPERATIONS, Deed, Retried, is_vouched_for, opened
from shared.bus import ATTEMPT, FOREIGN, REASON
from shared.envelope import batch
from shared.problems import NotFound
from tests.kit.history import FACTS, event
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all

CLOSED = FACTS[2]
SECRET = "13800000001"
PRIVATE = json.dumps([
    {"specversion": "1.0", "id": "1", "source": "/redress/intake", "type": "contact.recorded.v1",
     "subject": "RC-7G2KTGRVET", "nickname": SECRET, "data": {"phone": SECRET}}
]).encode()  # fmt: skip
POISON: Sequence[bytes] = (
    PRIVATE,
    b"{" + SECRET.encode(),
    f'["{SECRET}"]'.encode(),
    json.dumps([{"type": "complaint.sung.v1", "data": {SECRET: 1}}]).encode(),
    json.dumps([{"type": ["x"], "data": SECRET}]).encode(),
)
DEED = Deed("discarded", "ann", "not ours")

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
async def clean(servers: AnyServers) -> None:
    for queue in ("survey.parked", "survey.inbox", OPERATIONS):
        await take_all(servers, queue, 0.1)


async def park(servers: AnyServers, *bodies: bytes, reason: str = "not yet") -> list[str]:
    """The ids under which they lie with survey."""
    ids = [str(uuid4()) for _ in bodies]
    async with channel_of(servers.amqp_url("survey")) as channel:
        exchange = await channel.get_exchange("redress.parked", ensure=False)
        for start in range(0, len(ids), 200):
            some = list(zip(ids, bodies, strict=True))[start : start + 200]
            await asyncio.gather(
                *(exchange.publish(_message(id, body, reason), "survey") for id, body in some)
            )
    return ids


def _message(id: str, body: bytes, reason: str) -> aio_pika.Message:
    headers: dict[str, Any] = {REASON: reason, ATTEMPT: 2}
    return aio_pika.Message(
        body, message_id=id, type=CLOSED.type, headers=headers, delivery_mode=2, user_id="survey"
    )


def one() -> bytes:
    return batch([event(CLOSED)])


async def redress(servers: AnyServers, *words: object) -> Result:
    """A command, in a thread of its own: it has a loop of its own."""
    env = {"REDRESS_OPERATOR_AMQP_URL": servers.operator_amqp_url}
    return await asyncio.to_thread(CliRunner().invoke, program(), ["parked", *map(str, words)], env=env)


async def test_thousands_are_listed_in_their_order_again_and_again(servers: AnyServers) -> None:
    ids = await park(servers, *(one() for _ in range(3_000)))
    for _ in range(2):
        assert [each.id for each in await parking.listed(servers.operator_amqp_url, "survey")] == ids
    assert await parking.retried(servers.operator_amqp_url, "survey", ids[1_500]) == Retried(1, 0)
    rest = ids[:1_500] + ids[1_501:]
    assert [each.id for each in await parking.listed(servers.operator_amqp_url, "survey")] == rest
    assert await parking.retried(servers.operator_amqp_url, "survey", only_look=True) == Retried(2_999, 0)
    assert (await parking.parked(servers.operator_amqp_url))["survey"] == 2_999
    assert await parking.retried(servers.operator_amqp_url, "survey") == Retried(2_999, 0)
    assert await parking.listed(servers.operator_amqp_url, "survey") == []
    back = await take_all(servers, "survey.inbox", 0.5)
    assert sorted(each.message_id or "" for each in back) == sorted(ids)


async def test_reasons_are_counted(servers: AnyServers) -> None:
    await park(servers, *(one() for _ in range(3)), reason="a rule")
    await park(servers, one(), reason="the form")
    result = await redress(servers, "list", "survey")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr.splitlines() == [
        "3 x complaint.closed.v1: a rule",
        "1 x complaint.closed.v1: the form",
    ]


async def test_a_public_event_is_shown_with_all_it_holds(servers: AnyServers) -> None:
    body = one()
    (id,) = await park(servers, body)
    result = await redress(servers, "show", "survey", id)
    found = json.loads(result.stdout)
    assert found["events"] == json.loads(body)
    assert found["parked"] | {"reason": "not yet", "attempts": 2} == found["parked"]
    assert found["headers"][ATTEMPT] == 2
    assert await parking.records(servers.operator_amqp_url) == []


@pytest.mark.parametrize("body", POISON)
async def test_what_may_be_personal_is_masked_and_whoever_reads_it_is_on_record(
    servers: AnyServers, body: bytes
) -> None:
    (id,) = await park(servers, body)
    masked = await redress(servers, "show", "survey", id)
    assert masked.exit_code == 0
    assert SECRET not in masked.output
    refused = await redress(servers, "show", "survey", id, "--personal")
    assert refused.exit_code == 1
    assert SECRET not in refused.output
    whole = await redress(
        servers, "show", "survey", id, "--personal", "--by", "ann", "--reason", "it is broken"
    )
    assert SECRET in whole.output
    (record,) = await parking.records(servers.operator_amqp_url)
    assert (
        record | {"what": "shown", "by": "ann", "why": "it is broken", "id": id, "service": "survey"}
        == record
    )
    assert SECRET not in json.dumps(record)
    assert (await parking.parked(servers.operator_amqp_url))["survey"] == 1


async def test_what_is_given_up_stays_on_record_with_who_when_and_why(servers: AnyServers) -> None:
    body = one()
    first, second, third = await park(servers, body, PRIVATE, one())
    for words in (("--reason", "x"), ("--reason", " ", "--all"), ("--reason", "x", "--all", "--id", first)):
        assert (await redress(servers, "discard", "survey", *words)).exit_code == 1
    assert (await redress(servers, "discard", "survey", "--all")).exit_code == 2, "without a reason"
    result = await redress(servers, "discard", "survey", "--id", first, "--reason", "not ours", "--by", "ann")
    assert (result.exit_code, result.stdout[:11]) == (0, "1 discarded")
    assert [each.id for each in await parking.listed(servers.operator_amqp_url, "survey")] == [second, third]
    await redress(servers, "discard", "survey", "--all", "--reason", "too old", "--by", "bob")
    assert await parking.listed(servers.operator_amqp_url, "survey") == []
    shown = await redress(servers, "records")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(each["id"], each["by"], each["why"]) for each in records] == [
        (first, "ann", "not ours"), (second, "bob", "too old"), (third, "bob", "too old"),
    ]  # fmt: skip
    assert records[0]["events"] == json.loads(body), "a public event is there as it was"
    assert {each["type"] for each in records} == {CLOSED.type}
    assert all(each["at"] and each[REASON] == "not yet" for each in records)
    assert SECRET not in shown.stdout


async def test_nothing_is_taken_away_whose_record_is_not_kept(
    servers: AnyServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await park(servers, one(), one())
    monkeypatch.setattr(parking, "OPERATIONS", "nowhere")
    with pytest.raises(aio_pika.exceptions.PublishError):
        await parking.discarded(servers.operator_amqp_url, "survey", DEED)
    async with asyncio.timeout(90):
        while (await parking.parked(servers.operator_amqp_url))["survey"] < 2:
            await asyncio.sleep(0.1)
    assert [each.id for each in await parking.listed(servers.operator_amqp_url, "survey")] == ids


async def test_what_was_published_in_anothers_name_is_not_sent_back_with_the_rest(
    servers: AnyServers,
) -> None:
    reason = f"complaint.closed.v1 {FOREIGN} 'sla', not from 'intake'"
    (forged,), (good,) = await park(servers, one(), reason=reason), await park(servers, one())
    result = await redress(servers, "retry", "survey")
    assert result.stdout == "1 sent back to survey.inbox\n"
    assert result.stderr.startswith("1 stay: published in another's name")
    assert [each.message_id for each in await take_all(servers, "survey.inbox", 0.5)] == [good]
    alone = await redress(servers, "retry", "survey", "--id", forged)
    assert (alone.exit_code, alone.stdout) == (0, "0 sent back to survey.inbox\n")
    assert (await redress(servers, "retry", "survey", "--forged")).exit_code == 1, "never all of them"
    assert [each.id for each in await parking.listed(servers.operator_amqp_url, "survey")] == [forged]
    known = await redress(servers, "retry", "survey", "--id", forged, "--forged")
    assert known.stdout == "1 sent back to survey.inbox\n"


@pytest.mark.parametrize(
    ("user", "body", "believed"),
    [
        ("intake", one(), True),
        ("operator", one(), True),
        ("survey", one(), True),
        ("sla", one(), False),
        (None, one(), False),
        ("intake", b"[]", False),
        ("intake", b"{", False),
        ("intake", b"[1]", False),
        ("intake", one()[:-1] + b",7]", False),
    ],
)
def test_what_the_broker_parked_is_believed_if_its_sender_may_say_that(
    user: str | None, body: bytes, believed: bool
) -> None:
    message = SimpleNamespace(user_id=user, body=body, headers={})
    assert is_vouched_for("survey", cast("Any", message)) is believed


async def test_an_id_that_is_not_there_is_named(servers: AnyServers) -> None:
    await park(servers, one())
    for words in (("show", "survey", "x"), ("retry", "survey", "--id", "x"),
                  ("discard", "survey", "--id", "x", "--reason", "y")):  # fmt: skip
        result = await redress(servers, *words)
        assert (result.exit_code, result.output) == (1, "Nothing with the id x is parked for survey\n")
    with pytest.raises(NotFound):
        await parking.discarded(servers.operator_amqp_url, "survey", DEED, "x")


def test_only_what_is_asked_for_is_unmasked() -> None:
    assert SECRET in json.dumps(opened(PRIVATE, personal=True))
    (masked,) = opened(PRIVATE)
    assert masked["subject"] == "RC-7G2KTGRVET"
    assert "nickname" not in masked
