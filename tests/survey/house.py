"""Survey's doors over a real database, in this process: every caller's key is its name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.survey.app import app
from services.survey.channels.links import link
from services.survey.domain.questionnaire import hear
from services.survey.domain.record import Surveys
from services.survey.store import surveys
from shared.envelope import Cause
from shared.events import Fact
from tests.kit.complaint import NUMBER, START, registered
from tests.kit.doors import api_keys, client, settled
from tests.kit.servers import AnyServers

CALLERS = {
    "desk": ["recorder"],
    "maker": ["recorder"],
    "handler": ["recorder", "handler"],
    "worker": ["handler"],
    "about": ["recorder"],
    "counter": ["recorder"],
    "shop": ["partner"],
}
DEPARTMENTS = {"maker": ["quality"]}


class House:
    """Survey, asked by any of CALLERS or by a customer."""

    async def hears(self, id: UUID, *facts: Fact, at: datetime = START) -> Surveys:
        """What becomes of a complaint by these events."""
        for fact in facts:
            cause = Cause(uuid4(), id, NUMBER, at, fact.owner, fact, type=fact.type)
            saved = await surveys.update(id, partial(hear, complaint=id, link=link), cause)
        assert saved.state is not None
        return saved.state

    async def opened(self, *more: Fact, at: datetime = START, **given: Any) -> tuple[UUID, str]:
        """A complaint with an open survey, and the address of its page."""
        id = uuid4()
        state = await self.hears(id, registered(**given), *more, at=at)
        return id, self.address(state)

    def address(self, state: Surveys) -> str:
        """Where the newest survey is answered."""
        survey = state.surveys[-1]
        assert survey.expires is not None
        return "/s/" + link(survey.id, survey.expires).rpartition("/")[2]

    async def ask(self, by: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        async with client(app, by) as asking:
            return await asking.request(method, path, **more)

    async def get(self, path: str, who: str | None = None, **query: Any) -> httpx.Response:
        return await self.ask(who, "GET", path, params=query or None)

    async def fill(self, address: str, **fields: str) -> httpx.Response:
        """The form of the page, sent."""
        return await self.ask(None, "POST", address, data=fields)


@asynccontextmanager
async def house(servers: AnyServers, patch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Survey without a broker, while it is needed."""
    keys = api_keys(**CALLERS)
    for name, departments in DEPARTMENTS.items():
        keys[name]["departments"] = departments
    with settled(patch, api_keys=keys, survey_key="s" * 40, rate_limit="100000/minute"):
        surveys.open(servers.mongo_url("survey"))
        try:
            yield House()
        finally:
            await surveys.close()
