"""triage, the judgement: what kind, how grave, whose."""

from services.triage import api, listeners, store, ticker
from shared.service import Service

service = Service(
    "triage",
    store=store.gradings,
    inbox=listeners.inbox,
    routers=api.routers,
    ticks=[ticker.sweep, store.copies.refresh],
    about=__doc__,
    tags={
        "gradings": "Why a complaint has its grade, and what people decided about it",
        "policies": "Policy packs: what there is, what a change would do, and how one comes into use",
    },
)
app = service.app

if __name__ == "__main__":
    service.run()
