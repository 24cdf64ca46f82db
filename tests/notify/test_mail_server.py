"""The mail server: our name and password are as they were given, and never go over an open line."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.notify.channels import smtp
from services.notify.channels.email import mail_of
from services.notify.channels.wording import Words
from services.notify.domain.record import Outcome
from shared.settings import settings
from tests.kit.doors import settled
from tests.kit.endpoints import Mails
from tests.notify.test_webhook_sending import certificate

NAME, PASSWORD = "ann@house.example", "p@ss:/%üñ"


class Guarded(Mails):
    """One that asks who somebody is; with a certificate it offers TLS first."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.heard: list[tuple[bytes, bytes]] = []
        self._tls = tls

    def _session(self) -> SMTP:
        self._sessions.append(
            SMTP(self, authenticator=self._check, auth_require_tls=False, tls_context=self._tls)
        )
        return self._sessions[-1]

    def _check(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.heard.append((given.login, given.password))
        return AuthResult(success=True)

    @property
    def url(self) -> str:
        return f"smtp://{quote(NAME, safe='')}:{quote(PASSWORD, safe='')}@localhost:{self.port}"


async def sent(server: Guarded, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    await server.start()
    with settled(monkeypatch, smtp_url=server.url):
        assert quote(PASSWORD, safe="") not in repr(settings())
        outcome = await smtp.send(mail_of(uuid4(), "RC-1", "li@example.com", Words("Hello", "Hello\n", "en")))
        smtp.hang_up()
    await server.stop()
    return outcome


async def test_name_and_password_are_decoded_and_go_through_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, "localhost")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server = Guarded(serving)
    assert (await sent(server, monkeypatch)).delivered
    assert server.heard == [(NAME.encode(), PASSWORD.encode())]


async def test_a_line_without_tls_hears_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Guarded()
    outcome = await sent(server, monkeypatch)
    assert (outcome.delivered, outcome.away, server.heard, server.taken) == (False, True, [], [])
