"""Time passes on a real database: whoever looks first reminds, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from services.survey import ticker
from services.survey.store import surveys
from shared import clock
from shared.documents import owed_by
from shared.envelope import from_cloudevent, open_batch
from shared.events import ComplaintFedBack, SurveyExpired, SurveyReminded
from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of
from tests.survey.house import House, house
from tests.survey.kit import piloted


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


async def looked() -> None:
    """Four replicas look at once, till there is nothing to do."""
    while any(await asyncio.gather(*(ticker.tick() for _ in range(4)))):
        pass


async def owed(servers: AnyServers, id: UUID) -> list[SurveyReminded | SurveyExpired]:
    """What a complaint's document owes of reminders and endings, in order."""
    async with admin_of(servers) as admin:
        found = await admin["survey"]["surveys"].find_one({"_id": id})
    assert found is not None
    events = [from_cloudevent(open_batch(b"[" + each.body + b"]")[0]).data for each in owed_by(found)]
    return [each for each in events if isinstance(each, SurveyReminded | SurveyExpired)]


async def test_a_reminder_goes_out_once_whoever_looks(at: House, servers: AnyServers) -> None:
    ago = clock.now() - timedelta(days=4)
    with piloted(reminders_days=(3, 6), expires_days=10) as pack:
        made = [await at.opened(ComplaintFedBack(cycle=1), at=ago, **pack) for _ in range(10)]
        answered, address = made[0]
        assert (await at.fill(address, score="8")).status_code == 200
        await looked()
        assert await owed(servers, answered) == []
        for id, address in made[1:]:
            (told,) = await owed(servers, id)
            assert isinstance(told, SurveyReminded)
            assert (told.number, told.link.endswith(address)) == (1, True)
            saved = await surveys.get(id)
            assert saved is not None
            assert saved.state is not None
            assert saved.state.next_due == clock.wake_at(ago + timedelta(days=6))


async def test_it_expires_once_whoever_looks(at: House, servers: AnyServers) -> None:
    ago = clock.now() - timedelta(days=15)
    made = [await at.opened(ComplaintFedBack(cycle=1), at=ago) for _ in range(10)]
    await looked()
    for id, _ in made:
        assert await owed(servers, id) == [SurveyExpired(cycle=1)]
