"""Delivery: hands notices to their channels and tells how each attempt ended."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from jinja2 import TemplateError

from services.notify.channels import email, gateway
from services.notify.channels.wording import Words, words
from services.notify.domain.notices import Notice, Notices, Outcome, Outcomes
from shared.settings import settings

ATTEMPT_S = 45
Telling = tuple[UUID, str, str, Words]
"""Notice id, receipt number, address, words."""


async def deliver(some: Sequence[tuple[Notices, Notice]]) -> Outcomes:
    """How the attempt at each notice ended; those that the time did not suffice for are absent."""
    ended: Outcomes = {}
    routes = {route: [each for each in some if each[1].route == route] for route in ("email", "message")}
    sending = (_send(route, _worded(wanted, ended), ended) for route, wanted in routes.items())
    with suppress(TimeoutError):
        async with asyncio.timeout(ATTEMPT_S):
            await asyncio.gather(*sending)
    return ended


def _worded(some: Sequence[tuple[Notices, Notice]], ended: Outcomes) -> list[Telling]:
    tellings = []
    for state, notice in some:
        try:
            tellings.append((notice.id, state.number, notice.address, words(state, notice)))
        except TemplateError as error:
            ended[notice.id] = Outcome(reason=f"wording: {type(error).__name__}")
    return tellings


async def _send(route: str, tellings: list[Telling], ended: Outcomes) -> None:
    if not tellings:
        return
    if route == "email":
        await email.send(tellings, ended)
    elif url := settings().gateway_url:
        await gateway.send(url, tellings, ended)
    else:
        ended |= {id: Outcome(nobody=True) for id, *_ in tellings}
