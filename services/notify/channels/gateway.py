"""SMS and chat messages through HTTP gateways, each in the form that it wants.

Sources: the custom robots of WeCom (developer.work.weixin.qq.com, document 91770), of DingTalk
(open.dingtalk.com, custom robot access) and of Feishu (open.feishu.cn, custom bot guide).
"""

import asyncio
import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from pydantic_core import from_json

from services.notify.channels.wording import Words
from services.notify.domain.record import Outcome, Route
from shared import clock
from shared.calling import RESET
from shared.settings import Gateway

TIMEOUT_S = 10
MOST_ANSWER = 65_536
"""Bytes of an answer that are read."""
REFUSED = frozenset({400, 410, 413, 422})
"""Statuses by which a gateway says that it will never take this message."""
BUSY = frozenset({429, 503})
SHUT = frozenset({401, 403})
"""What is said to everybody: our credentials are wrong, or we are not let in."""
PAUSE_S, MOST_PAUSE_S = 60, 3_600
"""How long a gateway is left alone that has had too much, unless it says itself, and at most."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be said to an address, about the complaint with this receipt number.

    `channel` is the one that the customer came by, or the name of the gateway that is to take it.
    """

    id: UUID
    number: str
    route: Route | None
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a gateway."""

    content: Mapping[str, Any]
    params: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of gateway is asked, and by which member of its answer it refuses.

    `busy` are the codes by which it says that it has had too much for now.
    """

    asked: Callable[[Message, Words, str | None, datetime], Asked]
    code: str | None = None
    busy: frozenset[int] = frozenset()


def _plain(message: Message, words: Words, secret: str | None, now: datetime) -> Asked:
    """The notice's id is the `Idempotency-Key`, so that the gateway can tell a repeat."""
    said = {"text": words.body, "language": words.language}
    content = {"to": message.address, "number": message.number, "channel": message.channel, **said}
    bearer = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Asked(content, {}, {"Idempotency-Key": str(message.id), **bearer})


def _wecom(message: Message, words: Words, secret: str | None, now: datetime) -> Asked:
    return Asked({"msgtype": "text", "text": {"content": fitting(_whole(words), 2_048)}}, {}, {})


def _dingtalk(message: Message, words: Words, secret: str | None, now: datetime) -> Asked:
    content = {"msgtype": "text", "text": {"content": fitting(_whole(words), 18_000)}}
    if secret is None:
        return Asked(content, {}, {})
    stamp = str(int(now.timestamp() * 1000))
    return Asked(content, {"timestamp": stamp, "sign": _signed(secret, f"{stamp}\n{secret}")}, {})


def _feishu(message: Message, words: Words, secret: str | None, now: datetime) -> Asked:
    content = {"msg_type": "text", "content": {"text": fitting(_whole(words), 18_000)}}
    if secret is None:
        return Asked(content, {}, {})
    stamp = str(int(now.timestamp()))
    return Asked({"timestamp": stamp, "sign": _signed(f"{stamp}\n{secret}", "")} | content, {}, {})


def _signed(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha256")).decode()


def _whole(words: Words) -> str:
    return f"{words.subject}\n{words.body}".strip()


FORMS: Mapping[str, Form] = {
    "plain": Form(_plain),
    "wecom": Form(_wecom, "errcode", frozenset({45009})),
    "dingtalk": Form(_dingtalk, "errcode", frozenset({130101})),
    "feishu": Form(_feishu, "code", frozenset({11232})),
}


def fitting(text: str, most: int) -> str:
    """The text in at most so many bytes, cut between two characters and then with an ellipsis."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len("…".encode())].decode(errors="ignore") + "…"


_clients: dict[tuple[str, asyncio.AbstractEventLoop], httpx.AsyncClient] = {}


def _client(url: str) -> httpx.AsyncClient:
    """The connections to this gateway, of the loop that runs; to make one reads every certificate anew."""
    key = url, asyncio.get_running_loop()
    if key not in _clients:
        _clients[key] = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)
    return _clients[key]


async def hang_up() -> None:
    """Close every connection of the loop that runs."""
    mine = [key for key in _clients if key[1] is asyncio.get_running_loop()]
    for key in mine:
        await _clients.pop(key).aclose()


async def send(gateway: Gateway, message: Message, words: Words) -> Outcome:
    """Post one message. What is told of a failure names neither the address nor the gateway's secrets."""
    form, now = FORMS[gateway.form], clock.machine_now()
    secret = gateway.secret.get_secret_value() if gateway.secret else None
    asked = form.asked(message, words, secret, now)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await _posted(gateway.url.get_secret_value(), asked, form)
    except (TimeoutError, httpx.TransportError) as error:
        return Outcome(away=True, reason=f"the gateway is away: {type(error).__name__}")
    except RESET:
        return Outcome(away=True, reason="the gateway is away: ConnectError")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Outcome(reason=f"the gateway was not understood: {type(error).__name__}")


async def _posted(url: str, asked: Asked, form: Form) -> Outcome:
    params = {**httpx.URL(url).params, **asked.params}
    client = _client(url)
    async with client.stream("POST", url, params=params, json=asked.content, headers=asked.headers) as answer:
        if not answer.is_success:
            return _refused(answer)
        if form.code is None:
            return Outcome(delivered=True)
        body = b""
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MOST_ANSWER:
                return Outcome(reason="the gateway answered more than is read")
    return _told(from_json(body), form)


def _refused(answer: httpx.Response) -> Outcome:
    reason = f"the gateway answered {answer.status_code}"
    if answer.status_code not in BUSY:
        away = answer.is_server_error or answer.status_code in SHUT
        return Outcome(away=away, final=answer.status_code in REFUSED, reason=reason)
    told = answer.headers.get("Retry-After", "")
    return _busy(reason, int(told) if told.isascii() and told.isdigit() else PAUSE_S)


def _told(said: Any, form: Form) -> Outcome:
    """What an answer with status 200 means."""
    code = said.get(form.code) if isinstance(said, dict) else None
    if code == 0:
        return Outcome(delivered=True)
    if not isinstance(code, int):
        return Outcome(reason=f"the gateway's answer has no {form.code}")
    reason = f"the gateway answered {form.code} {code}"
    return _busy(reason, PAUSE_S) if code in form.busy else Outcome(reason=reason)


def _busy(reason: str, seconds: int) -> Outcome:
    again = clock.machine_now() + timedelta(seconds=min(max(seconds, 1), MOST_PAUSE_S))
    return Outcome(away=True, untried=True, again_at=again, reason=reason)
