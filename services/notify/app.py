"""notify, the voice: who is told what, in which words, on which channel."""

import asyncio

from services.notify import listeners
from services.notify.api import digests, notices, tasks, webhook_deliveries, webhooks, wording
from services.notify.store import measures
from services.notify.store import notices as store
from services.notify.ticker import digests as digests_due
from services.notify.ticker import notices as due
from services.notify.ticker import webhooks as webhooks_due
from shared.service import Service


async def rest() -> None:
    """Wait until what the ticks have begun has ended."""
    await asyncio.gather(due.rest(), webhooks_due.rest())


DOORS = (tasks, digests, wording, notices, webhooks, webhook_deliveries)
service = Service(
    "notify",
    store=store.notices,
    inbox=listeners.inbox,
    routers=[each.router for each in DOORS],
    ticks=[*due.ticks, digests_due.tick, webhooks_due.tick, store.copies.refresh],
    rest=rest,
    measures=measures.all_of_them,
    about=__doc__,
    tags={
        "notices": "What customers and staff were told, by which route, and how that went",
        "tasks": "Calls to make and letters to post, for the desk",
        "webhooks": "Events for other systems: their endpoints, what was delivered, and sending it again",
    },
)
app = service.app

if __name__ == "__main__":
    service.run()
