"""The ways of single complaints: solved, refused, disowned, withdrawn, merged, late, waiting, grave."""

import asyncio
from datetime import datetime, timedelta

from deploy.local.play import Case, Players
from deploy.local.scenes.callers import CUSTOMER, SAID, Desk, customer, there
from deploy.local.stage import Stage

PLAIN = {"Content-Type": "text/plain"}
SORRY = "We are sorry, and put it right."


async def ways(set_up: Stage, staff: Desk, approver: Desk) -> None:
    """All of them, at once."""
    await asyncio.gather(
        solved(set_up, staff),
        refused(staff),
        grave(staff, approver),
        without_agreement(staff),
        not_ours(staff, approver),
        together(staff),
        waiting(staff),
        late(staff),
        revised(staff),
        known_again(staff),
    )


async def solved(set_up: Stage, staff: Desk) -> None:
    """Solved, marked low, solved better."""
    body = {
        "channel": "email", "language": "en", "description": SAID, "complainant": customer(),
        "loss": {"value": "80", "currency": "CNY"}, "demand": {"type": "replace"},
        "product": {"name": "kettle", "model": "K2", "batch": "B-07"},
    }  # fmt: skip
    players = Players(set_up.system, staff.client, set_up.mailbox, set_up.gateway)
    await players.carry(Case(body=body, play={"score": 2, "second_score": 9}))


async def refused(staff: Desk) -> None:
    who = {"name": CUSTOMER["name"], "address": CUSTOMER["address"]}
    kind = {"pack": "cn-petition", "channel": "letter", "class": None}
    id = await staff.made(**kind, complainant=who)
    await staff.step(id, "screen", decision="refused", reason="This is for the court.")

    async def closed() -> bool:
        await staff.do_tasks(id)
        return bool((await staff.get(f"complaints/{id}"))["stage"] == "closed")

    await there("the refused one closed", closed)


async def grave(staff: Desk, approver: Desk) -> None:
    await approver.step(await to_be_answered(staff, approver), "answer", text=SORRY)


async def to_be_answered(staff: Desk, approver: Desk) -> str:
    """An injury: emergency plan, adverse event, a proposal that goes back; the approver is to speak."""
    id = await staff.dispatched(facts={"injured": 1})
    await staff.step(id, "emergency", team=["Li"], spokesperson="approver")
    await staff.step(id, "adverse_event", occurred=True, assessed=True)
    await staff.step(id, "assign", handler="Li", department="quality")
    await staff.step(id, "accept")
    await staff.step(id, "investigate")
    await staff.step(id, "investigate", cause="material")
    await staff.step(id, "propose", measure="replace", department="quality")
    await approver.judge(id, "reject", reason="More is needed.")
    money = {"value": "120.50", "currency": "CNY"}
    await staff.step(id, "propose", measure="replace and pay", department="quality", cost=money)
    await approver.judge(id, "approve")
    for step in ("offer", "agree", "start"):
        await staff.step(id, step)
    await staff.step(id, "implement", spent=money)
    await staff.step(id, "audit", passed=True)
    return id


async def proposed(staff: Desk) -> str:
    id = await staff.dispatched()
    await staff.step(id, "accept")
    await staff.step(id, "investigate", cause="material")
    await staff.step(id, "propose", measure="replace", department="quality")
    return id


async def without_agreement(staff: Desk) -> None:
    """One that disagrees and gets another proposal, one that agrees to nothing."""
    again, apart = await proposed(staff), await proposed(staff)
    for id in (again, apart):
        await staff.step(id, "offer")
    await staff.step(again, "negotiate", wish="A new one.")
    await staff.step(apart, "disagree", remedies="The consumer association.")
    await staff.step(apart, "answer", text="We could not agree.")


async def not_ours(staff: Desk, approver: Desk) -> str:
    id = await staff.dispatched()
    await staff.step(id, "disown", reason="Sold by somebody else.")
    await staff.step(id, "own")
    await staff.step(id, "disown", reason="Sold by somebody else after all.")
    await approver.step(id, "disown", reason="Indeed.")
    return id


async def together(staff: Desk) -> None:
    """Withdrawn and filed, merged, related, with a file."""
    back, twin, other = await staff.dispatched(), await staff.dispatched(), await staff.dispatched()
    await staff.step(back, "withdraw")
    await staff.step(back, "archive")
    await staff.step(twin, "merge", into=other)
    await staff.step(twin, "relate", to=back)
    file = staff.url(f"complaints/{other}/evidence?name=a.txt")
    await staff.client.post(file, content=b"It leaks.", headers=PLAIN)


async def waiting(staff: Desk) -> None:
    id = await staff.dispatched()
    await staff.step(id, "pause", waits_for="customer")
    await staff.step(id, "resume")


async def late(staff: Desk) -> None:
    """Breached, up the ladder, noted, then done too late."""
    now = datetime.fromisoformat((await staff.get("forecast", "sla"))["since"])
    long_ago = (now - timedelta(days=3)).isoformat()
    id = await staff.dispatched(pack="cn-field-24-48-5", received_at=long_ago)

    async def breached() -> bool:
        answer = await staff.client.get(staff.url(f"deadlines/{id}", "sla"))
        clocks = answer.json()["clocks"] if answer.is_success else []
        return any(each["name"] == "accept" and each["breached"] for each in clocks)

    await there("a breach", breached)
    await staff.post(f"deadlines/{id}/acknowledgements", {"clock": "accept"}, "sla")
    await staff.step(id, "accept")


async def revised(staff: Desk) -> None:
    """Worse than it was told at first."""
    id = await staff.dispatched()
    facts = {"facts": {"injured": 1, "fire": True}, "verified": True}
    await staff.post(f"complaints/{id}/facts", facts)


async def known_again(staff: Desk) -> None:
    """The same customer about the same matter on another channel."""
    who = customer(phone=CUSTOMER["phone"])
    for channel in ("hotline", "website"):
        about = {"pack": "cn-ecommerce-upgrade", "class": "service", "product": {"name": "Kettle"}}
        await staff.dispatched(**about, channel=channel, complainant=who)
