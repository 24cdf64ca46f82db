"""What survey does with news of a complaint: it asks the customer, or closes what is asked in vain."""

from functools import partial

from services.survey.channels.links import link
from services.survey.domain.questionnaire import Heard, hear
from services.survey.store import copies, surveys
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintDispatched,
    ComplaintFedBack,
    ComplaintMigrated,
    ComplaintRegistered,
    ComplaintReopened,
    ContactErased,
    FactsRevised,
    HandlerNamed,
    NoticeSent,
    PolicyPublished,
)
from shared.inbox import Inbox

inbox = Inbox("survey")


@inbox.on(
    ComplaintRegistered,
    FactsRevised,
    ComplaintDispatched,
    HandlerNamed,
    ComplaintFedBack,
    ComplaintReopened,
    ComplaintMigrated,
    ContactErased,
)
async def on_news(event: Heard) -> None:
    await surveys.update(event.complaint, partial(hear, complaint=event.complaint, link=link), event)


@inbox.on(NoticeSent)
async def on_sent(event: Cause[NoticeSent]) -> None:
    if event.data.kind == "survey":
        await on_news(event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
