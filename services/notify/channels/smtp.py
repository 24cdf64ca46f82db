"""SMTP: a few connections that stay open between mails, and what the server's answers mean.

Source: RFC 5321; replies of 4yz may pass later, those of 5yz never will (4.2.1).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from time import monotonic
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from services.notify.channels.email import house
from services.notify.domain.record import Outcome
from shared.settings import settings

TIMEOUT_S = 15
"""For one answer of the server."""
ATTEMPT_S = 30
"""For a whole mail, from connecting to its acceptance."""
FRESH_S, IDLE_S = 1.0, 20.0
"""An idle connection is asked whether it lives before it is used again, and is not kept for ever."""
CLOSES = 421


class Connections:
    """The connections of this process to one server that are idle now."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[tuple[SMTP, float]] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[SMTP]:
        """A connection that works; kept for the next mail unless something goes wrong inside."""
        server = await self._kept() or await self._new()
        try:
            yield server
        except BaseException:
            server.close()
            raise
        self._idle.append((server, monotonic()))

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop()[0].close()

    async def _kept(self) -> SMTP | None:
        while self._idle:
            server, since = self._idle.pop()
            if monotonic() - since < IDLE_S and server.is_connected and await _lives(server, since):
                return server
            server.close()
        return None

    async def _new(self) -> SMTP:
        target = urlsplit(self._url)
        tls = target.scheme == "smtps"
        server = SMTP(
            hostname=target.hostname,
            port=target.port or (465 if tls else 25),
            username=unquote(target.username) if target.username else None,
            password=unquote(target.password) if target.password else None,
            use_tls=tls,
            # Else whoever stands between takes the offer of TLS away, and reads the password.
            start_tls=True if target.username and not tls else None,
            timeout=TIMEOUT_S,
            # Else it is looked up for every connection.
            local_hostname=house(),
        )
        await server.connect()
        return server


async def _lives(server: SMTP, since: float) -> bool:
    if monotonic() - since < FRESH_S:
        return True
    with suppress(aiosmtplib.SMTPException, OSError):
        await server.noop(timeout=2)
        return True
    return False


_known: dict[tuple[str, asyncio.AbstractEventLoop], Connections] = {}


def connections(url: str) -> Connections:
    """Those to this server, of the loop that runs."""
    return _known.setdefault((url, asyncio.get_running_loop()), Connections(url))


def hang_up() -> None:
    """Close every connection that is idle."""
    for each in _known.values():
        each.close()
    _known.clear()


async def send(mail: EmailMessage) -> Outcome:
    """Hand over one mail. It is delivered only once the server has said after the last line that it is."""
    url = settings().smtp_url.get_secret_value()
    try:
        async with asyncio.timeout(ATTEMPT_S), connections(url).one() as server:
            return await _handed_over(server, mail)
    except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
        return Outcome(away=True, reason=f"the mail server is away: {type(error).__name__}")


async def _handed_over(server: SMTP, mail: EmailMessage) -> Outcome:
    """What concerns the connection is raised; the rest is about this mail alone."""
    try:
        await server.send_message(mail)
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
        raise
    except aiosmtplib.SMTPRecipientsRefused as refused:
        return _refused(refused.recipients[0].code, final=True)
    except aiosmtplib.SMTPDataError as error:
        return _refused(error.code, final=True)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code, final=False)
    except (aiosmtplib.SMTPNotSupported, ValueError, AttributeError, IndexError) as error:
        return Outcome(final=True, reason=f"not to be sent: {type(error).__name__}")
    return Outcome(delivered=True)


def _refused(code: int, *, final: bool) -> Outcome:
    """A reply of 5yz is `final` where it is about recipient or content; the sender is ours to mend."""
    if code == CLOSES:
        raise aiosmtplib.SMTPServerDisconnected("closing")
    return Outcome(final=final and 500 <= code < 600, reason=f"refused with {code}")
