"""SMS and chat messages through one HTTP gateway."""

from uuid import UUID

import httpx

from services.notify.channels.wording import Words

TIMEOUT_S = 10


async def send(url: str, messages: list[tuple[UUID, str, str, Words]]) -> dict[UUID, str | None]:
    """Post (notice id, receipt number, address, words) one by one; why each failed, or None.

    The gateway gets the notice's id as `Idempotency-Key`, so that it can tell a repeat.
    """
    ended: dict[UUID, str | None] = {}
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for notice, number, address, words in messages:
            content = {"to": address, "number": number, "text": words.body, "language": words.language}
            ended[notice] = await _post(client, url, notice, content)
    return ended


async def _post(client: httpx.AsyncClient, url: str, notice: UUID, content: dict[str, str]) -> str | None:
    try:
        answer = await client.post(url, json=content, headers={"Idempotency-Key": str(notice)})
    except httpx.HTTPError as error:
        return type(error).__name__
    return None if answer.is_success else f"the gateway answered {answer.status_code}"
