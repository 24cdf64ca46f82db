"""Supervision: spot checks, orders to put in order, and a batch that goes bad over weeks."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from deploy.local.scenes.callers import SAID, Desk, there

USUAL = {f"B-{number}": 8 for number in range(5)}
BAD = "B-17"
SOON, LATER = timedelta(hours=20), timedelta(days=20)
"""Business time until an order is due: one to be missed, the others not."""


async def supervision(staff: Desk, approver: Desk) -> None:
    id = await staff.dispatched(product={"name": "ladle"})
    await asyncio.gather(spot_check(staff, approver), orders(staff, approver, id))


async def spot_check(staff: Desk, approver: Desk) -> None:
    filters = {"filters": {"product": "ladle"}, "size": 1, "reason": "monthly"}
    drawn = await staff.post("spot-checks", filters)
    answers = {"process_followed": "yes", "result_as_agreed": "no", "satisfaction_reached": "not_applicable"}
    found = [{"complaint": each["complaint"]} | answers for each in drawn["complaints"]]
    await approver.post(f"spot-checks/{drawn['id']}/findings", {"findings": found})


async def orders(staff: Desk, approver: Desk, complaint: str) -> None:
    """One missed, one carried out, one taken back."""
    now = datetime.fromisoformat((await staff.get("forecast", "sla"))["since"])

    async def given(due: timedelta) -> str:
        because = {"kind": "complaint", "id": complaint}
        body = {"department": "quality", "what": "Mend the lids.", "because": because, "criticised": True}
        return str((await staff.post("orders", body | {"due": (now + due).isoformat()}))["id"])

    await given(SOON)
    done, back = await given(LATER), await given(LATER)
    await staff.post(f"orders/{done}/steps", {"step": "report", "words": "Lids are thicker."})
    await approver.post(f"orders/{done}/steps", {"step": "verify", "words": "Seen."})
    await approver.post(f"orders/{back}/steps", {"step": "withdraw", "words": "A mistake."})


async def usual_batches(staff: Desk, share: int = 1) -> None:
    """So many complaints as usual of each batch, or every `share`th of them."""
    await handed_in(staff, {batch: count // share for batch, count in USUAL.items()})


async def bad_batch(staff: Desk) -> None:
    await handed_in(staff, {BAD: 20})


async def handed_in(staff: Desk, batches: dict[str, int]) -> None:
    bodies = [
        {"product": {"name": "pan", "batch": batch}, "description": f"{SAID} Pan {batch}/{number}."}
        for batch, count in batches.items()
        for number in range(count)
    ]
    await asyncio.gather(*(staff.dispatched(**body) for body in bodies))


async def countered(staff: Desk) -> None:
    """The trend is signalled, a measure taken, and in the end it is closed."""
    found: list[dict[str, Any]] = []

    async def signalled() -> bool:
        found[:] = (await staff.get("trends", state="open"))["trends"]
        return bool(found)

    await there("a trend", signalled)
    since = datetime.fromisoformat(found[0]["window"]["to"])
    measure = {
        "what": "The lid is cast thicker.", "department": "quality", "owner": "Li",
        "due": (since + timedelta(days=14)).isoformat(),
        "effective_from": (since + timedelta(days=3)).isoformat(),
    }  # fmt: skip
    for each in found:
        await staff.post(f"trends/{each['id']}/measures", measure)
        await staff.post(f"trends/{each['id']}/close", {"conclusion": "Thicker now."})
