"""The commands of `redress subscribers`: a team's connection string is printed once and kept nowhere."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from deploy.management import Broker
from deploy.provision import VHOST
from deploy.subscribers import teams
from deploy.subscribers.teams import Limits, Team
from deploy.subscribers.topics import checked, matched
from deploy.telling import aligned, refusing
from shared.problems import Invalid

app = typer.Typer(help="Other teams that get our events, each in a queue of its own.", no_args_is_help=True)

Url = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_MANAGEMENT_URL",
        help="The broker's management, as its administrator",
        show_default=False,
        show_envvar=True,
    ),
]
Name = Annotated[str, typer.Argument(metavar="TEAM", help="Small letters, digits and -", show_default=False)]
Host = Annotated[
    str,
    typer.Option(
        envvar="REDRESS_TEAM_HOST",
        help="Where teams reach the broker: HOST:PORT, or amqps://HOST:PORT",
        show_default="as this command does",
    ),
]
Topics = Annotated[
    list[str], typer.Option("--topics", help="Types of events: * is one word, # any; repeatable")
]
Megabytes = Annotated[int, typer.Option(min=1, max=100_000, help="What may wait; then the oldest goes")]
Days = Annotated[int, typer.Option(min=1, max=49, help="How long an event may wait")]
Expiry = Annotated[int, typer.Option(min=1, max=49, help="When a queue that nobody reads goes")]
Connections = Annotated[int, typer.Option(min=1, max=1_000, help="At the same time")]
LIMITS = Limits()


@app.command()
def add(
    team: Name,
    topics: Topics,
    url: Url,
    host: Host = "",
    megabytes: Megabytes = LIMITS.megabytes,
    keep_days: Days = LIMITS.keep_days,
    expire_days: Expiry = LIMITS.expire_days,
    connections: Connections = LIMITS.connections,
) -> None:
    """Let a team in: it reads its own queue, and may do nothing else. Prints its connection string."""
    with refusing():
        broker, wanted = Broker(url), checked(topics)
        where = _reached(broker, host)
        password = teams.add(broker, team, wanted, Limits(megabytes, keep_days, expire_days, connections))
    _tell(team, password, where)
    events = {type for topic in wanted for type in matched(topic)}
    typer.echo(f"It gets {len(events)} of the public events; docs/subscribing.md is for its people", err=True)


@app.command("list")
def list_(
    url: Url,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if one needs looking after")] = False,
) -> None:
    """Show every team: what waits for it, how full its queue is, what it lost. Figures are seconds old."""
    with refusing():
        found = teams.teams(Broker(url))
    if not found:
        typer.echo("no team subscribes")
        return
    for line in aligned([HEADS, *map(_row, found)]):
        typer.echo(line)
    if check and any(each.trouble for each in found):
        raise typer.Exit(1)


@app.command()
def show(team: Name, url: Url) -> None:
    """Show one team: its topics, its queue, its limits."""
    with refusing():
        found = teams.team_of(Broker(url), team)
    for line in aligned([[head, cell] for head, cell in zip(HEADS, _row(found), strict=True) if cell]):
        typer.echo(line)
    for topic in found.topics:
        typer.echo(f"  {topic}: {', '.join(matched(topic)) or 'no event any more'}")


@app.command("topics")
def topics_(team: Name, topics: Topics, url: Url) -> None:
    """Subscribe a team to exactly these topics from now on; what waits for it stays."""
    with refusing():
        teams.subscribe(Broker(url), team, checked(topics), LIMITS)


@app.command()
def rotate(team: Name, url: Url, host: Host = "") -> None:
    """Give a team a new password: the old one ends at once, events wait meanwhile."""
    with refusing():
        broker = Broker(url)
        where = _reached(broker, host)
        password = teams.rotate(broker, team)
    _tell(team, password, where)


@app.command()
def remove(team: Name, url: Url) -> None:
    """Shut a team out, and throw away what waits for it."""
    with refusing():
        unread = teams.remove(Broker(url), team)
    typer.echo(f"{team} is gone, with {unread} messages that it had not read")


HEADS = ["team", "waiting", "size", "limit", "full", "readers", "lost", "topics", "look"]


def _row(team: Team) -> list[str]:
    figures = [team.messages, team.size, team.limit, f"{team.full:.0%}", team.consumers, team.lost]
    return [team.name, *map(str, figures), " ".join(team.topics), team.trouble]


def _reached(broker: Broker, host: str) -> str:
    """Scheme and host of a team's connection string. Raises Problem."""
    where = host if "://" in host else f"amqp://{host}" if host else broker.login()
    try:
        parts = urlsplit(where)
        right = parts.scheme in ("amqp", "amqps") and parts.hostname and parts.port != 0
    except ValueError:
        right = None
    if not right or "@" in where or parts.path.strip("/"):
        raise Invalid(f"{host!r} is no broker's address: write HOST, HOST:PORT or amqps://HOST:PORT")
    return where.rstrip("/")


def _tell(team: str, password: str, where: str) -> None:
    scheme, _, host = where.partition("://")
    user = teams.PREFIX + team
    typer.echo(f"{scheme}://{user}:{password}@{host}/{VHOST}?heartbeat=10")
    typer.echo(f"This is shown once. The queue is {user}; it is there, and {team} declares nothing", err=True)
