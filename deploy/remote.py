"""A service of the house over HTTP: what it answers, or why it refused, in words."""

from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from shared.problems import Fault, Problem, Unavailable

PATIENCE = httpx.Timeout(300, connect=5)
"""A rehearsal goes through every grading on record."""


class Answer(BaseModel):
    """A problem document (RFC 9457), as far as it is shown."""

    title: str = "The request was refused"
    detail: str = ""
    errors: list[Fault] = []


class Server:
    """The paths below one root of a service at this address, for the caller with this key."""

    def __init__(self, service: str, url: str, root: str, key: str) -> None:
        self._service, self._url, self._root = service, url.rstrip("/"), root
        self._headers = {b"Authorization": b"Bearer " + key.strip().encode()} if key.strip() else {}

    def send(self, method: str, path: str, **body: Any) -> Any:
        """The answer's JSON. Raises Problem for a refusal, and for a server that is not there."""
        answer = self.answer(method, path, **body)
        try:
            return answer.json()
        except ValueError:
            told = f"{self._url} answered, but not with JSON; is this {self._service}?"
            raise Unavailable(told) from None

    def answer(self, method: str, path: str, **body: Any) -> httpx.Response:
        """The answer as it came. Raises Problem as `send` does."""
        form = {b"Content-Type": b"application/yaml"} if "content" in body else {}
        try:
            with httpx.Client(trust_env=False, timeout=PATIENCE, headers=self._headers | form) as client:
                answer = client.request(method, f"{self._url}{self._root}/{path}", **body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = str(error) or type(error).__name__
            place = f"{self._service.capitalize()} cannot be reached at {self._url}"
            raise Unavailable(f"{place} ({told}); give its address by --url") from None
        if not answer.is_success:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: httpx.Response) -> Problem:
        try:
            told = Answer.model_validate_json(answer.content)
        except ValidationError:
            where = f"{answer.url} answered {answer.status_code}, without a reason"
            return Problem(f"{where}; is this {self._service}?")
        hint = " (--key, or REDRESS_API_KEY)" if answer.status_code == 401 else ""
        return Problem(f"{told.detail or told.title}{hint} ({answer.status_code})", told.errors)
