"""triage, the judgement: what kind, how grave, whose."""

from services.triage import api, listeners, store, ticker
from shared.service import Service

service = Service(
    "triage",
    store=store.gradings,
    inbox=listeners.inbox,
    routers=api.routers,
    ticks=[ticker.sweep, store.copies.refresh],
)
app = service.app

if __name__ == "__main__":
    service.run()
