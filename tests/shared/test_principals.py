"""Who is let in: API keys old and new, tokens of staff good and bad, and what each may be."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from pydantic import ValidationError

from shared import clock, oidc
from shared.clock import machine_now
from shared.principals import Principal
from shared.settings import settings
from tests.kit.doors import api_keys, application, client, digest, settled
from tests.kit.issuer import Issuer, issuing

APP = application()


async def who(key: str | None) -> httpx.Response:
    async with client(APP, key) as known:
        return await known.get("/v1/who")


async def refused(key: str) -> None:
    answer = await who(key)
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == oidc.REFUSED, "no word on what was wrong with it"


# API keys


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    given = api_keys(desk=["recorder", "handler"], shop=["partner"])
    given["shop"]["keys"] += [
        {"digest": digest("old"), "until": (clock.now() + timedelta(hours=1)).isoformat()},
        {"digest": digest("older"), "until": (clock.now() - timedelta(seconds=1)).isoformat()},
    ]
    given["plain"] = {"keys": [{"digest": digest("plain")}], "departments": ["quality"]}
    with settled(monkeypatch, api_keys=given):
        yield


async def test_a_key_tells_name_roles_and_departments(keys: None) -> None:
    told = (await who("desk")).json()
    assert (told["name"], sorted(told["roles"]), told["is_partner"]) == (
        "desk",
        ["handler", "recorder"],
        False,
    )
    told = (await who("plain")).json()
    assert told == {"name": "plain", "roles": ["partner"], "departments": ["quality"], "is_partner": True}


@pytest.mark.parametrize("key", ["shop", "old"])
async def test_every_key_of_a_caller_is_good_until_it_ends(keys: None, key: str) -> None:
    assert (await who(key)).json()["name"] == "shop"


@pytest.mark.parametrize("key", ["older", "nobody", "a.b.c", digest("shop"), "schl\u00fcssel"])
async def test_any_other_key_is_refused(keys: None, key: str) -> None:
    async with client(APP, None) as known:
        answer = await known.get("/v1/who", headers={b"Authorization": f"Bearer {key}".encode()})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_whoever_shows_nothing_is_told_what_to_show(keys: None) -> None:
    answer = await who(None)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="redress"')


async def test_partners_use_intake_only(keys: None) -> None:
    async with client(APP, "shop") as shop, client(APP, "desk") as desk:
        answer = await shop.get("/v1/things")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
        assert (await desk.get("/v1/things")).json()[0] == "desk"


def test_who_holds_what() -> None:
    both = Principal(name="x", roles=frozenset({"partner", "handler"}))
    assert both.holds("general_manager", "handler")
    assert not both.holds("general_manager")
    assert not both.holds()
    assert both.is_partner, "it sees its own complaints only"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        *((name, dict[str, Any]()) for name in ("staff:a", "a|b", "a b", "zoe\u0308", "a\u202eb", "a\x00b")),
        ("a", {"roles": []}),
        ("a", {"roles": ["partner", "handler"]}),
        ("a", {"role": "x"}),
    ],
)
def test_what_no_caller_may_be(monkeypatch: pytest.MonkeyPatch, name: str, more: dict[str, Any]) -> None:
    with settled(monkeypatch, api_keys={name: {"keys": [], **more}}), pytest.raises(ValidationError):
        settings()


def test_a_key_itself_is_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"shop": {"keys": [{"digest": "the key itself"}]}}
    with settled(monkeypatch, api_keys=given), pytest.raises(ValidationError):
        settings()


# tokens of staff


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    with issuing() as found, settled(monkeypatch, oidc_issuer=found.url, api_keys=api_keys(shop=["partner"])):
        yield found


async def test_a_token_tells_name_roles_and_departments(issuer: Issuer) -> None:
    answer = await who(issuer.token("ann", ["handler", "partner"], ["quality"]))
    assert answer.json() == {
        "name": "staff:id-of-ann",
        "roles": ["handler"],
        "departments": ["quality"],
        "is_partner": False,
    }
    assert (await who("shop")).json()["name"] == "shop"


async def test_a_name_follows_the_subject_not_what_somebody_is_called(issuer: Issuer) -> None:
    """A user name may be given anew, to somebody else."""
    for called in (None, "bob", "ann|key"):
        told = (await who(issuer.token("ann", preferred_username=called))).json()
        assert told["name"] == "staff:id-of-ann"


async def test_no_two_subjects_make_one_name(issuer: Issuer) -> None:
    subjects = ["auth0|5f7c", "auth0%7C5f7c", "\u5f20\u4e09", "Ann", "ann", "a b"]
    names = [(await who(issuer.token("ann", sub=each))).json()["name"] for each in subjects]
    assert len({*names}) == len(subjects)
    assert names[0] == "staff:auth0%7C5f7c"
    assert not [each for each in names if "|" in each]


@pytest.mark.parametrize("roles", [[], ["partner"], None])
async def test_a_token_without_a_role_of_the_house_opens_nothing(issuer: Issuer, roles: Any) -> None:
    answer = await who(issuer.token("ann", roles=roles))
    assert answer.status_code == 403


def seconds(delta: int) -> int:
    return int(machine_now().timestamp()) + delta


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("expired", {"exp": -31}),
    ("not yet good", {"nbf": 40}),
    ("made in the future", {"iat": 40}),
    ("for somebody else", {"aud": "payroll"}),
    ("for others", {"aud": ["payroll", "canteen"]}),
    ("by somebody else", {"iss": "https://elsewhere.invalid"}),
    *((f"without {claim}", {claim: None}) for claim in oidc.CLAIMS),
    ("roles are a text", {"roles": "handler"}),
    ("roles are numbers", {"roles": [1]}),
    ("departments are a map", {"departments": {"quality": 1}}),
    ("a name of two lines", {"sub": "ann\nbob"}),
    ("a name that is written backwards", {"sub": "\u202enna"}),
    ("a name with a space that has no width", {"sub": "an\u200bn"}),
    ("a name that looks like another's", {"sub": "zoe\u0308"}),
    ("a blank before the name", {"sub": " ann"}),
    ("a blank after the name", {"sub": "ann "}),
    ("a long name", {"sub": "a" * 91}),
    ("a number for a name", {"sub": 7}),
    ("a name of no letters", {"sub": ""}),
    ("nobody", {"sub": None}),
]


@pytest.mark.parametrize("changes", [each for _, each in WRONG], ids=[name for name, _ in WRONG])
async def test_a_wrong_token_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    times = {name: seconds(at) for name, at in changes.items() if isinstance(at, int) and name != "sub"}
    await refused(issuer.token("ann", **{**changes, **times}))


@pytest.mark.parametrize("changes", [{"exp": -20}, {"nbf": 20}, {"iat": 20}])
async def test_clocks_may_differ_by_some_seconds(issuer: Issuer, changes: dict[str, int]) -> None:
    times: dict[str, Any] = {name: seconds(at) for name, at in changes.items()}
    answer = await who(issuer.token("ann", **times))
    assert answer.status_code == 200


def by_hand(issuer: Issuer, header: dict[str, Any], secret: bytes = b"") -> str:
    """A token that no decent library would sign."""
    header = {"typ": "JWT", "kid": issuer.public_jwk["kid"], **header}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, issuer.claims("ann", ["handler"]))
    ]
    mac = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


async def test_unsigned_and_symmetric_tokens_are_refused(issuer: Issuer) -> None:
    public = RSAAlgorithm.from_jwk(issuer.public_jwk).public_numbers().public_key()  # type: ignore[union-attr]
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(issuer.public_jwk).encode()
    assert (await who(issuer.token("ann"))).status_code == 200
    for token in (
        by_hand(issuer, {"alg": "none"}),
        by_hand(issuer, {"alg": "None"}),
        by_hand(issuer, {"alg": "HS256"}, pem),
        by_hand(issuer, {"alg": "HS256"}, jwk),
        by_hand(issuer, {"alg": "HS256", "jwk": issuer.public_jwk}, pem),
        by_hand(issuer, {}),
        by_hand(issuer, {"alg": "RS256"}),
        by_hand(issuer, {"alg": "ES256"}, pem),
        by_hand(issuer, {"alg": "RS256", "kid": ["x"]}),
        issuer.token("ann", algorithm="RS512"),
        issuer.token("ann")[:-3] + "abc",
        ".".join([*issuer.token("ann").split(".")[:2], ""]),
    ):
        await refused(token)


async def test_other_algorithms_that_are_taken(issuer: Issuer) -> None:
    issuer.add(ec.generate_private_key(ec.SECP256R1()))
    assert (await who(issuer.token("ann"))).status_code == 200
    issuer.key, issuer.algorithm = rsa.generate_private_key(public_exponent=65537, key_size=2048), "PS256"
    await refused(issuer.token("ann"))


async def test_a_key_without_an_algorithm_of_its_own_takes_those_of_its_kind(issuer: Issuer) -> None:
    assert (await who(issuer.token("ann", algorithm="PS256"))).status_code == 200


async def test_a_token_signed_by_another_key_under_a_known_name_is_refused(issuer: Issuer) -> None:
    await who(issuer.token("ann"))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = {"kid": issuer.public_jwk["kid"]}
    await refused(jwt.encode(issuer.claims("ann", ["handler"]), stranger, "RS256", header))


async def test_a_new_key_is_fetched_but_not_more_than_once_a_minute(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issuer.token("ann")
    assert (await who(old)).status_code == 200
    issuer.rotate()
    for _ in range(3):
        await refused(issuer.token("ann"))
    assert issuer.asked == 1
    now = monotonic()
    monkeypatch.setattr(oidc, "monotonic", lambda: now + 61)
    assert (await who(issuer.token("ann"))).status_code == 200
    await refused(old)
    assert issuer.asked == 2


async def test_a_key_that_was_withdrawn_ends_within_the_hour(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issuer.token("ann")
    assert (await who(old)).status_code == 200
    issuer.rotate()
    assert (await who(old)).status_code == 200
    now = monotonic()
    monkeypatch.setattr(oidc, "monotonic", lambda: now + oidc.FRESH_S + 1)
    await refused(old)


async def test_keys_for_other_ends_are_not_used(issuer: Issuer) -> None:
    for more in ({"use": "enc"}, {"alg": "RSA-OAEP"}, {"alg": "RS512"}, {"kty": "oct", "k": "c2VjcmV0"}):
        issuer.add(rsa.generate_private_key(public_exponent=65537, key_size=2048), **more)
        await refused(issuer.token("ann"))


async def test_while_the_issuer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with issuing() as issuer, settled(monkeypatch, oidc_issuer=issuer.url):
        good, known = issuer.token("ann"), issuer.public_jwk["kid"]
        assert (await who(good)).status_code == 200
        issuer.server_close()
        now = monotonic()
        monkeypatch.setattr(oidc, "monotonic", lambda: now + oidc.FRESH_S + 1)
        assert (await who(good)).status_code == 200, "known keys stay good"
        issuer.rotate()
        assert issuer.public_jwk["kid"] != known
        answer = await who(issuer.token("ann"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        with settled(monkeypatch, oidc_issuer=issuer.url):
            assert (await who(good)).status_code == 503
