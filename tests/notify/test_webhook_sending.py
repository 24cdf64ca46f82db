"""One attempt at an endpoint, over real connections: what counts as success, and how long it may take."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.notify.channels import webhooks
from services.notify.channels.guard import Crowded, Resolver, resolve
from services.notify.channels.webhooks import Sender, waits
from services.notify.domain.deliveries import LONGEST_WAIT_S, Delivery, Outcome
from services.notify.domain.signing import secret_text
from shared import clock
from tests.kit.doors import settled
from tests.kit.webhooks import LOCAL, Receiver, answering, dripping, genuine, hanging, receiver

ENDPOINT = uuid4()
SECRET = secret_text(b"a secret of an endpoint")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@asynccontextmanager
async def sending(resolver: Resolver = resolve, trusted: Path | None = None) -> AsyncIterator[Sender]:
    found = Sender(resolver, ssl.create_default_context(cafile=trusted))
    try:
        yield found
    finally:
        await found.close()


@pytest.fixture
async def sender(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sender]:
    async with sending() as found:
        with settled(monkeypatch, webhook_networks=LOCAL):
            yield found


def delivery(body: str = '{"a":"热"}') -> Delivery:
    now = clock.machine_now()
    about = {"endpoint": ENDPOINT, "event": uuid4(), "type": "complaint.accepted.v1", "subject": "RC-X"}
    return Delivery(**about, body=body, made_at=now, since=now, next_at=now)


async def sent(sender: Sender, url: str) -> Outcome:
    outcome = await sender.attempt(uuid4(), delivery(), url, [SECRET])
    assert outcome is not None
    return outcome


async def test_a_message_is_what_the_standard_says(sender: Sender) -> None:
    async with receiver() as there:
        id, what = uuid4(), delivery()
        outcome = await sender.attempt(id, what, there.url + "?key=a%20b", [SECRET])
        (message,) = there.received
        assert outcome is not None
        assert outcome.delivered
        assert message.path == "/hooks?key=a%20b"
        assert message.id == str(id)
        assert message.headers["content-type"] == "application/cloudevents+json"
        assert message.headers["host"] == f"127.0.0.1:{there.port}"
        assert genuine(message, SECRET) == {"a": "热"}
        assert message.body == what.body.encode()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_success(sender: Sender, status: int) -> None:
    async with receiver(answering(status)) as there:
        assert (await sent(sender, there.url)).delivered


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 503])
async def test_nothing_else_is(sender: Sender, status: int) -> None:
    async with receiver(answering(status)) as there:
        outcome = await sent(sender, there.url)
        assert not outcome.delivered
        assert outcome.attempt.status == status
        assert str(status) in (outcome.attempt.reason or "")
        assert outcome.gone == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_never_followed(sender: Sender, status: int) -> None:
    async with receiver() as inside, receiver(answering(status, f"Location: {inside.url}")) as there:
        outcome = await sent(sender, there.url)
        assert not outcome.delivered
        assert "redirect" in (outcome.attempt.reason or "")
        assert inside.connections == 0


@pytest.mark.parametrize("behaviour", [hanging, dripping], ids=["hangs", "drips"])
async def test_an_endpoint_that_never_answers_is_given_up_in_time(
    sender: Sender, behaviour: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ATTEMPT_S", 0.5)
    async with receiver(behave=behaviour) as there:  # type: ignore[arg-type]
        async with asyncio.timeout(90):
            outcome = await sent(sender, there.url)
        assert not outcome.delivered
        assert "no answer" in (outcome.attempt.reason or "")


async def test_an_answer_without_end_is_read_for_a_moment_and_thrown_away(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "READ_S", 0.2)
    written = 0

    async def flooding(message: object, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            written += 65_536
            await writer.drain()

    async with receiver(behave=flooding) as there:
        async with asyncio.timeout(90):
            assert (await sent(sender, there.url)).delivered
        assert written < 50_000_000


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" * 99_999]
)
async def test_what_is_no_answer_is_a_failure_with_a_reason(sender: Sender, answer: bytes) -> None:
    async def broken(message: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        raise ConnectionError

    async with receiver(behave=broken) as there:
        outcome = await sent(sender, there.url)
        assert not outcome.delivered
        assert outcome.attempt.reason


async def test_nobody_there_is_a_failure_with_a_reason(sender: Sender) -> None:
    async with receiver() as there:
        url = there.url
    assert "no connection" in ((await sent(sender, url)).attempt.reason or "")


async def test_a_connection_serves_again(sender: Sender) -> None:
    async with receiver() as there:
        for _ in range(5):
            assert (await sent(sender, there.url)).delivered
        assert there.connections == 1


async def test_no_proxy_of_the_environment_is_used(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as proxy, receiver() as there:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await sent(sender, there.url)).delivered
        assert proxy.connections == 0


async def test_outside_the_networks_of_the_operator_nothing_inside_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with sending() as found, receiver() as there:
        for networks in ("", "10.0.0.0/8"):
            with settled(monkeypatch, webhook_networks=networks or " "):
                outcome = await sent(found, there.url)
                assert "may not reach" in (outcome.attempt.reason or "")
        assert there.connections == 0


async def test_a_name_that_leads_elsewhere_by_the_next_sending_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At first it leads to where it may, then inside: there, nothing ever arrives."""
    async with receiver() as there:
        leads = ["127.0.0.1"]

        async def changing(host: str, port: int) -> list[str]:
            return list(leads)

        with settled(monkeypatch, webhook_networks="127.0.0.1/32"):
            url = f"http://changing.test:{there.port}/"
            async with sending(changing) as first:
                assert (await sent(first, url)).delivered
            assert there.received[0].headers["host"] == f"changing.test:{there.port}"
            leads[:] = ["127.0.0.2"]
            async with sending(changing) as second:
                outcome = await sent(second, url)
            assert "may not reach" in (outcome.attempt.reason or "")
        assert len(there.received) == 1


