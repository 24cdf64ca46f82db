"""What sla does when it hears of a complaint: every event leaves a mark, and clocks follow from the marks."""

from services.sla.domain.deadlines import hear
from services.sla.domain.news import Heard
from services.sla.store import copies, deadlines
from shared.bus import Inbox
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintAccepted,
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintInvestigated,
    ComplaintMigrated,
    ComplaintPaused,
    ComplaintRegistered,
    ComplaintReopened,
    ComplaintResumed,
    FactsRevised,
    NoticeSent,
    PolicyPublished,
    SolutionAgreed,
    SolutionAudited,
    SolutionImplemented,
    SolutionOffered,
    SolutionProposed,
)

inbox = Inbox("sla")


@inbox.on(
    ComplaintRegistered,
    FactsRevised,
    ComplaintGraded,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintAccepted,
    ComplaintInvestigated,
    SolutionProposed,
    SolutionOffered,
    SolutionAgreed,
    SolutionImplemented,
    SolutionAudited,
    ComplaintAnswered,
    ComplaintFedBack,
    ComplaintPaused,
    ComplaintResumed,
    ComplaintClosed,
    ComplaintReopened,
    NoticeSent,
)
async def on_news(event: Heard) -> None:
    await deadlines.update(event.complaint, hear, event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
