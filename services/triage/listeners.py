"""What triage does when it hears of a complaint, of a clock, or of a new policy."""

from services.triage.domain.grading import Heard, hear, hear_clock
from services.triage.store import copies, gradings, judge
from shared.bus import Inbox
from shared.envelope import Cause
from shared.events import (
    ComplaintInvestigated,
    ComplaintRegistered,
    ComplaintReopened,
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
    FactsRevised,
    PolicyPublished,
    SlaFact,
    SolutionAudited,
    StatementRecorded,
)

inbox = Inbox("triage")


@inbox.on(
    ComplaintRegistered,
    StatementRecorded,
    FactsRevised,
    ComplaintInvestigated,
    SolutionAudited,
    ComplaintReopened,
)
async def on_news(event: Heard) -> None:
    await judge(event.complaint, hear, event)


@inbox.on(DeadlineSet, DeadlineMet, DeadlineMissed, DeadlineCancelled)
async def on_clock(event: Cause[SlaFact]) -> None:
    await gradings.update(event.complaint, hear_clock, event)


@inbox.on(PolicyPublished)
async def on_published(event: Cause[PolicyPublished]) -> None:
    await copies.keep(event)
