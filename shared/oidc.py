"""Tokens of staff: signed by the house's own OpenID Connect issuer, verified here with its public keys.

Sources: OpenID Connect Discovery 1.0, RFC 7517 (keys), RFC 7519 (tokens), RFC 8725 (algorithms are bound to
keys, never taken from a token). Times in a token are the machine's, however fast business time may run: the
issuer knows no other.
"""

import asyncio
from time import monotonic
from typing import Any

import httpx
import jwt
import structlog
from pydantic import BaseModel

from shared import telemetry
from shared.calling import RESET
from shared.problems import Unavailable, WrongCredentials

ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
CLAIMS = ["iss", "aud", "exp", "iat"]
LEEWAY_S = 30
FETCH_S = 3
PAUSE_S, PAUSE_WITHOUT_KEYS_S = 60, 5
FRESH_S = 3600
"""After this the keys are fetched anew, so that one that was withdrawn ends."""
REFUSED = "These credentials are not valid, or not any more"

_log = structlog.get_logger()


class _Discovered(BaseModel):
    """What is needed of an issuer's own description."""

    issuer: str
    jwks_uri: str


class _Published(BaseModel):
    """A JWK set."""

    keys: list[dict[str, Any]]


class _Key:
    """One public key and the algorithms it is for. Raises PyJWTError for a key of another kind."""

    def __init__(self, jwk: dict[str, Any]) -> None:
        known = ALGORITHMS.get(jwk.get("kty", ""), ()) if jwk.get("use", "sig") == "sig" else ()
        self.algorithms = [name for name in known if jwk.get("alg", name) == name]
        if not self.algorithms:
            raise jwt.PyJWKError("not a key for these algorithms")
        self.public = jwt.PyJWK(jwk, self.algorithms[0]).key


class Issuer:
    """Knows the issuer's keys, and fetches them when a token names one that is not known.

    Keys that were fetched stay good while the issuer is away.
    """

    def __init__(self, url: str, audience: str) -> None:
        self._url, self._audience = url, audience
        self._keys: dict[str, _Key] = {}
        self._asking = asyncio.Lock()
        self._not_before = self._stale_at = 0.0
        self._away = False

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token says. Raises WrongCredentials, or Unavailable if that cannot be told now."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._key(kid) if isinstance(kid, str) else None
            if key is None:
                raise WrongCredentials(REFUSED)
            found: dict[str, Any] = jwt.decode(
                token,
                key.public,
                key.algorithms,
                {"require": CLAIMS, "enforce_minimum_key_length": True},
                audience=self._audience,
                issuer=self._url,
                leeway=LEEWAY_S,
            )
        except jwt.PyJWTError:
            raise WrongCredentials(REFUSED) from None
        return found

    async def _key(self, kid: str) -> _Key | None:
        known = self._keys.get(kid)
        if known is None or (monotonic() >= self._stale_at and not self._asking.locked()):
            async with self._asking:
                wanted = kid not in self._keys or monotonic() >= self._stale_at
                if wanted and monotonic() >= self._not_before:
                    await self._fetch()
        known = self._keys.get(kid)
        if known is None and self._away:
            raise Unavailable("The issuer of this token cannot be asked", retry_after=PAUSE_WITHOUT_KEYS_S)
        return known

    async def _fetch(self) -> None:
        try:
            self._keys = await self._published()
            self._stale_at, self._away = monotonic() + FRESH_S, False
        except (httpx.HTTPError, httpx.InvalidURL, RESET, ValueError) as error:
            self._away = True
            _log.warning("issuer away", reason=telemetry.where(error))
        self._not_before = monotonic() + (PAUSE_S if self._keys else PAUSE_WITHOUT_KEYS_S)

    async def _published(self) -> dict[str, _Key]:
        """The keys by their ids. Raises HTTPError, InvalidURL or ValueError."""
        async with httpx.AsyncClient(timeout=FETCH_S, follow_redirects=False) as client:
            path = f"{self._url.rstrip('/')}/.well-known/openid-configuration"
            described = _Discovered.model_validate_json(await _content(client, path))
            if described.issuer != self._url:
                raise ValueError("it calls itself otherwise")
            found = _Published.model_validate_json(await _content(client, described.jwks_uri))
        return {kid: key for kid, key in map(_read, found.keys) if key is not None}


def _read(jwk: dict[str, Any]) -> tuple[str, _Key | None]:
    """A key and its id; none if it is not for tokens like these."""
    try:
        return str(jwk.get("kid", "")), _Key(jwk)
    except jwt.PyJWTError:
        return "", None


async def _content(client: httpx.AsyncClient, url: str) -> bytes:
    answer = await client.get(url)
    return answer.raise_for_status().content
