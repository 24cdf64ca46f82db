"""What intake does when the other services report: it notes everything, and the complaint advances."""

from services.intake.domain.hearing import hear
from services.intake.store.complaints import complaints, copies
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintLinked,
    ComplaintMigrated,
    DeadlineAcknowledged,
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineEscalated,
    DeadlineMet,
    DeadlineMissed,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineSet,
    DeadlineWarned,
    Fact,
    NoticeFailed,
    NoticeSent,
    NoticeSuppressed,
    PolicyPublished,
    QuotaExceeded,
    SurveyAnswered,
    SurveyDeclined,
    SurveyExpired,
    SurveyOpened,
    SurveySkipped,
)
from shared.inbox import Inbox

inbox = Inbox("intake")


@inbox.on(
    ComplaintGraded,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintLinked,
    ComplaintMigrated,
    QuotaExceeded,
    DeadlineSet,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineWarned,
    DeadlineBreached,
    DeadlineEscalated,
    DeadlineAcknowledged,
    DeadlineMet,
    DeadlineMissed,
    DeadlineCancelled,
    NoticeSent,
    NoticeFailed,
    NoticeSuppressed,
    SurveyOpened,
    SurveyAnswered,
    SurveyDeclined,
    SurveyExpired,
    SurveySkipped,
)
async def on_report(event: Cause[Fact]) -> None:
    await complaints.update(event.complaint, hear, event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
