"""What intake's doors answered, and what its documents owe then."""

import json
from typing import Any
from uuid import UUID

import httpx

from tests.kit.servers import AnyServers
from tests.kit.toy import admin_of


def made(answer: httpx.Response) -> Any:
    """What a request that went well came to."""
    assert answer.is_success, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int, *words: str) -> None:
    """A request was refused like this, in these words among others."""
    assert answer.status_code == status, answer.text
    assert all(word in answer.text for word in words), answer.text


async def owed(servers: AnyServers, id: str) -> list[dict[str, Any]]:
    """The events that a document owes."""
    async with admin_of(servers) as client:
        found = await client["intake"]["complaints"].find_one({"_id": UUID(id)})
    assert found is not None
    return [json.loads(each["body"]) for each in found["outbox"]]
