"""Teams are added once, changed, given a new password and removed."""

import re
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.exceptions import ProbableAuthenticationError

from deploy.provision import VHOST
from shared.bus import EVENTS
from tests.subscribers.gate import Gate, logged_in, taken, until


async def published(gate: Gate, *types: str) -> None:
    async with logged_in(gate.servers.admin_amqp_url) as channel:
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for type in types:
            await exchange.publish(aio_pika.Message(b"[]", type=type), type)


async def heard(url: str) -> list[str | None]:
    return [message.type for message in await taken(url)]


async def test_the_string_that_is_printed_opens_the_teams_queue(gate: Gate) -> None:
    result = gate.typed("add", "crm", "--topics", "complaint.*.v1", "--topics", "deadline.breached.v1")
    url = result.stdout.strip()
    assert re.fullmatch(rf"amqp://team\.crm:[\w-]{{43}}@{gate.servers.broker}/redress\?heartbeat=10", url), (
        "nothing else is on stdout"
    )
    assert "shown once" in result.stderr
    assert (urlsplit(url).password or "") not in result.stderr
    await published(gate, "complaint.closed.v1", "deadline.met.v1", "deadline.breached.v1")
    assert await heard(url) == ["complaint.closed.v1", "deadline.breached.v1"]


@pytest.mark.parametrize(
    ("host", "start"),
    [
        ("events.example.com", "amqp://team.crm:*@events.example.com/redress?"),
        ("events.example.com:5673", "amqp://team.crm:*@events.example.com:5673/redress?"),
        ("amqps://events.example.com:5671/", "amqps://team.crm:*@events.example.com:5671/redress?"),
        ("[::1]:5672", "amqp://team.crm:*@[::1]:5672/redress?"),
    ],
)
def test_teams_may_reach_the_broker_elsewhere(gate: Gate, host: str, start: str) -> None:
    printed = gate.said("add", "crm", "--topics", "#", "--host", host)
    assert re.sub(r":[\w-]{43}@", ":*@", printed).startswith(start)


def test_left_out_the_host_is_where_the_broker_listens(gate: Gate) -> None:
    printed = gate.said("add", "crm", "--topics", "#", "--host", "")
    listening = {
        str(each["port"]) for each in gate.root.get("overview")["listeners"] if each["protocol"] == "amqp"
    }
    assert str(urlsplit(printed.strip()).port) in listening


@pytest.mark.parametrize(
    "host", ["http://x", "amqp://a:b@x", "amqp://", "x:port", "x:99999", "amqp://x/other", "amqp://[::1"]
)
def test_what_is_no_address_is_refused_before_anything_is_made(gate: Gate, host: str) -> None:
    assert "write HOST, HOST:PORT or amqps://" in gate.refused("add", "crm", "--topics", "#", "--host", host)
    assert gate.said("list") == "no team subscribes\n"


@pytest.mark.parametrize(
    "team", ["", "Crm", "crm.x", "1crm", "-crm", "crm_x", "c" * 41, "crm\n", "团队", ".*", "../x"]
)
def test_a_team_has_a_plain_name(gate: Gate, team: str) -> None:
    for words in (("add", "--topics", "#"), ("show",), ("rotate",), ("remove",), ("topics", "--topics", "#")):
        assert "is no team's name" in gate.refused(words[0], *words[1:], "--", team)


async def test_adding_again_is_refused_and_changes_nothing(gate: Gate) -> None:
    url = gate.add("crm", "complaint.*.v1")
    before = gate.said("show", "crm")
    told = gate.refused("add", "crm", "--topics", "#")
    assert "redress subscribers topics crm" in told
    assert gate.said("show", "crm") == before
    assert await heard(url) == []


def test_one_wrong_topic_and_nothing_is_made(gate: Gate) -> None:
    gate.refused("add", "crm", "--topics", "#", "--topics", "weather.*")
    assert gate.said("list") == "no team subscribes\n"


async def test_topics_are_exactly_those_named_and_what_waits_stays(gate: Gate) -> None:
    url = gate.add("crm", "complaint.*.v1", "survey.#")
    await published(gate, "survey.opened.v1")
    gate.said("topics", "crm", "--topics", "complaint.*.v1", "--topics", "#.v1", "--topics", "*.*.*")
    gate.said("topics", "crm", "--topics", "complaint.*.v1", "--topics", "deadline.met.v1")
    assert gate.rows()["crm"]["topics"] == "complaint.*.v1 deadline.met.v1"
    await published(gate, "survey.opened.v1", "deadline.met.v1", "complaint.closed.v1")
    assert await heard(url) == ["survey.opened.v1", "deadline.met.v1", "complaint.closed.v1"]
    assert "is private" in gate.refused("topics", "crm", "--topics", "contact.recorded.v1")
    assert gate.rows()["crm"]["topics"] == "complaint.*.v1 deadline.met.v1"


async def test_a_new_password_ends_the_old_one_and_its_connections(gate: Gate) -> None:
    old = gate.add("crm")
    async with logged_in(old) as channel:
        await until(lambda: any(each["user"] == "team.crm" for each in gate.root.get("connections")))
        new = gate.said("rotate", "crm").strip()
        await until(lambda: channel.is_closed)
    assert (urlsplit(new).username, urlsplit(new).hostname) == (
        urlsplit(old).username,
        urlsplit(old).hostname,
    )
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(old)
    await published(gate, "complaint.closed.v1")
    assert await heard(new) == ["complaint.closed.v1"]


async def test_a_team_that_is_removed_is_out_at_once_with_all_that_was_its(gate: Gate) -> None:
    url = gate.add("crm")
    await published(gate, "complaint.closed.v1", "complaint.closed.v1")
    await until(lambda: gate.rows()["crm"]["waiting"] == "2")
    async with logged_in(url) as channel:
        assert gate.said("remove", "crm") == "crm is gone, with 2 messages that it had not read\n"
        await until(lambda: channel.is_closed)
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(url)
    for path in (
        ("users", "team.crm"), ("queues", VHOST, "team.crm"), ("queues", VHOST, "team.crm.lost"),
        ("permissions", VHOST, "team.crm"), ("topic-permissions", VHOST, "team.crm"),
        ("user-limits", "team.crm"),
    ):  # fmt: skip
        assert not gate.root.get(*path), path
    assert "There is no team crm" in gate.refused("remove", "crm")


def test_a_team_that_is_not_there_is_named_with_those_that_are(gate: Gate) -> None:
    gate.add("crm")
    for words in (("show",), ("rotate",), ("remove",), ("topics", "--topics", "#")):
        assert "There is no team bi; there is: crm" in gate.refused(words[0], "bi", *words[1:])


async def test_one_that_is_let_in_has_its_own_password(gate: Gate) -> None:
    crm, bi = gate.add("crm"), gate.add("bi")
    assert urlsplit(crm).password != urlsplit(bi).password
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(crm.replace("team.crm", "team.bi"))
