"""What triage does when it hears of a complaint, or of a new policy."""

from services.triage.domain.grading import Heard, hear
from services.triage.domain.progress import Reached, reach
from services.triage.store import copies, gradings, judge
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintFedBack,
    ComplaintInvestigated,
    ComplaintRegistered,
    ComplaintReopened,
    ComplaintScreened,
    ContactErased,
    FactsRevised,
    PolicyPublished,
    SolutionAudited,
    SolutionProposed,
    StatementRecorded,
    SurveyAnswered,
)
from shared.inbox import Inbox

inbox = Inbox("triage")


@inbox.on(
    ComplaintRegistered,
    StatementRecorded,
    FactsRevised,
    ComplaintScreened,
    ComplaintInvestigated,
    SolutionAudited,
    ComplaintReopened,
    SurveyAnswered,
    ContactErased,
)
async def on_news(event: Heard) -> None:
    await judge(event.complaint, hear, event)


@inbox.on(ComplaintAccepted, SolutionProposed, ComplaintFedBack, ComplaintClosed)
async def on_progress(event: Reached) -> None:
    await gradings.update(event.complaint, reach, event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
