"""What sla does when it hears of a complaint: every event leaves a mark, and clocks follow from the marks."""

from typing import get_args

from services.sla.domain.deadlines import hear
from services.sla.domain.news import Heard, News
from services.sla.store import copies, deadlines
from shared.copies import Published
from shared.envelope import Cause
from shared.events import CalendarPublished, PolicyPublished
from shared.inbox import Inbox

inbox = Inbox("sla")


@inbox.on(*get_args(News))
async def on_news(event: Heard) -> None:
    await deadlines.update(event.complaint, hear, event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
