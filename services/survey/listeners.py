"""What survey does when a complaint is registered or the customer has been answered."""

from datetime import datetime
from functools import partial
from uuid import UUID

from services.survey.domain import links
from services.survey.domain.questionnaire import Heard, hear
from services.survey.store import copies, surveys
from shared.bus import Inbox
from shared.copies import Published
from shared.envelope import Cause
from shared.events import (
    CalendarPublished,
    ComplaintFedBack,
    ComplaintMigrated,
    ComplaintRegistered,
    PolicyPublished,
)
from shared.settings import settings

inbox = Inbox("survey")


def link(survey: UUID, expires: datetime) -> str:
    """Where the customer answers."""
    token = links.sign(survey, expires, settings().signing_key)
    return f"{settings().survey_url.rstrip('/')}/s/{token}"


@inbox.on(ComplaintRegistered, ComplaintFedBack, ComplaintMigrated)
async def on_news(event: Heard) -> None:
    await surveys.update(event.complaint, partial(hear, complaint=event.complaint, link=link), event)


@inbox.on(PolicyPublished, CalendarPublished)
async def on_published(event: Cause[Published]) -> None:
    await copies.keep(event)
