"""Delivery: hands notices to their channels and tells how each attempt ended."""

from uuid import UUID

from jinja2 import TemplateError

from services.notify.channels import email, gateway
from services.notify.channels.wording import Words, words
from services.notify.domain.notices import Notice, Notices
from shared.settings import settings

Telling = tuple[UUID, str, str, Words]
"""Notice id, receipt number, address, words."""


async def deliver(state: Notices, wanted: set[UUID]) -> dict[UUID, str | None]:
    """Why each of the wanted notices was not delivered, or None; a notice that no channel takes is absent."""
    tellings: dict[str, list[Telling]] = {"email": [], "message": []}
    ended: dict[UUID, str | None] = {}
    for notice in state.notices:
        if notice.id in wanted:
            try:
                tellings[notice.route].append(_telling(state, notice))
            except TemplateError as error:
                ended[notice.id] = f"wording: {type(error).__name__}"
    if tellings["email"]:
        ended |= await email.send(tellings["email"])
    if tellings["message"] and settings().gateway_url:
        ended |= await gateway.send(str(settings().gateway_url), tellings["message"])
    return ended


def _telling(state: Notices, notice: Notice) -> Telling:
    return notice.id, state.number, notice.address, words(state, notice)
