"""The runs: every service, asked by each caller that it knows, about a complaint that has come to its end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import httpx

from deploy.local.outside import text_of
from deploy.local.play import Case, Players
from deploy.local.stage import Stage
from deploy.schemas import api
from tests.openapi.explorer import Known, Tally, explore

BODY = {
    "channel": "email",
    "language": "en",
    "complainant": {"name": "Ann Example", "email": "ann@example.com"},
    "description": "The kettle leaks.",
}
ENDPOINTS = 10
URL = "http://127.0.0.1:9/hooks"
CALLERS = ("front-end", "approver", "partner")
RUNS = [
    ("survey", "front-end"),
    ("notify", "front-end"),
    ("triage", "approver"),
    ("sla", "front-end"),
    *(("intake", caller) for caller in CALLERS),
]
"""Surveys first, before their time runs out; intake last, where people are erased."""


@dataclass(frozen=True)
class Told:
    """What calls may name: a closed complaint, its receipt and notices, the token of its survey, a hook."""

    complaint: str
    number: str
    secret: str
    notices: list[str]
    tokens: list[str]
    webhooks: list[str]
    delivery: str

    def of(self, service: str) -> Known:
        """The same by parameters and fields of a service."""
        about: dict[str, list[str | int]] = {"path.complaint": [self.complaint]}
        match service:
            case "intake":
                receipt: Known = {
                    f"{part}.{name}": [value]
                    for part, name, value in (
                        ("path", "number", self.number),
                        ("header", "Receipt-Secret", self.secret),
                        ("query", "secret", self.secret),
                        ("body", "number", self.number),
                        ("body", "secret", self.secret),
                    )
                }
                return {
                    **receipt,
                    "path.line": ["remedy", "clock.reply"],
                    "query.pack": ["base"],
                    "body.role": ["handler", "service_manager", "partner"],
                    "body.to": ["staff:somebody"],
                    "body.from": ["2030-01-01T00:00:00Z"],
                    "body.until": ["2030-06-01T00:00:00Z"],
                    "body.due": ["2030-06-01T00:00:00Z"],
                    "body.department": ["quality"],
                    "body.effective_from": ["2030-01-01T00:00:00Z"],
                }
            case "triage":
                packs: Known = {"path.pack": ["base"], "query.pack": ["base"], "path.version": [1]}
                return {**about, **packs, "body.from_version": [1], "body.to_version": [1]}
            case "sla":
                return {**about, "path.name": ["cn-mainland"], "query.pack": ["base"], "body.pack": ["base"]}
            case "notify":
                return {
                    **about,
                    "path.notice": list(self.notices),
                    "path.id": list(self.webhooks),
                    "path.delivery": [self.delivery],
                    "body.url": [URL],
                }
        return {**about, "path.token": list(self.tokens)}


async def told(played: Stage) -> Told:
    """Carry a complaint to its end."""
    async with played.system.client() as client:
        players = Players(played.system, client, played.mailbox, played.gateway)
        case = Case(body=BODY, play={})
        await players.carry(case)
        notices = [notice["id"] for notice in case.notices]
        tokens = [link.rpartition("/")[2] for link in players.links(case)]
        mails = "".join(text_of(mail) for mail in played.mailbox.about(case.number))
        secret = mails.partition("?secret=")[2].split()[0]
        return Told(case.id, case.number, secret, notices, tokens, *await _tested(played, client))


async def _tested(played: Stage, client: httpx.AsyncClient) -> tuple[list[str], str]:
    """Endpoints where nobody listens, and a delivery to one; some calls remove what they name."""
    url = f"{played.system.url('notify')}/v1/webhooks"
    body = {"url": URL, "types": ["webhook.*"]}
    made = [(await client.post(url, json=body)).raise_for_status().json()["id"] for _ in range(ENDPOINTS)]
    tested = await client.post(f"{url}/{made[0]}:test")
    return made, tested.raise_for_status().json()["id"]


def keys(played: Stage) -> dict[str, str]:
    """Caller -> API key."""
    system = played.system
    return dict(zip(CALLERS, (system.key, system.approver_key, system.partner_key), strict=True))


async def run(
    played: Stage, service: str, caller: str, about: Told, examples: int, seed: int, edges: bool = True
) -> Tally:
    """One service, asked by one caller."""
    url, key, known = played.system.url(service), keys(played)[caller], about.of(service)
    asked = partial(explore, api(service), url, key, known, examples=examples, seed=seed, edges=edges)
    return await asyncio.to_thread(asked)


def report(service: str, caller: str, tally: Tally) -> Iterator[str]:
    """A line, and what there is to mend."""
    yield f"{service:<7} as {caller:<10} {tally}"
    if never := sorted(name for name, times in tally.went.items() if not times):
        yield f"  never let in: {', '.join(never)}"
    yield from (f"{name}\n{how}" for name, how in sorted(tally.violations.items()))
    yield from tally.errors
