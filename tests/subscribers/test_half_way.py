"""Adding a team that fails half-way lets nobody in, and what lies about is told."""

from typing import Any

import httpx
import pytest
from aio_pika.exceptions import AMQPConnectionError

from deploy.management import Broker
from deploy.provision import VHOST, password_hash
from deploy.subscribers import teams
from deploy.subscribers.teams import Limits
from shared.problems import Conflict, Problem, Unavailable
from tests.subscribers.gate import Gate, logged_in


class Failing(Broker):
    """A broker whose management goes away after so many requests, for ever or for one request."""

    def __init__(self, url: str, after: int, *, back: bool) -> None:
        super().__init__(url)
        self.left, self.back = after, back

    def _ask(self, method: str, path: tuple[str, ...], **body: Any) -> httpx.Response:
        self.left -= 1
        if self.left == -1 or (self.left < 0 and not self.back):
            raise Unavailable("away")
        return super()._ask(method, path, **body)


async def lets_in(gate: Gate, password: str) -> bool:
    try:
        async with logged_in(f"amqp://team.crm:{password}@{gate.servers.broker}/redress"):
            return True
    except AMQPConnectionError:
        return False


@pytest.mark.parametrize("back", [True, False])
async def test_adding_that_fails_half_way_lets_nobody_in(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "known")
    for after in range(30):
        try:
            teams.add(Failing(gate.url, after, back=back), "crm", ["#", "*.*.v1"], Limits())
        except Problem:
            assert not await lets_in(gate, "known"), after
            assert not await lets_in(gate, ""), after
            found = teams.teams(gate.broker)
            assert found == [] or not back, after
            assert all(each.trouble for each in found), "what lies about is told"
            if found:
                gate.said("remove", "crm")
        else:
            break
    assert 8 < after < 29
    assert await lets_in(gate, "known")


def test_a_team_that_was_never_let_in_is_told_and_gets_no_password(gate: Gate) -> None:
    with pytest.raises(Unavailable):
        teams.add(Failing(gate.url, 9, back=False), "crm", ["#"], Limits())
    assert "nobody can log in" in gate.said("show", "crm")
    assert gate.typed("list", "--check").exit_code == 1
    assert "was never let in" in gate.refused("rotate", "crm")
    assert "`remove` it first" in gate.refused("add", "crm", "--topics", "#")


def test_two_at_once_do_not_take_each_others_team_away(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Broker.get

    def late(broker: Broker, *path: str) -> Any:
        """The other one is added right after this one looked."""
        found = seen(broker, *path)
        if path == ("queues", VHOST, "team.crm"):
            monkeypatch.setattr(Broker, "get", seen)
            gate.add("crm")
        return found

    monkeypatch.setattr(Broker, "get", late)
    with pytest.raises(Conflict, match="at this moment"):
        teams.add(gate.broker, "crm", ["#"], Limits())
    assert gate.rows()["crm"]["topics"] == "#"


def test_a_queue_that_expired_is_told_and_made_anew(gate: Gate) -> None:
    gate.add("crm", "complaint.*.v1")
    gate.root.delete("queues", VHOST, "team.crm")
    assert "its queue is gone" in gate.rows()["crm"]["look"]
    assert gate.typed("list", "--check").exit_code == 1
    gate.said("topics", "crm", "--topics", "complaint.*.v1")
    assert gate.rows()["crm"] | {"look": ""} == gate.rows()["crm"]
    assert gate.typed("list", "--check").exit_code == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://admin:x@127.0.0.1:1", "cannot be reached at http://127.0.0.1:1"),
        ("http://admin:secret@{host}", "refuses this user or password"),
        ("nonsense", "cannot be reached"),
    ],
)
def test_a_management_that_does_not_answer_is_told_without_the_password(
    gate: Gate, url: str, told: str
) -> None:
    said = gate.refused("list", "--url", url.format(host=gate.servers.management))
    assert told in said
    assert "secret" not in said


def test_the_broker_says_why_it_refuses(gate: Gate) -> None:
    gate.root.put("users", "looker", password_hash=password_hash("x"), tags="management")
    said = gate.refused("add", "crm", "--topics", "#", "--url", f"http://looker:x@{gate.servers.management}")
    gate.root.delete("users", "looker")
    assert "administrator" in said or "401" in said
