"""The mailbox of a run: when each mail arrived, and what those say whose thread somebody follows."""

import re
from collections import defaultdict
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.outside import Mailbox

MARK = re.compile(rb"^(Message-ID|References):\s*<([^@>]+)@", re.MULTILINE | re.IGNORECASE)


class Post(Mailbox):
    """Of very many mails it reads only the headers; a mail is kept if its receipt number is `followed`."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.arrivals: list[tuple[str, float]] = []
        self.followed: set[str] = set()
        self._kept: dict[str, list[bytes]] = defaultdict(list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = cast(bytes, envelope.content)
        marks = {name.lower(): value.decode() for name, value in MARK.findall(content)}
        self.arrivals.append((marks[b"message-id"], self.now()))
        if (number := marks.get(b"references", "")) in self.followed:
            self._kept[number].append(content)
        return "250 kept"

    def about(self, number: str) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=policy.default) for each in self._kept[number]]
