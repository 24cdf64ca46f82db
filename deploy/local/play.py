"""The people around the system, played over HTTP: front end, departments, service desk, customers."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.outside import Gateway, Mailbox, text_of
from deploy.local.system import System
from shared.events import Language

LINK = re.compile(r"https?://\S+/s/\S+")
REPLIES: dict[Language, str] = {
    "zh-CN": "经核实，问题属实，我们已按约定处理完毕。",
    "en": "We looked into it, found you were right, and put it right as agreed.",
}
CAUSES = {
    "product_quality": "material",
    "usage": "unclear_guide",
    "service": "communication",
    "other": "other",
    "not_a_complaint": "other",
}
PATIENCE_S = 120
TOLD = ("sent", "folded", "suppressed")
"""States of a notice that nothing more happens to."""


class Stuck(Exception):
    """A complaint that did not come to where it should, and where it stands instead."""


@dataclass
class Case:
    """One complaint on its way: what was sent, what came back, and where it stands."""

    body: dict[str, Any]
    play: Mapping[str, Any]
    id: str = ""
    number: str = ""
    stage: str = "not sent"
    cycle: int = 1
    trace: str = ""
    error: str = ""
    seconds: float = 0.0
    score: int | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    view: dict[str, Any] = field(default_factory=dict)


def links_sent(number: str, mailbox: Mailbox, gateway: Gateway) -> list[str]:
    """The survey links that came by mail or message, each once, in order."""
    texts = [text_of(mail) for mail in mailbox.about(number)]
    texts += [message["text"] for message in gateway.about(number)]
    return list(dict.fromkeys(link for text in texts for link in LINK.findall(text)))


def links_printed(page: str) -> list[str]:
    """The survey links on a page that is read out or posted."""
    return LINK.findall(re.sub(r"<[^>]+>", " ", page))


class Players:
    """Plays everybody: hands a complaint in and carries it through every stage to its end."""

    def __init__(self, system: System, client: httpx.AsyncClient, mailbox: Mailbox, gateway: Gateway) -> None:
        self._system = system
        self._client = client
        self._mailbox = mailbox
        self._gateway = gateway

    async def carry(self, case: Case, told: Callable[[Case], None] = lambda case: None) -> None:
        """From the first word to closing. Raises Stuck; `told` hears of every step."""
        started = monotonic()
        await self.hand_in(case)
        told(case)
        while case.stage != "closed":
            await self._round(case, told)
        await self.look(case)
        case.seconds = monotonic() - started

    async def hand_in(self, case: Case) -> None:
        answer = await self._call("intake", "POST", "/v1/complaints", case, json=case.body)
        case.trace = answer.headers.get("traceresponse", "")
        self._note(case, answer.json())

    async def _round(self, case: Case, told: Callable[[Case], None]) -> None:
        """One resolution cycle: departments, service desk, customer."""
        await self.until(case, "dispatched", case.cycle)
        if case.play.get("slow") and case.cycle == 1:
            await self._until_breached(case)
        for step in await self.steps(case):
            if step["step"] == "offer":
                await self._approve(case)
            answer = await self._call("intake", "POST", f"/v1/complaints/{case.id}/steps", case, json=step)
            self._note(case, answer.json())
            told(case)
        cycle = case.cycle
        await self._until_fed_back(case, cycle)
        told(case)
        await self._answer_survey(case, cycle)
        await self._settled(case, cycle)
        told(case)

    async def steps(self, case: Case) -> list[dict[str, Any]]:
        """What departments and service desk do, by what triage decided."""
        complaint = (await self._view(case))["complaint"]
        graded = complaint["graded"][str(case.cycle)]
        lead = complaint["dispatched"][str(case.cycle)]["lead"]
        return [
            {"step": "accept"},
            {"step": "investigate", "cause": CAUSES[graded["class"]]},
            {"step": "propose", "measure": "replace and check the batch", "department": lead},
            {"step": "offer"},
            {"step": "agree"},
            {"step": "implement"},
            {"step": "audit", "passed": True},
            {"step": "answer", "text": REPLIES["en" if case.body.get("language") == "en" else "zh-CN"]},
        ]

    async def _approve(self, case: Case) -> None:
        """Somebody else approves what needs it, having read it."""

        async def approved() -> bool:
            read = await self._call("intake", "GET", f"/v1/complaints/{case.id}", None)
            if "offer" in read.json()["possible"]:
                return True
            headers = {
                "Authorization": f"Bearer {self._system.approver_key}",
                "If-Match": read.headers["ETag"],
            }
            url = f"{self._system.url('intake')}/v1/complaints/{case.id}/steps"
            await self._client.post(url, json={"step": "approve"}, headers=self._heading(case) | headers)
            return False

        await self._wait(case, "approved", approved)

    async def until(self, case: Case, stage: str, cycle: int) -> None:
        """Wait until the complaint has this stage. Raises Stuck."""

        async def there() -> bool:
            self._note(case, await self._view(case))
            return (case.stage, case.cycle) == (stage, cycle)

        await self._wait(case, f"{stage} in round {cycle}", there)

    async def _until_breached(self, case: Case) -> None:
        """The slow department: it waits until its deadline has passed."""

        async def breached() -> bool:
            return any(each["name"] == "accept" and each["breached"] for each in await self._clocks(case))

        await self._wait(case, "late", breached)

    async def _until_fed_back(self, case: Case, cycle: int) -> None:
        """The service desk calls and posts letters until the customer has the answer. Raises Stuck."""

        async def there() -> bool:
            await self._do_tasks(case)
            self._note(case, await self._view(case))
            return (case.stage, case.cycle) == ("fed_back", cycle)

        await self._wait(case, "fed_back", there)

    async def _do_tasks(self, case: Case) -> list[dict[str, Any]]:
        notices = await self._notices(case)
        for notice in notices:
            if notice["state"] == "task":
                await self._call("notify", "POST", f"/v1/notices/{case.id}/{notice['id']}/done", case)
        return notices

    async def _answer_survey(self, case: Case, cycle: int) -> None:
        """The customer opens the link that came by mail, message, call or letter, and answers the form."""
        links: list[str] = []

        async def there() -> bool:
            links[:] = self.links(case) or await self._printed_links(case)
            return len(links) >= cycle

        await self._wait(case, "asked for its survey", there)
        score = int(case.play.get("score" if cycle == 1 else "second_score", 9))
        (await self._client.get(links[cycle - 1])).raise_for_status()
        filled = {"score": str(score), "comment": ""}
        answer = await self._client.post(links[cycle - 1], data=filled, headers=self._heading(case))
        answer.raise_for_status()
        case.score = score

    def links(self, case: Case) -> list[str]:
        return links_sent(case.number, self._mailbox, self._gateway)

    async def _printed_links(self, case: Case) -> list[str]:
        """Links in letters and call notes: the person who calls or posts reads them from the task's page."""
        found = []
        for notice in await self._do_tasks(case):
            if notice["kind"] == "survey" and notice["route"] in ("call", "letter"):
                page = await self._call("notify", "GET", f"/v1/notices/{case.id}/{notice['id']}/letter", case)
                found += links_printed(page.text)
        return found

    async def _settled(self, case: Case, cycle: int) -> None:
        """Wait until the survey's answer has closed or reopened the complaint. Raises Stuck."""

        async def there() -> bool:
            self._note(case, await self._view(case))
            return case.stage == "closed" or case.cycle > cycle

        await self._wait(case, "closed or reopened", there)

    async def look(self, case: Case) -> None:
        """What stands at the end: deadlines and notices, once nothing is open any more. Raises Stuck."""

        async def at_rest() -> bool:
            case.notices, case.clocks = await self._do_tasks(case), await self._clocks(case)
            told = all(notice["state"] in TOLD for notice in case.notices)
            return (
                bool(case.notices and case.clocks) and told and all(each["outcome"] for each in case.clocks)
            )

        await self._wait(case, "without open deadlines and notices", at_rest)
        case.view = await self._view(case)

    async def _wait(self, case: Case, wanted: str, there: Callable[[], Awaitable[bool]]) -> None:
        """Look again with growing pauses until something is there. Raises Stuck."""
        pause, ended = 0.05, monotonic() + PATIENCE_S
        while not await there():
            if monotonic() > ended:
                raise Stuck(f"{case.number} should be {wanted}; it is {case.stage} in round {case.cycle}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def _notices(self, case: Case) -> list[dict[str, Any]]:
        return await self._list("notify", f"/v1/notices/{case.id}", "notices")

    async def _clocks(self, case: Case) -> list[dict[str, Any]]:
        return await self._list("sla", f"/v1/deadlines/{case.id}", "clocks")

    async def _list(self, service: str, path: str, name: str) -> list[dict[str, Any]]:
        """A list that a service keeps of a complaint; empty while the service has not heard of it."""
        answer = await self._client.get(self._system.url(service) + path)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()[name]
        return found

    async def _view(self, case: Case) -> dict[str, Any]:
        answer = await self._call("intake", "GET", f"/v1/complaints/{case.id}", None)
        view: dict[str, Any] = answer.json()
        return view

    async def timeline(self, case: Case, language: Language) -> list[dict[str, Any]]:
        path = f"/v1/complaints/{case.id}/timeline?language={language}"
        lines: list[dict[str, Any]] = (await self._call("intake", "GET", path, None)).json()
        return lines

    async def _call(
        self, service: str, method: str, path: str, case: Case | None, json: Any = None
    ) -> httpx.Response:
        """One request, as part of the complaint's trace. Raises Stuck with the problem's own words."""
        headers = self._heading(case) if case and method == "POST" else {}
        answer = await self._client.request(
            method, self._system.url(service) + path, json=json, headers=headers
        )
        if answer.is_error:
            raise Stuck(f"{method} {path} of {service} answered {answer.status_code}: {answer.text[:500]}")
        return answer

    def _heading(self, case: Case) -> dict[str, str]:
        """Two customers may say the same; a key of its own makes each a complaint of its own."""
        trace = {"traceparent": case.trace} if case.trace else {}
        return {"Idempotency-Key": str(uuid4())} | trace

    def _note(self, case: Case, receipt: Mapping[str, Any]) -> None:
        case.id, case.number = receipt["id"], receipt["number"]
        case.stage, case.cycle = receipt["stage"], receipt["cycle"]
