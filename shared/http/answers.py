"""Answers that refuse: each problem as its RFC 9457 document, whatever part of the stack refused."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from shared import telemetry
from shared.problems import Fault, Invalid, Malformed, Problem, faults_of

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """Why a request was refused, and how to mend it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="What kind of problem it is: /problems/<kind>, or about:blank")
    title: str = Field(description="The same in words, alike for all problems of this kind")
    status: int
    detail: str | None = Field(None, description="What it is this time")
    errors: list[Fault] | None = Field(None, description="The fields to mend")
    trace_id: str | None = Field(None, description="Under this the request is found in traces and logs")

    def response(self, headers: dict[str, str] | None = None) -> Response:
        return Response(self.model_dump_json(exclude_none=True), self.status, headers, MEDIA_TYPE)


def problem_response(problem: Problem) -> Response:
    """A problem as its RFC 9457 document."""
    document = ProblemDocument(
        type=f"/problems/{problem.slug}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        errors=list(problem.errors) or None,
        trace_id=telemetry.trace_id(),
    )
    pause = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    return document.response({**problem.headers, **pause})


def plain(status: int, title: str, headers: dict[str, str] | None = None) -> Response:
    """A problem that needs no more words than its status."""
    document = ProblemDocument(type="about:blank", title=title, status=status, trace_id=telemetry.trace_id())
    return document.response(headers)


def set_up(app: FastAPI) -> None:
    """Let an application refuse in no other form."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = faults_of([_without_tag(each, error.body) for each in error.errors()])
    if any(each["type"] == "json_invalid" for each in error.errors()):
        return problem_response(Malformed("The body is not valid JSON", found))
    return problem_response(Invalid("The request does not have the form it must have", found))


def _without_tag(finding: dict[str, Any], body: Any) -> dict[str, Any]:
    """A finding whose place names fields only: the tag of a union, which is a value of the body, is none."""
    place = list(finding["loc"])
    if isinstance(body, dict) and len(place) > 1 and place[1] not in body and place[1] in body.values():
        del place[1]
    return finding | {"loc": place}


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return problem_response(error.__cause__)
    if error.status_code == 400:
        unreadable = Fault(detail="send one JSON value in UTF-8", pointer="#")
        return problem_response(Malformed("The body cannot be read", [unreadable]))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return plain(error.status_code, str(error.detail), headers)


def _allowed(request: Request) -> set[str]:
    """Every method of this path (RFC 9110, 15.5.6); the framework names those of its first route only."""
    routes = iter_route_contexts(request.app.routes)
    return {
        method
        for route in routes
        if route.path and compile_path(route.path)[0].match(request.url.path)
        for method in route.methods or ()
    }
