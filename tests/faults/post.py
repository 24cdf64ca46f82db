"""Where the notices of a run arrive: which came when, and what those say whose thread somebody follows."""

import re
from collections import defaultdict
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.outside import Gateway, Mailbox

MARK = re.compile(rb"^(Message-ID|References):\s*<([^@>]+)@", re.MULTILINE | re.IGNORECASE)


Arrivals = list[tuple[str, float]]
"""Which notice or digest arrived, and at which second of the run."""


class Post(Mailbox):
    """Of very many mails it reads only the headers; a mail is kept if its receipt number is `followed`."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.arrivals: Arrivals = []
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


class Messages(Gateway):
    """The gateway for SMS and chat; what arrives there is noted beside the mails."""

    def __init__(self, post: Post) -> None:
        super().__init__()
        self._post = post

    def take(self, notice: str, message: dict[str, str]) -> None:
        self._post.arrivals.append((notice, self._post.now()))
        super().take(notice, message)
