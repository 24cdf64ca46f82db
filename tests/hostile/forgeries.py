"""Forgeries: signatures, links, secrets, page tokens, sessions and tokens of staff, changed or made up.

None may let anybody in, and what is said to all of them is the same.
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.intake.app import app as intake
from services.intake.domain.receipts import MISREAD, opens, secret_of
from services.notify.domain.signing import fault, secret_text, sign
from services.survey.app import app as survey
from services.survey.domain import links
from shared import clock, sealing
from shared.http import page_token, place_token, read_page_token, read_place_token, sessions
from shared.places import Place
from shared.principals import gatekeeper
from shared.problems import Invalid, WrongCredentials
from tests.conftest import HOUSE_KEY
from tests.hostile.drawing import tried
from tests.hostile.tally import Tally
from tests.kit.doors import client, settled
from tests.kit.issuer import Issuer, issuing

ID = UUID("018f0000-0000-7000-8000-000000000001")
ODD = [
    "",
    " ",
    ".",
    "..",
    "=",
    "\x00",
    "\ud800",
    "ü",
    "€" * 50,
    "9" * 400,
    "9" * 5_000,
    "-1",
    "v1,",
    "null",
    "%00",
]
KEY = b"k" * 40


@st.composite
def forged(draw: st.DrawFn, genuine: str) -> str:
    """A text that is not the genuine one, mostly not far from it."""
    text = genuine
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        match draw(st.sampled_from(("bit", "letter", "cut", "more", "part", "other"))):
            case "bit" if text:
                text = text[:at] + chr(ord(text[at]) ^ 1 << draw(st.integers(0, 6))) + text[at + 1 :]
            case "letter" if text:
                text = text[:at] + draw(st.sampled_from("ABab01-_=+/. ")) + text[at + 1 :]
            case "cut":
                text = text[:at]
            case "more":
                text += draw(st.sampled_from(("A", "=", "\n", " ", ".", genuine)))
            case "part":
                parts = text.split(".")
                text = ".".join(draw(st.permutations(parts))[: draw(st.integers(1, len(parts)))])
            case _:
                text = draw(st.sampled_from(ODD) | st.text(max_size=80))
    return text if text != genuine else genuine + "A"


Attempt = Callable[[str], Awaitable[str | None]]


def _let_in(yes: object) -> str | None:
    return "it was taken for genuine" if yes else None


# webhooks


async def webhooks(examples: int, chance: int) -> Tally:
    """Messages to a subscriber: what our own check says, and the public library of the standard."""
    secret, body = secret_text(b"a secret of an endpoint"), b'{"type":"x"}'
    now = clock.machine_now()
    stamp = str(int(now.timestamp()))
    genuine = ("a-message", stamp, sign([secret], "a-message", int(stamp), body), body.decode())
    inputs = st.tuples(*(st.one_of(st.just(each), forged(each)) for each in genuine)).filter(
        lambda drawn: drawn != genuine
    )

    async def attempt(drawn: tuple[str, ...]) -> str | None:
        id, stamp, signature, text = drawn
        if (id, stamp.strip(), signature.strip(), text) == genuine:
            return None  # no header ends so, and the library does not mind
        content = text.encode("utf-8", "replace")
        if fault([secret], id, stamp, signature, content, now) is None:
            return _let_in(set(signature.split()).isdisjoint(genuine[2].split()) or drawn[:2] != genuine[:2])
        headers = {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
        try:
            Webhook(secret).verify(text, headers)
        except (WebhookVerificationError, ValueError, OverflowError):  # the library itself stumbles at times
            return None
        return "the library takes what our check refuses"

    return await tried(Tally("forged signatures of webhooks"), examples, chance, inputs, attempt)


# what customers hold


def _answers(app: FastAPI, paths: Callable[[str], httpx.Request]) -> Attempt:
    """Asks a page, and remembers what it says to the first: it must say so to all."""
    said: set[tuple[int, str]] = set()

    async def ask(token: str) -> str | None:
        async with client(app, None) as asking:
            answer = await asking.send(paths(token))
        said.add((answer.status_code, answer.text))
        return None if len(said) == 1 and answer.status_code == 404 else f"it says {answer.status_code}, too"

    return ask


async def survey_links(examples: int, chance: int) -> Tally:
    """Tokens of survey pages: altered, of another key, or put together from two."""
    until = clock.now() + timedelta(days=3)
    genuine, other = links.sign(ID, until, KEY), links.sign(uuid4(), until + timedelta(days=9), KEY)
    mixed = [
        links.sign(ID, until, b"x" * 40),
        ".".join([*genuine.split(".")[:3], other.split(".")[3]]),
        ".".join([*genuine.split(".")[:2], *other.split(".")[2:]]),
        genuine.replace("v1.", "v2."),
    ]
    page = _answers(survey, lambda token: _request("GET", "/s/", token))

    async def attempt(token: str) -> str | None:
        return _let_in(links.opens(token, KEY)) or (await page(token) if _in_path(token) else None)

    inputs = st.sampled_from(mixed) | forged(genuine)
    return await tried(Tally("forged survey links"), examples, chance, inputs, attempt)


def _in_path(token: str) -> bool:
    """Whether it reaches the page at all: an empty one, or one of two parts, is another address."""
    return token not in ("", ".", "..") and not set(token) & set("/?#\ud800") and token.isprintable()


def _request(method: str, path: str, token: str, **more: Any) -> httpx.Request:
    quoted = httpx.URL("http://service/").copy_with(path=path + token)
    return httpx.Request(method, quoted, **more)


async def receipt_secrets(examples: int, chance: int) -> Tally:
    """Secrets of receipts, and numbers that are not there: nobody can tell one from the other."""
    number = "RC-TESTTESTAA"
    genuine = secret_of(number, KEY)
    page = _answers(
        intake, lambda secret: _request("POST", "/receipts", "", data={"number": number, "secret": secret})
    )

    async def attempt(drawn: tuple[str, str]) -> str | None:
        given, secret = drawn
        if given == number and secret.upper().translate(MISREAD) == genuine:
            return None  # the same secret, as people write it
        return _let_in(opens(secret.encode("utf-8", "replace").decode(), given, KEY)) or (
            await page(secret.encode("utf-8", "replace").decode())
        )

    numbers = st.sampled_from((number, "RC-AAAAAAAAAA", ""))
    inputs = st.tuples(numbers, forged(genuine))
    return await tried(Tally("forged secrets of receipts"), examples, chance, inputs, attempt)


# what callers hold


async def tokens(examples: int, chance: int) -> Tally:
    """Page tokens of lists and of the history, and the cookie of a session."""
    at = clock.now()
    genuine = [page_token(at, ID), page_token(None, ID), place_token(Place(offset=1, mark="a"))]
    held = sessions.Session(credentials="an API key", until=at + sessions.LASTS)
    session = sealing.seal(held.model_dump_json().encode(), sealing.house_key("session"), "redress")
    cookie = base64.urlsafe_b64encode(session).decode()
    tally = Tally("forged page tokens and sessions")
    if sessions._opened(cookie, "redress") is None:
        tally.wrong("the genuine session is none", cookie)

    async def attempt(token: str) -> str | None:
        if token in genuine:
            return None
        for read in (lambda: read_page_token(token, dated=True), lambda: read_place_token(token)):
            try:
                read()
            except Invalid:
                continue
            return _let_in(True)
        return None if _same(token, session) else _let_in(sessions._opened(token, "redress"))

    inputs = st.one_of(*(forged(each) for each in [*genuine, cookie]))
    return await tried(tally, examples, chance, inputs, attempt)


def _same(token: str, genuine: bytes) -> bool:
    """Whether it says the same bytes in another way: with other padding, say."""
    with suppress(ValueError):
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) == genuine
    return False


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    return ".".join([*(_text(json.dumps(part).encode()) for part in (header, claims)), signature])


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """The library refuses to sign with a public key; a forger does not."""
    message = _unsigned(header, claims).rstrip(".")
    return f"{message}.{_text(hmac.digest(secret, message.encode(), 'sha256'))}"


def _made_up(issuer: Issuer) -> Iterable[str]:
    """Tokens of staff that are none: without a signature, signed with what is public, for others, over."""
    kid, claims = issuer.public_jwk["kid"], issuer.claims("li", ["handler"])
    public = issuer.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("none", "None", "NONE", "", "HS256", "RS256", "ES256", "RS1", None):
        yield _unsigned({"alg": algorithm, "kid": kid}, claims)
        yield _unsigned({"alg": algorithm, "kid": kid}, claims, "AAAA")
        yield _unsigned({"alg": algorithm}, claims)
    for secret in (public, kid.encode(), b"x" * 40):
        yield _signed({"alg": "HS256", "kid": kid}, claims, secret)
    for other in ("../../dev/null", "' or 1=1", "", "key-0", "x" * 5_000):
        yield _signed({"alg": "HS256", "kid": other}, claims, KEY)
        yield _signed({"alg": "HS256", "kid": other, "jku": "http://127.0.0.1:1/", "jwk": {}}, claims, KEY)
    now = claims["iat"]
    for wrong in (
        {"aud": "elsewhere"}, {"aud": None}, {"iss": "https://issuer.invalid"}, {"iss": None}, {"exp": None},
        {"exp": now - 3_600}, {"nbf": now + 3_600}, {"sub": None}, {"sub": ""}, {"sub": "a\nb"},
        {"sub": "\u202ea"}, {"exp": 1e400}, {"roles": 5}, {"sub": "x" * 500},
    ):  # fmt: skip
        yield issuer.token("li", **wrong)


async def staff(issuer: Issuer, examples: int, chance: int) -> Tally:
    """Tokens of staff."""
    genuine = issuer.token("li", ["handler"])
    assert await gatekeeper().admit(genuine)
    said = set()

    words, _, text = genuine.rpartition(".")
    signature = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    async def attempt(token: str) -> str | None:
        told, _, signed = token.rpartition(".")
        if told == words and _same(signed, signature):
            return None
        try:
            await gatekeeper().admit(token.encode("utf-8", "replace").decode())
        except WrongCredentials as problem:
            said.add(problem.detail)
            return None if len(said) == 1 else "it says what was wrong"
        return _let_in(True)

    inputs = st.sampled_from(list(_made_up(issuer))) | forged(genuine)
    return await tried(Tally("forged tokens of staff"), examples, chance, inputs, attempt)


async def forgeries(examples: int, chance: int) -> list[Tally]:
    """All of them; no server is needed, for nothing is looked up before it is believed."""
    sealing.use_house_key(HOUSE_KEY)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        issuer = stack.enter_context(issuing())
        stack.enter_context(
            settled(patch, survey_key=KEY.decode(), fingerprint_key="f" * 40, oidc_issuer=issuer.url,
                    rate_limit="1000000000/minute")
        )  # fmt: skip
        kinds = (webhooks, survey_links, receipt_secrets, tokens)
        return [
            *[await each(examples, chance) for each in kinds],
            await staff(issuer, examples, chance),
        ]
