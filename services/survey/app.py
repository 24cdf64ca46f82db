"""survey, the ear: was the customer content."""

from services.survey import listeners, store, ticker
from services.survey.api import figures, page, surveys
from shared.ages import overdue
from shared.service import Service

service = Service(
    "survey",
    store=store.surveys,
    inbox=listeners.inbox,
    routers=[page.router, figures.router, surveys.router],
    measures=[overdue(store.surveys, ticker.NAME)],
    ticks=[ticker.tick, store.copies.refresh],
    needs=["survey_key"],
    about=__doc__,
    tags={
        "surveys": "What customers say about how it went",
    },
)
app = service.app

if __name__ == "__main__":
    service.run()
