"""E-mail: a notice as a message that every mail program shows well, and files with its complaint.

Source: RFC 5322 and RFC 2046 (the same in two forms, the plainest first), List-Id after RFC 2919,
Auto-Submitted after RFC 3834, internationalised addresses after RFC 6531 and RFC 5890.
"""

from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from services.notify.channels.wording import Words, page
from shared import clock
from shared.settings import settings

ALIKE = 64


class _Headers(HeaderRegistry):
    """The library's own, but what most mails say alike is read once, and so is what kind a header is of."""

    def __init__(self) -> None:
        super().__init__()
        self._kind = cache(super().__getitem__)
        self._read = lru_cache(ALIKE)(super().__call__)

    def __getitem__(self, name: str) -> Any:
        return self._kind(name)

    def __call__(self, name: str, value: Any) -> Any:
        return self._read(name, value) if isinstance(value, str) else super().__call__(name, value)


_POLICY = SMTP.clone(header_factory=_Headers())


def house() -> str:
    """The domain in whose name mails are sent."""
    return parseaddr(settings().mail_from)[1].rpartition("@")[2]


def mail_of(notice: UUID, number: str, address: str, words: Words) -> EmailMessage:
    """A mail whose Message-ID tells a repeat, and whose thread is the complaint's receipt number.

    Raises ValueError for what is no mail address.
    """
    made, domain = EmailMessage(_POLICY), house()
    thread = f"<{number}@{domain}>"
    made["From"] = settings().mail_from
    made["To"] = recipient(address, words.name)
    made["Subject"] = words.subject
    made["Date"] = format_datetime(clock.now())
    made["Message-ID"] = f"<{notice}@{domain}>"
    made["In-Reply-To"] = thread
    made["References"] = thread
    made["List-Id"] = f"{number} <{number.lower()}.complaints.{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(words.body)
    made.add_alternative(page(words), subtype="html")
    made["Content-Language"] = words.language  # of the whole: what stands before goes to its first part
    return made


def recipient(address: str, name: str | None = None) -> Address:
    """Who it is for; a domain beyond ASCII in the form that every mail server knows.

    What stands before the @ is left as it is: if it is beyond ASCII, only a server with SMTPUTF8 takes it.
    Raises ValueError for what is no mail address.
    """
    before, at, domain = address.strip().rpartition("@")
    if not (before and at and domain) or not (address.isprintable() and name_fits(before)):
        raise ValueError("this is no mail address")
    known = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    shown = " ".join("".join(each if each.isprintable() else " " for each in name or "").split())
    return Address(display_name=shown, username=before, domain=known)


def name_fits(before: str) -> bool:
    """Whether the part before the @ needs no quotes and hides no second address."""
    return not any(each in before for each in ' "(),:;<>@[\\]')
