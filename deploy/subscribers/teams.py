"""Teams that subscribe: a broker user each, its queue, its topics, and no right beyond reading that queue."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from deploy.management import Broker
from deploy.provision import VHOST, password_hash
from shared.bus import EVENTS, PRIVATE
from shared.problems import Conflict, Invalid, NotFound, Problem

PREFIX = "team."
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
DELIVERIES = 20
"""As often a message is delivered that its subscriber neither acknowledges nor survives."""
TOPIC_EXCHANGES = (EVENTS, PRIVATE, "amq.topic")
NEAR = 0.8
"""How full a queue may be before somebody should look."""
NO_LOGIN = ""
"""The password hash with which nobody gets in."""
DAY_MS = 86_400_000
LOST = "team.lost"
"""The exchange by which messages go that leave a team's queue unread."""
LOST_DAYS, LOST_COUNT = 7, 10_000
"""How long, and how many of them, are kept for whoever asks what was lost."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one team may cost the broker.

    Beyond `megabytes` the oldest messages go; after `keep_days` each goes; a queue that nobody has read for
    `expire_days` goes as a whole (the broker counts in milliseconds below 2^32, so at most 49 days).
    """

    megabytes: int = 256
    keep_days: int = 14
    expire_days: int = 45
    connections: int = 10

    def of_queue(self, named: str) -> dict[str, int | str]:
        """The queue's arguments; one that refused instead of dropping would stop everybody's publishing."""
        return {
            "x-dead-letter-exchange": LOST,
            "x-dead-letter-routing-key": named,
            "x-queue-type": "quorum",
            "x-overflow": "drop-head",
            "x-max-length-bytes": self.megabytes * 1_000_000,
            "x-message-ttl": self.keep_days * DAY_MS,
            "x-expires": self.expire_days * DAY_MS,
            "x-delivery-limit": DELIVERIES,
        }

    @property
    def of_user(self) -> dict[str, int]:
        return {"max-connections": self.connections, "max-channels": 4 * self.connections}


@dataclass(frozen=True, slots=True)
class Team:
    """How a team's queue stands, by the broker's figures of the last seconds.

    `lost` counts the messages, up to 10,000, that left it unread in the last seven days: it was too full,
    they were too old or delivered too often, or the team rejected them.
    """

    name: str
    topics: tuple[str, ...] = ()
    messages: int = 0
    size: int = 0
    limit: int = 0
    consumers: int = 0
    lost: int = 0
    has_user: bool = True
    has_queue: bool = True

    @property
    def full(self) -> float:
        """The part of the limit that is used."""
        return self.size / self.limit if self.limit else 0.0

    @property
    def trouble(self) -> str:
        """What somebody should look at, or nothing."""
        if not self.has_user:
            return "nobody can log in: `remove` it, then `add` it again"
        if not self.has_queue:
            return "its queue is gone: nobody read it for long; `topics` makes a new one"
        if self.full >= NEAR:
            return "nearly full: the oldest events go first"
        return "it lost messages: replay them from the history" if self.lost else ""


def add(broker: Broker, team: str, topics: Sequence[str], limits: Limits) -> str:
    """Let a team in; its password. Whatever fails, nobody can log in before all is right. Raises Problem."""
    named = named_well(team)
    if broker.get("users", named) or broker.get("queues", VHOST, named):
        mend = f"change it by `redress subscribers topics {team}` or `rotate {team}`, or `remove` it first"
        raise Conflict(f"There is a team {team} already; {mend}")
    if not broker.put("users", named, password_hash=NO_LOGIN, tags=""):
        raise Conflict(f"Somebody else is adding {team} at this moment; look with `list`, then try again")
    with _or_nothing(broker, named):
        _shut_in(broker, named, limits)
        _declare(broker, named, limits)
        bind(broker, named, topics)
        return new_password(broker, named)


@contextmanager
def _or_nothing(broker: Broker, named: str) -> Iterator[None]:
    """What was made inside goes away again if the rest fails; the user first."""
    try:
        yield
    except BaseException:
        for path in _parts(named):
            with suppress(Problem):
                broker.delete(*path)
        raise


def _parts(named: str) -> list[tuple[str, ...]]:
    """All that is a team's, in the order in which it goes."""
    queues = [("queues", VHOST, named), ("queues", VHOST, _lost(named))]
    return [("users", named), ("connections", "username", named), *queues]


def _shut_in(broker: Broker, named: str, limits: Limits) -> None:
    """Reading its own queue, and nothing else; no topic either, if more should ever be granted by mistake."""
    own = {"configure": "^$", "write": "^$", "read": f"^{re.escape(named)}$"}
    for exchange in TOPIC_EXCHANGES:
        broker.put("topic-permissions", VHOST, named, exchange=exchange, write="^$", read="^$")
    for limit, value in limits.of_user.items():
        broker.put("user-limits", named, limit, value=value)
    broker.put("permissions", VHOST, named, **own)