async def test_the_host_of_an_ipv6_address_is_named_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def here(host: str, port: int) -> list[str]:
        assert host == "fd00::7"
        return ["127.0.0.1"]

    with settled(monkeypatch, webhook_networks=LOCAL):
        async with sending(here) as sender, receiver() as there:
            assert (await sent(sender, f"http://[fd00::7]:{there.port}/")).delivered
            assert there.received[0].headers["host"] == f"[fd00::7]:{there.port}"


async def test_without_a_free_lookup_it_is_no_attempt() -> None:
    async def crowded(host: str, port: int) -> list[str]:
        raise Crowded

    async with sending(crowded) as sender:
        assert await sender.attempt(uuid4(), delivery(), "https://example.com/", [SECRET]) is None


# TLS


def certificate(folder: Path, name: str) -> Path:
    """One that a house signs for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = clock.machine_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_tls_is_verified_against_the_name_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, "hooks.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    there = Receiver()
    await there.start(serving)

    async def anywhere(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with settled(monkeypatch, webhook_networks=LOCAL):
        async with sending(anywhere, path) as sender, sending(anywhere) as stranger:
            assert (await sent(sender, f"https://hooks.test:{there.port}/")).delivered
            wrong = await sent(sender, f"https://other.test:{there.port}/")
            assert "no connection" in (wrong.attempt.reason or "")
            assert not (await sent(stranger, f"https://hooks.test:{there.port}/")).delivered
    assert len(there.received) == 1
    await there.stop()


# waiting


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"120", 120),
        (b"0", 0),
        (b"-5", 0),
        (b"99999999999999999999", LONGEST_WAIT_S),
        (b"Sun, 22 Nov 2026 12:01:00 GMT", 60),
        (b"Sun, 22 Nov 2026 12:01:00 -0000", 60),
        (b"Sun, 22 Nov 2020 12:00:00 GMT", 0),
        (b"Sun, 22 Nov 2099 12:00:00 GMT", LONGEST_WAIT_S),
        (b"soon", 0),
        (b"", 0),
        (b"\xb2", 0),
    ],
)
def test_an_endpoint_is_left_alone_as_long_as_it_asks_within_bounds(said: bytes, seconds: float) -> None:
    assert waits([(b"Retry-After", said)], NOW) == seconds


def test_without_a_word_it_is_not_left_alone() -> None:
    assert waits([(b"Date", b"120")], NOW) == 0
