"""intake, the record: what the customer told us, where it stands, how it ended."""

from services.intake import api, listeners, store
from shared.service import Service

service = Service(
    "intake",
    store=store.complaints,
    inbox=listeners.inbox,
    routers=[api.router],
    ticks=[store.copies.refresh],
    needs=["fingerprint_key"],
)
app = service.app

if __name__ == "__main__":
    service.run()
