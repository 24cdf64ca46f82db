"""What intake does when the other services report: it notes everything, and the complaint advances."""

from services.intake.domain.handling import hear
from services.intake.store import complaints, copies
from shared.bus import Inbox
from shared.envelope import Cause
from shared.events import (
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintGraded,
    ComplaintLinked,
    ComplaintMigrated,
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
    DeadlineWarned,
    Fact,
    NoticeFailed,
    NoticeSent,
    PolicyPublished,
    QuotaExceeded,
    SurveyAnswered,
    SurveyExpired,
    SurveyOpened,
)

inbox = Inbox("intake")


@inbox.on(
    ComplaintGraded,
    ComplaintDispatched,
    ComplaintEscalated,
    ComplaintLinked,
    ComplaintMigrated,
    QuotaExceeded,
    DeadlineSet,
    DeadlineWarned,
    DeadlineBreached,
    DeadlineMet,
    DeadlineMissed,
    DeadlineCancelled,
    NoticeSent,
    NoticeFailed,
    SurveyOpened,
    SurveyAnswered,
    SurveyExpired,
)
async def on_report(event: Cause[Fact]) -> None:
    await complaints.update(event.complaint, hear, event)


@inbox.on(PolicyPublished)
async def on_published(event: Cause[PolicyPublished]) -> None:
    await copies.keep(event)
