"""Every reason for which an event is parked is in the table of docs/parked.md, in the words that it has."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from deploy.parked.messages import UNTOLD
from deploy.provision import ADMIN
from shared.bus import ATTEMPT, REASON, TIERS
from shared.envelope import batch
from shared.inbox import LARGEST_BATCH
from tests.kit.history import FACTS
from tests.kit.history import event as of_another
from tests.kit.servers import AnyServers
from tests.kit.toy import channel_of, take_all
from tests.shared.test_bus import changed, event, listening

PAGE = Path(__file__).parents[2] / "docs" / "parked.md"
FOREIGN_USER = "came from broker user"
FOREIGN, STALE, DATA = of_another(FACTS[2]), {"type": "complaint.sung.v1"}, {"data": {"nothing": 1}}
FAR = changed(data=json.loads(event())["data"] | {"received_at": "9999-12-31T23:59:59Z"})
ROWS: dict[str, tuple[bytes, str]] = {
    "failed 5 times, the last time with": (batch([event()]), "RuntimeError in __call__, test_bus.py"),
    "No event of type": (batch([changed(**STALE)]), "'complaint.sung.v1'"),
    "The data does not fit": (batch([changed(**DATA)]), "complaint.registered.v1"),
    "This is not a CloudEvent": (batch([changed(id=None)]), "#/id"),
    "is published by": (batch([changed(source="/redress/sla")]), "intake alone"),
    "lies beyond what can be": (batch([FAR]), "reckoned with or stored"),
    "The body is not": (b"{nonsense", "JSON"),
    "The batch holds": (batch([b"1"] * (LARGEST_BATCH + 1)), "1001 events"),
    "does not listen to": (batch([FOREIGN]), "complaint.closed.v1"),
    FOREIGN_USER: (batch([event()]), f"'{ADMIN}'"),
}


def phrases() -> list[str]:
    """What the table's first column puts in code, row by row."""
    rows = re.findall(r"^\| ([^|]*`[^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]


async def parked(servers: AnyServers, body: bytes, user: str, url: str) -> list[str]:
    """The reasons for which triage parks what comes from a user for the last time."""
    last: dict[str, Any] = {ATTEMPT: len(TIERS)}
    async with listening(servers) as (ear, _), channel_of(url) as channel:
        ear.fail = lambda event: RuntimeError("away")
        exchange = await channel.get_exchange("redress.retry.5s", ensure=False)
        message = aio_pika.Message(body, user_id=user, headers=last)
        await exchange.publish(message, "triage.inbox")
        async with asyncio.timeout(90):
            while not (found := await take_all(servers, "triage.parked", 0.3)):
                pass
    return [str(each.headers[REASON]) for each in found]


@pytest.mark.parametrize("phrase", ROWS)
async def test_a_row_of_the_table_has_the_words_that_are_parked(servers: AnyServers, phrase: str) -> None:
    body, more = ROWS[phrase]
    foreign = phrase == FOREIGN_USER
    user, url = (ADMIN, servers.admin_amqp_url) if foreign else ("triage", servers.amqp_url("triage"))
    (reason,) = await parked(servers, body, user, url)
    assert [each for each in phrases() if each in reason and each != "after 5 attempts"] == [phrase], reason
    assert more in reason
    late = phrase in ("No event of type", "The data does not fit", "does not listen to")
    assert reason.endswith("; after 5 attempts") == late


def test_the_table_has_these_rows_and_no_others() -> None:
    assert {*phrases()} == {*ROWS, "after 5 attempts", "gave the service no rest"}
    assert "gave the service no rest" in UNTOLD