def _declare(broker: Broker, named: str, limits: Limits) -> None:
    lost = {
        "x-queue-type": "quorum",
        "x-overflow": "drop-head",
        "x-max-length": LOST_COUNT,
        "x-max-length-bytes": 10_000_000,
        "x-message-ttl": LOST_DAYS * DAY_MS,
    }
    broker.put("exchanges", VHOST, LOST, type="direct", durable=True)
    broker.put("queues", VHOST, _lost(named), durable=True, auto_delete=False, arguments=lost)
    broker.post("bindings", VHOST, "e", LOST, "q", _lost(named), routing_key=named)
    arguments = limits.of_queue(named)
    broker.put("queues", VHOST, named, durable=True, auto_delete=False, arguments=arguments)


def _lost(named: str) -> str:
    """The queue of what left a team's queue unread; the team may not read it."""
    return f"{named}.lost"


def bind(broker: Broker, named: str, topics: Sequence[str]) -> None:
    """Exactly these topics from now on; nothing that was and stays subscribed is missed. Raises Problem."""
    bound = bindings(broker, named)
    for topic in topics:
        if topic not in bound:
            broker.post("bindings", VHOST, "e", EVENTS, "q", named, routing_key=topic)
    for topic in sorted(bound - {*topics}):
        broker.delete("bindings", VHOST, "e", EVENTS, "q", named, topic)


def bindings(broker: Broker, named: str) -> set[str]:
    found = broker.get("bindings", VHOST, "e", EVENTS, "q", named) or []
    return {each["routing_key"] for each in found}


def subscribe(broker: Broker, team: str, topics: Sequence[str], limits: Limits) -> None:
    """Other topics for a team; a queue that expired is made anew. Raises Problem."""
    named = known(broker, team)
    if not broker.get("queues", VHOST, named):
        _declare(broker, named, limits)
    bind(broker, named, topics)


def rotate(broker: Broker, team: str) -> str:
    """A new password; the old one is good for nothing from now on. Raises Problem."""
    named = known(broker, team)
    if broker.get("users", named)["password_hash"] == NO_LOGIN:
        raise Conflict(f"{team} was never let in; `redress subscribers remove {team}`, then `add` it again")
    password = new_password(broker, named)
    broker.delete("connections", "username", named)
    return password


def new_password(broker: Broker, named: str) -> str:
    password = secrets.token_urlsafe(32)
    broker.put("users", named, password_hash=password_hash(password), tags="")
    return password


def remove(broker: Broker, team: str) -> int:
    """Shut a team out and throw its queue away; how many messages it had not read. Raises Problem."""
    named = named_well(team)
    user, queue = broker.get("users", named), broker.get("queues", VHOST, named)
    if not user and not queue:
        raise _unknown(broker, team)
    for path in _parts(named):
        broker.delete(*path)
    return int((queue or {}).get("messages", 0))


def teams(broker: Broker) -> list[Team]:
    """All of them, by name. Raises Problem."""
    users = {each["name"]: each for each in broker.get("users") if each["name"].startswith(PREFIX)}
    queues = {each["name"]: each for each in broker.get("queues", VHOST) if each["name"].startswith(PREFIX)}
    names = sorted({name for name in [*users, *queues] if NAME.fullmatch(name.removeprefix(PREFIX))})
    return [_team(broker, name, users.get(name), queues) for name in names]


def team_of(broker: Broker, team: str) -> Team:
    """Raises Problem."""
    named = named_well(team)
    user, queue = broker.get("users", named), broker.get("queues", VHOST, named)
    if not user and not queue:
        raise _unknown(broker, team)
    queues = {named: queue, _lost(named): broker.get("queues", VHOST, _lost(named))}
    return _team(broker, named, user, queues)


def _team(broker: Broker, named: str, user: Any, queues: Mapping[str, Any]) -> Team:
    queue, lost = queues.get(named), queues.get(_lost(named)) or {}
    found = queue or {}
    return Team(
        name=named.removeprefix(PREFIX),
        topics=tuple(sorted(bindings(broker, named))) if queue else (),
        messages=found.get("messages", 0),
        size=found.get("message_bytes", 0),
        limit=found.get("arguments", {}).get("x-max-length-bytes", 0),
        consumers=found.get("consumers", 0),
        lost=lost.get("messages", 0),
        has_user=user is not None and user["password_hash"] != NO_LOGIN,
        has_queue=queue is not None,
    )


def known(broker: Broker, team: str) -> str:
    """The user of a team that there is. Raises Problem."""
    named = named_well(team)
    if not broker.get("users", named):
        raise _unknown(broker, team)
    return named


def _unknown(broker: Broker, team: str) -> NotFound:
    there = ", ".join(each.name for each in teams(broker)) or "none"
    return NotFound(f"There is no team {team}; there is: {there}")


def named_well(team: str) -> str:
    """The name of a team's user and of its queue. Raises Invalid."""
    if not NAME.fullmatch(team):
        raise Invalid(
            f"{team[:80]!r} is no team's name: up to 40 small letters, digits and -, a letter first"
        )
    return PREFIX + team
