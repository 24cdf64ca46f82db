"""What notify does when something happened: it makes notices of it."""

from functools import partial

from services.notify.domain.notices import Heard, hear
from services.notify.store import notices
from shared import clock
from shared.bus import Inbox
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintRegistered,
    ContactRecorded,
    DeadlineBreached,
    DeadlineWarned,
    ReplyRecorded,
    SurveyInvited,
)

inbox = Inbox("notify")


@inbox.on(
    ComplaintRegistered,
    ContactRecorded,
    ComplaintDispatched,
    ComplaintAnswered,
    ReplyRecorded,
    SurveyInvited,
    DeadlineWarned,
    DeadlineBreached,
)
async def on_news(event: Heard) -> None:
    await notices.update(event.complaint, partial(hear, now=clock.machine_now()), event)
