"""HTTP manners that all five services share: who may enter and how often, bodies, pages and problems.

Source: RFC 9457 (problem details), RFC 6750 (bearer tokens), W3C Trace Context. One module for each manner;
`doorway` is the outermost, `callers` what routes ask for, `sessions` how browsers are known, `described` what
OpenAPI says of all this.
"""

import re

from fastapi import FastAPI

from shared.http import answers, described
from shared.http.answers import ProblemDocument, problem_response
from shared.http.bodies import BodyText, body_text
from shared.http.callers import Caller, Who, anybody, caller, principal, subscriber
from shared.http.conditions import Key, idempotency_key, version_of
from shared.http.described import carries, takes
from shared.http.doorway import Doorway
from shared.http.languages import NAMES as LANGUAGE_NAMES
from shared.http.languages import chosen_language, preferred_language
from shared.http.pages import PageToken, page_token, place_token, read_page_token, read_place_token
from shared.http.straight import straight

__all__ = [
    "LANGUAGE_NAMES",
    "BodyText",
    "Caller",
    "Key",
    "PageToken",
    "ProblemDocument",
    "Who",
    "anybody",
    "body_text",
    "caller",
    "carries",
    "chosen_language",
    "idempotency_key",
    "page_token",
    "place_token",
    "preferred_language",
    "principal",
    "problem_response",
    "read_page_token",
    "read_place_token",
    "set_up",
    "straight",
    "subscriber",
    "takes",
    "version_of",
]


def set_up(app: FastAPI, streams: re.Pattern[str] | None = None) -> None:
    """Give an application these manners, before its routers; bodies are streamed where `streams` matches.

    It is matched against the whole path of a request, without the query.
    """
    answers.set_up(app)
    described.set_up(app)
    app.add_middleware(Doorway, streams=streams)
