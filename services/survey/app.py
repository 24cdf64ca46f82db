"""survey, the ear: was the customer content."""

from services.survey import api, listeners, store, ticker
from shared.service import Service

service = Service(
    "survey",
    store=store.surveys,
    inbox=listeners.inbox,
    routers=[api.router],
    ticks=[ticker.tick, store.copies.refresh],
    needs=["survey_key"],
)
app = service.app

if __name__ == "__main__":
    service.run()
