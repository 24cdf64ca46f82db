"""sla, the clock: what is due when, and what happens if it is not."""

from services.sla import api, listeners, store, ticker
from shared.service import Service

service = Service(
    "sla",
    store=store.deadlines,
    inbox=listeners.inbox,
    routers=api.routers,
    warnings=store.warnings,
    ticks=[ticker.tick, ticker.follow_calendars, store.copies.refresh],
)
app = service.app

if __name__ == "__main__":
    service.run()
