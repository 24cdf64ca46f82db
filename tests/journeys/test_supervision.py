"""Supervision on the running system: what it makes known reaches the bus, and reaches it once."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

from deploy.local.stage import Stage
from shared.envelope import Cause
from shared.events import Fact, RectificationBreached, RectificationOrdered, SpotCheckDrawn
from tests.kit.desk import desks
from tests.kit.toy import events_in, history


async def said_of(played: Stage, id: str, count: int) -> list[Cause[Fact]]:
    """The events about a check or an order, once there are so many."""
    async with asyncio.timeout(180):
        while True:
            found = events_in(await history(played.servers))
            about = [each for each in found if str(each.complaint) == id]
            if len(about) >= count:
                return about


async def test_checks_and_orders_are_made_known(played: Stage) -> None:
    async with desks(played) as (staff, _, _):
        word = f"w{uuid4().hex[:12]}"
        id = await staff.made(product={"name": word})
        seen = (await staff.get(f"complaints/{id}")).json()["complaint"]
        due = datetime.fromisoformat(seen["registered_at"]) + timedelta(hours=20)  # as many seconds here
        order = {"department": "quality", "what": "Mend the Quillfeather lids.", "due": due.isoformat()}
        given = await staff.post("orders", order | {"because": {"kind": "complaint", "id": id}})
        assert given.status_code == 201, given.text
        drawn = await staff.post(
            "spot-checks", {"filters": {"product": word}, "size": 1, "reason": "monthly"}
        )
        assert drawn.status_code == 201, drawn.text
        [event] = await said_of(played, drawn.json()["id"], 1)
        assert event.data == SpotCheckDrawn(population=1, drawn=1)
        first, late = await said_of(played, given.json()["id"], 2)
        assert isinstance(first.data, RectificationOrdered)
        assert (str(first.data.about), first.data.because) == (id, "complaint")
        assert isinstance(late.data, RectificationBreached)
        assert late.time > late.data.due
        assert (first.sequence, late.sequence) == (1, 2)
        bodies = b"".join(message.body for message in await history(played.servers))
        assert b"Mend" not in bodies
        assert b"monthly" not in bodies
