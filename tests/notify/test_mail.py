"""The mail: what a real server got, read as a mail program reads it; and addresses that no mail can have."""

import asyncio
import email.policy
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any, get_args
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP

from deploy.local.outside import Mailbox, text_of
from services.notify.channels.email import mail_of, recipient
from services.notify.channels.samples import NUMBER, sample
from services.notify.channels.wording import Words, worded
from shared.events import Language
from shared.policy import NoticeKind, load
from tests.kit.doors import settled

BASE = load("base", 1)
HOUSE = "客户服务部 <complaints@house.example>"


class PlainServer(Mailbox):
    """One that has never heard of SMTPUTF8."""

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=False), "127.0.0.1", 0)


@pytest.fixture
async def mailbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
    box = Mailbox()
    await box.start()
    with settled(monkeypatch, smtp_url=box.url, mail_from=HOUSE):
        yield box
    await box.stop()


def said(kind: NoticeKind = "acknowledgement", language: Language = "en", **given: str | None) -> Words:
    return worded(BASE, kind, language, sample(kind, BASE, language) | dict[str, Any](given))


async def sent(mailbox: Mailbox, words: Words, address: str = "ann@example.com") -> tuple[UUID, EmailMessage]:
    notice = uuid4()
    server = urlsplit(mailbox.url)
    made = mail_of(notice, NUMBER, address, words)
    await aiosmtplib.send(made, hostname=server.hostname, port=server.port, start_tls=False)
    return notice, mailbox.mails[-1]


def html_of(got: EmailMessage) -> str:
    page = got.get_body(("html",))
    assert page is not None
    return str(page.get_content())


@pytest.mark.parametrize("language", get_args(Language))
async def test_a_mail_arrives_in_both_forms_and_files_itself(mailbox: Mailbox, language: Language) -> None:
    words = said(language=language)
    notice, got = await sent(mailbox, words)
    assert got.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in got.iter_parts()] == ["text/plain", "text/html"]
    assert {each.get_content_charset() for each in got.iter_parts()} == {"utf-8"}
    assert text_of(got).replace("\r\n", "\n") == words.body
    assert f'<html lang="{language}">' in html_of(got)
    assert words.link
    assert f'href="{words.link}"' in html_of(got)
    assert str(got["Subject"]) == words.subject
    assert NUMBER in str(got["Subject"])
    assert str(got["From"]) == HOUSE
    assert got["To"].addresses[0].display_name == words.name
    assert got["To"].addresses[0].addr_spec == "ann@example.com"
    assert got["Message-ID"] == f"<{notice}@house.example>"
    assert got["References"] == got["In-Reply-To"] == f"<{NUMBER}@house.example>"
    assert got["List-Id"] == f"{NUMBER} <{NUMBER.lower()}.complaints.house.example>"
    assert (got["Auto-Submitted"], got["Content-Language"]) == ("auto-generated", language)
    assert parsedate_to_datetime(str(got["Date"])).tzinfo is not None
    assert got.defects == []


async def test_a_long_text_in_any_script_arrives_whole(mailbox: Mailbox) -> None:
    reply = "很长的答复。" * 500 + "\n.\n..\nFrom here on\n" + "word " * 500 + "😀"
    words = said("result", "zh-CN", reply=reply)
    _, got = await sent(mailbox, words)
    assert text_of(got).replace("\r\n", "\n") == words.body
    assert reply.splitlines()[0] in html_of(got)


async def test_nobody_gets_a_header_in_by_a_name(mailbox: Mailbox) -> None:
    words = said(name="Ann\r\nBcc: spy@example.org\n\nHello", number="RC-1\nBcc: spy@example.org")
    _, got = await sent(mailbox, words)
    assert got["Bcc"] is None
    assert [each.addr_spec for each in got["To"].addresses] == ["ann@example.com"]
    assert "\n" not in str(got["Subject"])


async def test_a_name_of_commas_and_quotes_stays_one_name(mailbox: Mailbox) -> None:
    _, got = await sent(mailbox, said(name='Example, "Ann" <spy@example.org>'))
    (only,) = got["To"].addresses
    assert only.addr_spec == "ann@example.com"
    assert only.display_name == 'Example, "Ann" <spy@example.org>'


async def test_addresses_of_the_world_arrive_where_the_server_can(mailbox: Mailbox) -> None:
    _, got = await sent(mailbox, said(), "ann@bücher.example")
    assert got["To"].addresses[0].addr_spec == "ann@xn--bcher-kva.example"
    _, got = await sent(mailbox, said(), "李雷@例子.example")
    assert got["To"].addresses[0].username.encode("utf-8", "surrogateescape").decode() == "李雷"


async def test_and_where_it_cannot_that_is_said_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    box = PlainServer()
    await box.start()
    with settled(monkeypatch, smtp_url=box.url, mail_from=HOUSE):
        with pytest.raises(aiosmtplib.SMTPNotSupported):
            await sent(box, said(), "李雷@例子.example")
        assert box.mails == []
        _, got = await sent(box, said(), "ann@bücher.example")
    await box.stop()
    assert got["To"].addresses[0].domain == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "address",
    ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@example.com", "a,b@example.com",
     "ann@example.com\nBcc: x@y.z", "<ann@example.com>", "a(b)@example.com", f"ann@{'ü' * 70}.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds, all of them of the address
        recipient(address)


def test_a_repeat_is_the_same_mail_but_for_its_date(monkeypatch: pytest.MonkeyPatch) -> None:
    with settled(monkeypatch, mail_from=HOUSE):
        notice = UUID(int=7)
        made = [mail_of(notice, NUMBER, "ann@example.com", said()) for _ in range(2)]
    read = [message_from_bytes(each.as_bytes(), policy=email.policy.default) for each in made]
    assert {str(each["Message-ID"]) for each in read} == {f"<{notice}@house.example>"}
