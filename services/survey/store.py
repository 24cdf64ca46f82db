"""The surveys: one document for each complaint, found by a survey's id or by the next expiry."""

from uuid import UUID

from services.survey.domain.questionnaire import Surveys
from shared.copies import Copies
from shared.mongo import Store, index

surveys = Store(
    "survey",
    "surveys",
    Surveys,
    lift=lambda state: {
        "next_due": state.next_due,
        "survey_ids": [each.id for each in state.surveys] or None,
    },
    indexes=[index("next_due"), index("survey_ids")],
)
copies = Copies(surveys)


async def with_survey(survey: UUID) -> tuple[UUID, Surveys] | None:
    """The complaint that this survey is about, and all its surveys."""
    found = await surveys.find({"survey_ids": survey}, limit=1)
    return (found[0].id, found[0].state) if found and found[0].state is not None else None
