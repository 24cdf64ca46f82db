"""An OpenID Connect issuer of this machine: a real HTTP server that publishes its keys and signs tokens."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from shared.clock import machine_now

AUDIENCE = "redress"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer(ThreadingHTTPServer):
    """`token` signs with the newest key, `rotate` withdraws those before, `asked` counts looks at them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.published: list[dict[str, Any]] = []
        self.asked = 0
        self.rotate()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def public_jwk(self) -> dict[str, Any]:
        return self.published[-1]

    def rotate(self) -> None:
        self.published.clear()
        self.add(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def add(self, key: PrivateKey, **more: Any) -> None:
        """Publish one more key, and sign with it from now on."""
        is_rsa = isinstance(key, rsa.RSAPrivateKey)
        public: Any = key.public_key()
        jwk = (RSAAlgorithm if is_rsa else ECAlgorithm).to_jwk(public, as_dict=True)
        kid = f"key-{id(key)}"
        self.key, self.algorithm = key, "RS256" if is_rsa else "ES256"
        self.published.append({**jwk, "kid": kid, "use": "sig", **more})

    def claims(self, name: str, roles: Sequence[str], departments: Sequence[str] = ()) -> dict[str, Any]:
        now = int(machine_now().timestamp())
        return {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": f"id-of-{name}",
            "preferred_username": name,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "roles": roles,
            "departments": departments,
        }

    def token(
        self,
        name: str,
        roles: Sequence[str] = ("handler",),
        departments: Sequence[str] = (),
        **overrides: Any,
    ) -> str:
        """A token; `overrides` replace claims, None takes one away; `algorithm` signs otherwise."""
        algorithm = overrides.pop("algorithm", self.algorithm)
        claims = {**self.claims(name, roles, departments), **overrides}
        told = {claim: value for claim, value in claims.items() if value is not None}
        return jwt.encode(told, self.key, algorithm, {"kid": self.public_jwk["kid"]})


class _Door(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:  # the name that http.server calls
        issuer = self.server
        if self.path == "/.well-known/openid-configuration":
            told: dict[str, Any] = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
        else:
            issuer.asked += 1
            told = {"keys": issuer.published}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def issuing() -> Iterator[Issuer]:
    """One that runs while it is needed."""
    with Issuer() as issuer:
        thread = Thread(target=issuer.serve_forever, args=(0.01,))
        thread.start()
        yield issuer
        issuer.shutdown()
        thread.join()
