"""Boxes: one document for each address of the staff, beside the notices; it counts and holds digests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.domain.posting import Box
from services.notify.store.notices import notices
from shared.documents import Saved
from shared.driver import index

boxes = notices.beside(
    Box,
    lift=lambda box: {
        "digest_due": box.next_due,
        "digest_at": max((each.at for each in box.digests), default=None),
    },
    indexes=[index("digest_due"), index("digest_at", "_id")],
)


async def page(after: tuple[datetime, UUID] | None, limit: int) -> tuple[list[Saved[Box]], bool]:
    """Boxes with digests, those with the newest digest first, and whether there are more."""
    query: dict[str, Any] = {"digest_at": {"$exists": True}}
    if after is not None:
        at, id = after
        query["$or"] = [{"digest_at": {"$lt": at}}, {"digest_at": at, "_id": {"$lt": id}}]
    return await boxes.page(query, sort="-digest_at,-_id", limit=limit)
