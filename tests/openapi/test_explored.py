"""Services are what their OpenAPI documents say, whatever they are asked; `make schemathesis` asks longer."""

import asyncio
from copy import deepcopy

import pytest

from deploy.local.stage import Stage
from deploy.schemas import api
from tests.openapi.explorer import explore
from tests.openapi.runs import RUNS, Told, report, run, told

EXAMPLES, SEED = 3, 1


@pytest.fixture(scope="module")
async def about(played: Stage) -> Told:
    return await told(played)


@pytest.mark.parametrize(("service", "caller"), RUNS)
async def test_nothing_breaks_its_description(played: Stage, about: Told, service: str, caller: str) -> None:
    edges = service != "intake" or caller == "front-end"  # a form has the same for all callers
    tally = await run(played, service, caller, about, EXAMPLES, SEED, edges)
    faults = "\n".join(report(service, caller, tally))
    assert tally.calls > 100, faults
    assert (tally.server_errors, tally.violations, tally.errors) == (0, {}, []), faults


async def test_what_is_described_falsely_is_found(played: Stage, about: Told) -> None:
    false = deepcopy(api("notify"))
    answers = false["paths"]["/v1/notices/{complaint}"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    answers["200"]["headers"]["X-Missing"] = {"required": True, "schema": {"type": "string"}}
    del answers["404"]
    tally = await asyncio.to_thread(
        explore,
        false,
        played.system.url("notify"),
        played.system.key,
        about.of("notify"),
        examples=5,
        seed=SEED,
    )
    operation = "GET /v1/notices/{complaint}"
    wanted = ("response_schema_conformance", "response_headers_conformance", "status_code_conformance")
    assert {f"{check}: {operation}" for check in wanted} <= tally.violations.keys()
