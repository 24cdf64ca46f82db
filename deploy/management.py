"""The broker's management: its HTTP API as its administrator, refusals in words."""

import ssl
from typing import Any
from urllib.parse import quote

import httpx

from shared.problems import Problem, Unavailable

LOGINS = {"amqp": "amqp", "amqp/ssl": "amqps"}
"""What listeners are called, and the scheme of their URLs."""


class Broker:
    """A broker's management at a URL that names the administrator and the password."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self.host = self._url.host
        self._place = str(self._url.copy_with(query=None, username=None, password=None))

    def get(self, *path: str) -> Any:
        """What is there, or None. Raises Problem."""
        answer = self._ask("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()

    def told(self, *path: str) -> Any:
        """What is there, and must be. Raises Problem."""
        return self._found(self._ask("GET", path)).json()

    def put(self, *path: str, **body: Any) -> bool:
        """Make or change something; whether it is new. Raises Problem."""
        answer = self._found(self._ask("PUT", path, json=body))
        return answer.status_code == httpx.codes.CREATED

    def post(self, *path: str, **body: Any) -> None:
        """Raises Problem."""
        self._found(self._ask("POST", path, json=body))

    def delete(self, *path: str) -> None:
        """Take something away, if it is there. Raises Problem."""
        self._ask("DELETE", path)

    def login(self) -> str:
        """Scheme, host and port at which clients of this broker log in, seen from here. Raises Problem."""
        listening = self.told("overview")["listeners"]
        ports = {LOGINS[each["protocol"]]: each["port"] for each in listening if each["protocol"] in LOGINS}
        scheme = "amqp" if "amqp" in ports else "amqps"
        if not ports:
            raise Problem("The broker takes no AMQP connections; say by --host where teams reach it")
        return f"{scheme}://{self.host}:{ports[scheme]}"

    def _ask(self, method: str, path: tuple[str, ...], **body: Any) -> httpx.Response:
        place = "/".join(["api", *(quote(part, safe="") for part in path)])
        try:
            with client(str(self._url)) as management:
                answer = management.request(method, place, **body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = str(error) or type(error).__name__
            at = f"The broker's management cannot be reached at {self._place}"
            raise Unavailable(f"{at} ({told}); give its address in REDRESS_MANAGEMENT_URL") from None
        if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
            return answer
        raise _refusal(answer)

    def _found(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise _refusal(answer)
        return answer


def _refusal(answer: httpx.Response) -> Problem:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return Problem(
            "The broker refuses this user or password: REDRESS_MANAGEMENT_URL names its administrator"
        )
    try:
        reason = str(answer.json()["reason"])
    except (ValueError, LookupError, TypeError):
        reason = "without a reason; is this a RabbitMQ management API?"
    what = f"{answer.request.method} {answer.request.url.path}"
    return Problem(f"The broker answered {what} with {answer.status_code}: {reason}")


def client(url: str) -> httpx.Client:
    """A client for paths below this address; with `?cafile=` it trusts the authorities in that file alone."""
    given = httpx.URL(url)
    trusted = given.params.get("cafile")
    verify = ssl.create_default_context(cafile=trusted) if trusted else True
    login = httpx.BasicAuth(given.username, given.password)
    root = given.copy_with(query=None, username=None, password=None)
    return httpx.Client(base_url=root, auth=login, verify=verify, timeout=30, trust_env=False)
