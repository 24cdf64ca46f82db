"""E-mail over SMTP.

Source: RFC 5322; Auto-Submitted after RFC 3834.
"""

from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit
from uuid import UUID

import aiosmtplib

from services.notify.channels.wording import Words
from services.notify.domain.notices import Outcome, Outcomes
from shared import clock
from shared.settings import settings

TIMEOUT_S = 15


async def send(mails: list[tuple[UUID, str, str, Words]], ended: Outcomes) -> None:
    """Send (notice id, receipt number, address, words) over one connection; `ended` gets how each went."""
    target = urlsplit(settings().smtp_url)
    try:
        async with aiosmtplib.SMTP(
            hostname=target.hostname,
            port=target.port or 25,
            username=target.username,
            password=target.password,
            use_tls=target.scheme == "smtps",
            timeout=TIMEOUT_S,
            local_hostname=settings().mail_from.rpartition("@")[
                2
            ],  # else it is looked up for every connection
        ) as server:
            for notice, number, address, words in mails:
                ended[notice] = await _send_one(server, notice, number, address, words)
    except (aiosmtplib.SMTPException, OSError) as error:
        lost = Outcome(reason=type(error).__name__)
        ended |= {notice: lost for notice, *_ in mails if notice not in ended}


async def _send_one(
    server: aiosmtplib.SMTP, notice: UUID, number: str, address: str, words: Words
) -> Outcome:
    """One mail; what server or address do not allow fails it alone, a lost connection all of them."""
    try:
        await server.send_message(_mail(notice, number, address, words))
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
        raise
    except aiosmtplib.SMTPResponseException as error:
        return Outcome(reason=f"refused with {error.code}")
    except (aiosmtplib.SMTPException, ValueError, AttributeError, IndexError) as error:
        return Outcome(reason=f"not to be sent: {type(error).__name__}")
    return Outcome(delivered=True)


def _mail(notice: UUID, number: str, address: str, words: Words) -> EmailMessage:
    """A mail whose Message-ID tells a repeat, and whose thread is the complaint's receipt number."""
    domain = settings().mail_from.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = settings().mail_from
    mail["To"] = address
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{notice}@{domain}>"
    mail["References"] = f"<{number}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = words.language
    mail.set_content(words.body)
    return mail
