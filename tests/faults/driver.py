"""The people around a system that keeps dying: every call is repeated with its key until it is answered."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from deploy.local.outside import Gateway
from deploy.local.play import REPLIES, links_printed, links_sent
from deploy.local.system import System
from shared.calling import RESET
from tests.faults.ledger import Entry, Ledger
from tests.faults.post import Post

REPEATED, CLICKED_TWICE = 0.05, 0.05
POLL_S, HANDS, RATE, WAITING = 0.25, 48, 60.0, 64
"""How often is looked; how many are carried at a time; how many others are handed in a second, if not so many
wait for their answer already: the client's pool takes the longer the more there are."""
ORDER = [
    "registered", "reopened", "graded", "dispatched", "accepted", "investigated", "proposed", "approved",
    "offered", "agreed", "implemented", "audited", "answered", "fed_back", "surveyed", "closed",
]  # fmt: skip
AFTER = {
    "accept": "accepted", "investigate": "investigated", "propose": "proposed", "offer": "offered",
    "agree": "agreed", "implement": "implemented", "audit": "audited", "answer": "answered",
}  # fmt: skip
CAUSES = {"product_quality": "material", "usage": "unclear_guide", "service": "communication"}


class Stuck(Exception):
    """A complaint that did not go on in time."""


@dataclass
class Driver:
    """Carries complaints from the first word to closing, whatever dies meanwhile."""

    system: System
    client: httpx.AsyncClient
    post: Post
    gateway: Gateway
    ledger: Ledger
    chance: random.Random
    patience: float
    poll_s: float = POLL_S
    hands: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HANDS))

    async def carry_all(self) -> None:
        """Those that are carried as fast as so many hands can, the others at a constant rate."""
        carried = [entry for entry in self.ledger.entries if entry.scores]
        await asyncio.gather(
            *(self._in_turn(self._carry, entry) for entry in carried), self._hand_in_others()
        )

    async def do_what_is_left(self) -> None:
        """The calls and letters that came up after a complaint had been carried to its end."""
        closed = [entry for entry in self.ledger.entries if entry.closed]
        await asyncio.gather(*(self._in_turn(self._do_tasks, entry) for entry in closed))

    async def _hand_in_others(self) -> None:
        others, began = [entry for entry in self.ledger.entries if not entry.scores], monotonic()
        waiting = asyncio.Semaphore(WAITING)
        async with asyncio.TaskGroup() as tasks:
            for number, entry in enumerate(others):
                await asyncio.sleep(max(0, began + number / RATE - monotonic()))
                await waiting.acquire()
                handed_in = tasks.create_task(self._unless_stuck(self._hand_in, entry))
                handed_in.add_done_callback(lambda done: waiting.release())

    async def _in_turn(self, work: Callable[[Entry], Awaitable[Any]], entry: Entry) -> None:
        async with self.hands:
            await self._unless_stuck(work, entry)

    async def _unless_stuck(self, work: Callable[[Entry], Awaitable[Any]], entry: Entry) -> None:
        try:
            await work(entry)
        except Stuck as stuck:
            entry.stuck = str(stuck)

    async def _carry(self, entry: Entry) -> None:
        await self._hand_in(entry)
        for cycle, score in enumerate(entry.scores, 1):
            await self._handle(entry, cycle)
            await self._until_fed_back(entry, cycle)
            await self._answer_survey(entry, cycle, score)
            await self._until(entry, "graded" if cycle < entry.cycles else "closed", cycle + 1)
        entry.closed = True
        self.ledger.closed += 1

    # handing in

    async def _hand_in(self, entry: Entry) -> None:
        posts = 2 if self.chance.random() < REPEATED else 1
        for _ in range(posts):
            answer = await self._call("intake", "POST", "/v1/complaints", json=entry.body, key=entry.key)
            if answer.status_code != 201:
                raise Stuck(f"not accepted: {answer.status_code} {answer.text[:300]}")
            entry.ids.add(answer.json()["id"])
            entry.number = answer.json()["number"]
        if entry.scores:
            self.post.followed.add(entry.number)
        self.ledger.repeated_posts += posts - 1
        self.ledger.milestones += 1

    # handling

    async def _handle(self, entry: Entry, cycle: int) -> None:
        await self._until(entry, "dispatched", cycle)
        if entry.slow and cycle == 1:
            await self._until_breached(entry)
        view = await self._view(entry)
        graded = view["complaint"]["graded"][str(cycle)]
        lead = view["complaint"]["dispatched"][str(cycle)]["lead"]
        for step in _steps(entry, CAUSES.get(graded["class"], "other"), lead):
            if step["step"] == "offer":
                await self._approve(entry)
            await self._step(entry, cycle, step)

    async def _approve(self, entry: Entry) -> None:
        """Somebody else approves what needs it, having read it."""

        async def approved() -> bool:
            read = await self._call("intake", "GET", f"/v1/complaints/{entry.id}")
            if "offer" in read.json()["possible"]:
                return True
            await self._call(
                "intake",
                "POST",
                f"/v1/complaints/{entry.id}/steps",
                json={"step": "approve"},
                headers={
                    "Authorization": f"Bearer {self.system.approver_key}",
                    "If-Match": read.headers["ETag"],
                },
            )
            return False

        await self._wait(approved, "should be approved")

    async def _step(self, entry: Entry, cycle: int, step: dict[str, Any]) -> None:
        """One step, now and then clicked by two people at once: one of them must be refused."""
        key = f"{entry.key}-{cycle}-{step['step']}"
        clicks = [self._click(entry, cycle, step, key)]
        if self.chance.random() < CLICKED_TWICE:
            self.ledger.double_clicks += 1
            clicks.append(self._click(entry, cycle, step, f"{key}-again"))
        await asyncio.gather(*clicks)
        self.ledger.milestones += 1

    async def _click(self, entry: Entry, cycle: int, step: dict[str, Any], key: str) -> None:
        answer = await self._call("intake", "POST", f"/v1/complaints/{entry.id}/steps", json=step, key=key)
        if answer.status_code == 409:
            await self._until(entry, AFTER[step["step"]], cycle)
        elif answer.status_code != 200:
            raise Stuck(f"{step['step']}: {answer.status_code} {answer.text[:300]}")

    async def _until_breached(self, entry: Entry) -> None:
        async def breached() -> bool:
            answer = await self._call("sla", "GET", f"/v1/deadlines/{entry.id}")
            clocks = answer.json().get("clocks", []) if answer.is_success else []
            return any(clock["name"] == "accept" and clock["breached"] for clock in clocks)

        await self._wait(breached, "should have a breached deadline")

    # telling

    async def _until_fed_back(self, entry: Entry, cycle: int) -> None:
        async def told() -> bool:
            await self._do_tasks(entry)
            return await self._is_past(entry, "fed_back", cycle)

        await self._wait(told, f"should be fed back in cycle {cycle}")
        self.ledger.milestones += 1

    async def _do_tasks(self, entry: Entry) -> list[dict[str, Any]]:
        answer = await self._call("notify", "GET", f"/v1/notices/{entry.id}")
        notices: list[dict[str, Any]] = answer.json()["notices"] if answer.is_success else []
        for notice in notices:
            if notice["state"] == "task":
                done = await self._call("notify", "POST", f"/v1/notices/{entry.id}/{notice['id']}/done")
                if not done.is_success and done.status_code != 409:
                    raise Stuck(f"a task cannot be done: {done.status_code} {done.text[:300]}")
        return notices

    async def _answer_survey(self, entry: Entry, cycle: int, score: int) -> None:
        links: list[str] = []

        async def invited() -> bool:
            links[:] = self._links(entry) or await self._printed(entry)
            return len(links) >= cycle

        await self._wait(invited, f"should have a survey link in cycle {cycle}")
        answer = await self._call("", "POST", links[cycle - 1], data={"score": str(score), "comment": ""})
        if answer.status_code not in (200, 409):
            raise Stuck(f"survey: {answer.status_code} {answer.text[:300]}")
        entry.given[cycle] = score
        self.ledger.milestones += 1

    def _links(self, entry: Entry) -> list[str]:
        return links_sent(entry.number, self.post, self.gateway)

    async def _printed(self, entry: Entry) -> list[str]:
        """Links in letters and call notes, which the person who calls or posts reads from the page."""
        found = []
        for notice in await self._do_tasks(entry):
            if notice["kind"] == "survey" and notice["route"] in ("call", "letter"):
                page = await self._call("notify", "GET", f"/v1/notices/{entry.id}/{notice['id']}/letter")
                found += links_printed(page.text)
        return found

    # looking

    async def _until(self, entry: Entry, stage: str, cycle: int) -> None:
        async def there() -> bool:
            return await self._is_past(entry, stage, cycle)

        await self._wait(there, f"should be {stage} in cycle {cycle}")
        self.ledger.milestones += 1

    async def _is_past(self, entry: Entry, stage: str, cycle: int) -> bool:
        view = await self._view(entry)
        if stage == "closed":
            return bool(view["stage"] == "closed")
        return (view["cycle"], ORDER.index(view["stage"])) >= (cycle, ORDER.index(stage))

    async def _view(self, entry: Entry) -> dict[str, Any]:
        answer = await self._call("intake", "GET", f"/v1/complaints/{entry.id}")
        if not answer.is_success:
            raise Stuck(f"view: {answer.status_code} {answer.text[:300]}")
        view: dict[str, Any] = answer.json()
        return view

    async def _wait(self, there: Callable[[], Awaitable[bool]], wanted: str) -> None:
        ended = monotonic() + self.patience
        while not await there():
            if monotonic() > ended:
                raise Stuck(wanted)
            await asyncio.sleep(self.poll_s * (0.7 + 0.6 * self.chance.random()))

    # calling

    async def _call(
        self, service: str, method: str, path: str, key: str = "", **content: Any
    ) -> httpx.Response:
        """The first answer that is one; what fails or breaks off is sent again, same key."""
        headers = content.pop("headers", {}) | ({"Idempotency-Key": key} if key else {})
        ended, pause = monotonic() + self.patience, 0.1
        while monotonic() < ended:
            url = self._url(service) + path
            try:
                answer = await self.client.request(method, url, headers=headers, timeout=6, **content)
            except (httpx.HTTPError, RESET):
                pass
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            self.ledger.retries += 1
            await asyncio.sleep(pause * (0.5 + self.chance.random()))
            pause = min(pause * 2, 1.5)
        raise Stuck(f"{method} {service}{path} is never answered")

    def _url(self, service: str) -> str:
        """Any replica of the service; nothing for a path that is a whole URL."""
        names = [name for name in self.system.names if name.partition("-")[0] == service]
        return self.system.url(self.chance.choice(names)) if names else ""


def _steps(entry: Entry, cause: str, lead: str) -> list[dict[str, Any]]:
    return [
        {"step": "accept"},
        {"step": "investigate", "cause": cause},
        {"step": "propose", "measure": "replace and check the batch", "department": lead},
        {"step": "offer"},
        {"step": "agree"},
        {"step": "implement"},
        {"step": "audit", "passed": True},
        {"step": "answer", "text": REPLIES["en" if entry.body.get("language") == "en" else "zh-CN"]},
    ]
