"""What notify does when something happened: it makes notices of it."""

from functools import partial

from services.notify.domain.notices import Heard, hear
from services.notify.store import copies, notices
from shared import clock
from shared.bus import Inbox
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintRegistered,
    ContactRecorded,
    DeadlineBreached,
    DeadlineWarned,
    PolicyPublished,
    ReplyRecorded,
    SurveyInvited,
)

inbox = Inbox("notify")


@inbox.on(
    ComplaintRegistered,
    ContactRecorded,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintAnswered,
    ReplyRecorded,
    SurveyInvited,
    DeadlineWarned,
    DeadlineBreached,
)
async def on_news(event: Heard) -> None:
    await notices.update(event.complaint, partial(hear, now=clock.machine_now()), event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
