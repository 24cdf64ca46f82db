"""What notify does when something happened: it makes notices of it, and hands it over to webhooks."""

from functools import partial

from services.notify.domain.notices import Heard, hear
from services.notify.store.deliveries import hand_over
from services.notify.store.notices import copies, notices
from shared import clock
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CATALOGUE,
    AdverseEventRecorded,
    CalendarPublished,
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintMigrated,
    ComplaintRegistered,
    ContactErased,
    ContactRecorded,
    DeadlineBreached,
    DeadlineEscalated,
    DeadlineSet,
    DeadlineWarned,
    EmergencyDeclared,
    Fact,
    InformationRequested,
    OfferRecorded,
    PolicyPublished,
    ReplyRecorded,
    SolutionProposed,
    SurveyAnswered,
    SurveyInvited,
    SurveyReminded,
)
from shared.inbox import Inbox

inbox = Inbox("notify")


@inbox.on(
    ComplaintRegistered,
    ContactRecorded,
    ContactErased,
    ComplaintGraded,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintInvestigated,
    SolutionProposed,
    InformationRequested,
    OfferRecorded,
    ComplaintAnswered,
    ReplyRecorded,
    SurveyInvited,
    SurveyReminded,
    SurveyAnswered,
    DeadlineSet,
    DeadlineWarned,
    DeadlineBreached,
    DeadlineEscalated,
    ComplaintEscalated,
    EmergencyDeclared,
    AdverseEventRecorded,
)
async def on_news(event: Heard) -> None:
    await notices.update(event.complaint, partial(hear, now=clock.machine_now()), event)
    await hand_over(event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
    await hand_over(event)


@inbox.on(*(kind for type, kind in CATALOGUE.items() if not kind.private and type not in inbox.types))
async def on_event(event: Cause[Fact]) -> None:
    await hand_over(event)
