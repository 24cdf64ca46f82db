"""The notices: one document for each complaint, found by the instant of the next attempt."""

from services.notify.domain.notices import Notices
from shared.copies import Copies
from shared.mongo import Store, index

notices = Store(
    "notify",
    "notices",
    Notices,
    lift=lambda state: {
        "next_due": state.next_due,
        "open_task": True if any(each.state == "task" for each in state.notices) else None,
    },
    indexes=[index("next_due"), index("open_task")],
)
copies = Copies(notices)


async def open_tasks(limit: int) -> list[tuple[str, Notices]]:
    """Complaints for which a person must call or post a letter, with their ids."""
    found = await notices.find({"open_task": True}, limit=limit)
    return [(str(each.id), each.state) for each in found if each.state is not None]
