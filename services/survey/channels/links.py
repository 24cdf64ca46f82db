"""Links: where customers answer, and which survey a link opens, by the house's own address and key."""

from datetime import datetime
from uuid import UUID

from services.survey.domain import links
from shared.settings import settings


def link(survey: UUID, expires: datetime) -> str:
    """Where the customer answers."""
    token = links.sign(survey, expires, settings().signing_key)
    return f"{settings().survey_url.rstrip('/')}/s/{token}"


def opens(token: str) -> UUID | None:
    """The survey that a token was signed for; None for any other text."""
    return links.opens(token, settings().signing_key)
