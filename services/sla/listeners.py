"""What sla does when it hears of a complaint: every event leaves a mark, and clocks follow from the marks."""

from services.sla.domain.deadlines import Heard, hear
from services.sla.store import copies, deadlines
from shared.bus import Inbox
from shared.envelope import Cause
from shared.events import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintGraded,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    NoticeSent,
    PolicyPublished,
    SolutionProposed,
)

inbox = Inbox("sla")


@inbox.on(
    ComplaintRegistered,
    ComplaintGraded,
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintAccepted,
    SolutionProposed,
    ComplaintFedBack,
    ComplaintClosed,
    ComplaintReopened,
    NoticeSent,
)
async def on_mark(event: Heard) -> None:
    await deadlines.update(event.complaint, hear, event)


@inbox.on(PolicyPublished)
async def on_published(event: Cause[PolicyPublished]) -> None:
    await copies.keep(event)
