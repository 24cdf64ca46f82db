"""Rules at work: a quota passed, a pack and a calendar published, complaints migrated."""

import asyncio
import json
from typing import Any

import httpx

from deploy.local.play import Stuck
from deploy.local.scenes.callers import Desk, customer, there
from shared.policy import load_calendar

PACK, CALENDAR = "cn-case-3grade", "england-and-wales"
BEYOND = 4
"""One more of these than the quota of the department allows."""


async def rules(staff: Desk, approver: Desk) -> None:
    await asyncio.gather(quota(staff), migration(staff, approver), calendar(staff))


async def quota(staff: Desk) -> None:
    for _ in range(BEYOND):
        kind = {"pack": "cn-packaging-abcd", "class": None, "loss": {"value": "1000", "currency": "CNY"}}
        id = await staff.made(**kind, complainant=customer())
        await staff.post(f"complaints/{id}/facts", {"department": "printing"})


async def migration(staff: Desk, approver: Desk) -> None:
    """Proposed by one, approved by another; what is open goes over to it."""
    await staff.dispatched(pack=PACK, loss={"value": "150", "currency": "CNY"}, **{"class": None})
    shown = await staff.get(f"policies/{PACK}/versions/1", "triage")
    path = staff.url(f"policies/{PACK}/versions/2", "triage")
    succeed(await staff.client.put(path, content=changed(shown)))
    read = await approver.client.get(path)
    etag = {"If-Match": read.headers["ETag"]}
    succeed(await approver.client.post(f"{path}/approval", headers=etag))

    async def migrated() -> bool:
        plan = {"from_version": 1, "to_version": 2, "preview": False}
        done = await staff.client.post(staff.url(f"policies/{PACK}/migrations", "triage"), json=plan)
        return done.is_success and bool(done.json()["complaints"])

    await there("a migration", migrated)


def changed(shown: dict[str, Any]) -> str:
    """The next version: any loss of 100 is of the gravest grade."""
    name, scheme = next(iter(shown["schemes"].items()))
    gravest = next(iter(scheme["grades"]))
    row = {"rule": "a loss", "grade": gravest, "when": {"loss": {"at_least": 100}}}
    vector = {"name": "a loss", "facts": {"loss": 100}, "expect": {"grade": gravest}}
    rows = {name: scheme | {"rows": [*scheme["rows"], row]}}
    new = {"pack": PACK, "version": 2, "extends": f"{PACK}/1", "schemes": rows, "vectors": [vector]}
    return json.dumps(new, ensure_ascii=False)


async def calendar(staff: Desk) -> None:
    """Its next version has one more day off."""
    content = load_calendar(CALENDAR).model_dump(mode="json")
    version, off = content["version"] + 1, max(content["days_off"])[:4] + "-07-01"
    content |= {"version": version, "days_off": content["days_off"] | {off: "Jubilee"}}
    path = staff.url(f"calendars/{CALENDAR}/versions/{version}", "sla")
    succeed(await staff.client.put(path, json=content))


def succeed(answer: httpx.Response) -> None:
    if answer.is_error:
        raise Stuck(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:500]}")
