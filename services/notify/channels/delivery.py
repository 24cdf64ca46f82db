"""Delivery: puts a notice or a digest into words, hands it to its channel and tells how the attempt ended."""

import asyncio
from collections.abc import Callable
from typing import get_args

from services.notify.channels import email, gateway, smtp
from services.notify.channels.digests import digest_words
from services.notify.channels.gateway import Message
from services.notify.channels.wording import Words, words
from services.notify.domain.posting import Box, Digest
from services.notify.domain.record import Notice, Notices, Outcome, Route
from shared.events import Channel
from shared.settings import settings
from shared.telemetry import where

ATTEMPT_S = 35
"""No attempt takes longer, whatever a channel does."""
MAIL = "email"


def endpoint(route: Route | None, name: str) -> str | None:
    """Who takes what goes by this route: the mail server, or a gateway of the house; None if nobody does.

    `name` is the channel that a customer came by, or what a pack calls the gateway of a department's chat.
    """
    if route == "email":
        return MAIL
    known = settings().gateways
    return name if name in known else "default" if route == "message" and "default" in known else None


def endpoint_of(state: Notices, notice: Notice) -> str | None:
    """Who takes this notice."""
    return endpoint(notice.route, state.channel(notice))


def channels() -> set[str]:
    """Every channel that somebody may take."""
    return {*settings().gateways, *get_args(Channel)}


async def deliver(state: Notices, notice: Notice) -> Outcome:
    """How an attempt at a notice ended."""
    message = Message(notice.id, state.number, notice.route, state.channel(notice), notice.address)
    return await _attempt(message, lambda: words(state, notice))


async def deliver_digest(box: Box, digest: Digest) -> Outcome:
    """How an attempt at a digest ended."""
    message = Message(digest.id, str(digest.id), box.route, box.address, box.address)
    return await _attempt(message, lambda: digest_words(digest))


async def _attempt(message: Message, said: Callable[[], Words]) -> Outcome:
    """An attempt that ends, and raises nothing: a fault in one notice is of that notice alone."""
    try:
        worded = said()
    except Exception as error:
        return Outcome(reason=f"wording: {where(error)}")
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await _send(message, worded)
    except Exception as error:
        return Outcome(reason=f"the channel failed: {where(error)}")


async def _send(message: Message, worded: Words) -> Outcome:
    taker = endpoint(message.route, message.channel)
    if taker is None:
        unknown = Outcome(final=True, reason="no gateway of the house has this name")
        nobody = Outcome(nobody=True, reason="no gateway takes this channel")
        return nobody if message.route == "message" else unknown
    if taker == MAIL:
        return await _mail(message, worded)
    return await gateway.send(settings().gateways[taker], message, worded)


async def _mail(message: Message, worded: Words) -> Outcome:
    try:
        mail = email.mail_of(message.id, message.number, message.address, worded)
    except (ValueError, AttributeError, IndexError) as error:
        return Outcome(final=True, reason=f"not to be sent: {type(error).__name__}")
    return await smtp.send(mail)
