"""What survey does when a complaint is registered or the customer has been answered."""

from datetime import datetime
from functools import partial
from uuid import UUID

from services.survey.domain import links
from services.survey.domain.questionnaire import hear
from services.survey.store import surveys
from shared.bus import Inbox
from shared.envelope import Cause
from shared.events import ComplaintFedBack, ComplaintRegistered
from shared.settings import settings

inbox = Inbox("survey")


def link(survey: UUID, expires: datetime) -> str:
    """Where the customer answers."""
    token = links.sign(survey, expires, settings().signing_key)
    return f"{settings().survey_url.rstrip('/')}/s/{token}"


@inbox.on(ComplaintRegistered, ComplaintFedBack)
async def on_news(event: Cause[ComplaintRegistered | ComplaintFedBack]) -> None:
    await surveys.update(event.complaint, partial(hear, complaint=event.complaint, link=link), event)
