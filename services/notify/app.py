"""notify, the voice: who is told what, in which words, on which channel."""

from services.notify import api, listeners, store, ticker
from shared.service import Service

service = Service(
    "notify",
    store=store.notices,
    inbox=listeners.inbox,
    routers=[api.router],
    ticks=[ticker.tick, store.copies.refresh],
)
app = service.app

if __name__ == "__main__":
    service.run()
