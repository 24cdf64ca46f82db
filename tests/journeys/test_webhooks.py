"""A partner's complaint goes through the whole house, and its webhook hears of that one alone."""

import json
from typing import Any
from uuid import uuid4

from deploy.local.stage import Stage
from tests.kit.webhooks import genuine, receiver

BODY: dict[str, Any] = {
    "channel": "email",
    "language": "en",
    "complainant": {"name": "Zelda Quillfeather", "email": "zelda@quillfeather.example"},
    "description": "The kettle sings out of tune.",
}
WANTED = {"complaint.registered.v1", "complaint.graded.v1", "complaint.dispatched.v1"}
INSIDE = {"complaint.investigated.v1", "deadline.set.v1", "notice.queued.v1"}


async def handed_in(played: Stage, key: str) -> str:
    """A complaint's id."""
    async with played.system.client(key) as client:
        headers = {"Idempotency-Key": uuid4().hex}
        url = f"{played.system.url('intake')}/v1/complaints"
        answer = await client.post(url, json=BODY, headers=headers)
        id: str = answer.raise_for_status().json()["id"]
        return id


async def test_a_partner_hears_of_its_own_complaint_from_registration_on(played: Stage) -> None:
    system, url = played.system, f"{played.system.url('notify')}/v1/webhooks"
    async with receiver() as there, system.client(system.partner_key) as partner:
        for inside in INSIDE:
            answer = await partner.post(url, json={"url": there.url, "types": [inside]})
            assert answer.status_code == 422
        made = await partner.post(url, json={"url": there.url, "types": sorted(WANTED)})
        endpoint = made.raise_for_status().json()
        others = await handed_in(played, system.key)
        own = await handed_in(played, system.partner_key)
        for count in range(1, 200):
            await there.until(count, seconds=60)
            told = [genuine(each, endpoint["secret"]) for each in there.received]
            if {each["type"] for each in told} == WANTED:
                break
        assert {each["correlationid"] for each in told} == {own}
        assert others not in json.dumps(told)
        assert "uillfeather" not in json.dumps(told)
        assert "out of tune" not in json.dumps(told)
        (await partner.delete(f"{url}/{endpoint['id']}")).raise_for_status()
