"""What partners read: the documents in `docs/openapi/` are complete, and those that services serve."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deploy.local.stage import Stage
from deploy.provision import SERVICES
from deploy.schemas import APIS, api, apis


def operations(service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in api(service)["paths"].items():
        for method, operation in found.items():
            yield path, method, operation


def test_the_documents_are_those_of_the_services() -> None:
    """`python -m deploy.schemas` writes them anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in APIS.iterdir()} == apis()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_serves_its_document(played: Stage, service: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert (await client.get(f"{played.system.url(service)}/openapi.json")).json() == api(service)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_told_in_words(service: str) -> None:
    told = list(operations(service))
    tags = {tag["name"]: tag["description"] for tag in api(service)["tags"]}
    assert len({operation["operationId"] for _, _, operation in told}) == len(told)
    for path, _, operation in told:
        [tag] = operation["tags"]
        assert tags.pop(tag, "told before")
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert " " in operation["summary"], operation["summary"]
        assert not operation["summary"].endswith(".")
        assert operation.get("description", ".").endswith("."), operation["description"]
        assert ("security" in operation) == path.startswith("/v1/")
    assert not tags


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_told_whole(service: str) -> None:
    for path, method, operation in operations(service):
        assert {"422", "429", "503"} <= operation["responses"].keys()
        assert ("404" in operation["responses"]) or "{" not in path
        for status, answer in operation["responses"].items():
            if status.startswith("2") and status != "204":
                assert answer["content"], (path, method)
                assert {"RateLimit", "RateLimit-Policy"} <= answer["headers"].keys()


def test_headers_that_matter_are_told() -> None:
    complaints = api("intake")["paths"]
    made = complaints["/v1/complaints"]["post"]
    assert {"Location", "ETag"} <= made["responses"]["201"]["headers"].keys()
    for path in ("steps", "facts"):
        operation = complaints[f"/v1/complaints/{{id}}/{path}"]["post"]
        assert {"Idempotency-Key", "If-Match"} <= {each["name"] for each in operation["parameters"]}
        assert "ETag" in operation["responses"]["200"]["headers"]
        assert {"412", "428"} <= operation["responses"].keys()
    shared = api("intake")["components"]
    assert {"Retry-After"} == shared["responses"]["Problem429"]["headers"].keys()


def test_bodies_that_stream_in_are_told() -> None:
    complaints = api("intake")["paths"]
    rows = complaints["/v1/complaints:import"]["post"]["requestBody"]
    assert rows["required"]
    assert {"text/csv", "application/jsonl"} <= rows["content"].keys()
    file = complaints["/v1/complaints/{id}/evidence"]["post"]["requestBody"]["content"]
    assert file["image/jpeg"]["schema"] == {"type": "string", "format": "binary"}


def test_no_parameter_takes_null() -> None:
    """Nothing in a URL or a header is ever null; it is left out."""
    for service in SERVICES:
        for _, _, operation in operations(service):
            for parameter in operation.get("parameters", []):
                assert {"type": "null"} not in parameter["schema"].get("anyOf", [])
                assert parameter["schema"]
