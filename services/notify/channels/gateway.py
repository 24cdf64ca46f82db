"""SMS and chat messages through one HTTP gateway."""

from uuid import UUID

import httpx

from services.notify.channels.wording import Words
from services.notify.domain.notices import Outcome, Outcomes

TIMEOUT_S = 10


async def send(url: str, messages: list[tuple[UUID, str, str, Words]], ended: Outcomes) -> None:
    """Post (notice id, receipt number, address, words) one by one; `ended` gets how each went.

    The gateway gets the notice's id as `Idempotency-Key`, so that it can tell a repeat.
    """
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for notice, number, address, words in messages:
            content = {"to": address, "number": number, "text": words.body, "language": words.language}
            ended[notice] = await _post(client, url, notice, content)


async def _post(client: httpx.AsyncClient, url: str, notice: UUID, content: dict[str, str]) -> Outcome:
    try:
        answer = await client.post(url, json=content, headers={"Idempotency-Key": str(notice)})
    except httpx.HTTPError as error:
        return Outcome(reason=type(error).__name__)
    return Outcome(delivered=answer.is_success, reason=f"the gateway answered {answer.status_code}")
