"""sla, the clock: what is due when, and what happens if it is not."""

from services.sla import api, listeners, store, ticker
from shared.ages import overdue
from shared.service import Service

service = Service(
    "sla",
    store=store.deadlines,
    inbox=listeners.inbox,
    routers=api.routers,
    warnings=store.warnings,
    measures=[overdue(store.deadlines, ticker.NAME), store.measure_calendars],
    ticks=[ticker.tick, ticker.follow_calendars, store.copies.refresh],
    about=__doc__,
    tags={
        "deadlines": "What is due when and why, and how much was in time",
        "calendars": "The working days by which deadlines are counted",
    },
)
app = service.app

if __name__ == "__main__":
    service.run()
