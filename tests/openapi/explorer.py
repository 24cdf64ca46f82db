"""Schemathesis on a running service: calls made from its OpenAPI document, and what an answer breaks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished

from tests.openapi.exceptions import NOT_CALLED, OTHERWISE, checks

SHOWN = 1_500
MOSTLY = 0.7
Known = Mapping[str, Sequence[str | int]]


@dataclass
class Tally:
    """What a run came to: `violations` by check and operation, with one way to see each.

    `went` counts the calls of each operation that succeeded: one that never does is not explored.
    """

    calls: int = 0
    went: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    violations: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def add(self, event: EngineEvent) -> None:
        match event:
            case ScenarioFinished(recorder=recorder):
                self.calls += len(recorder.interactions)
                for id, call in recorder.interactions.items():
                    status = call.response.status_code if call.response else 0
                    self.statuses[status] += 1
                    self.went[recorder.cases[id].value.operation.label] += 200 <= status < 300
                self.violations |= dict(_violations(event))
            case NonFatalError(info=info, label=label):
                self.errors.append(f"{label}: {info.title} {info.message}")
            case FatalError(exception=exception):
                self.errors.append(repr(exception))

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"calls={self.calls} server_errors={self.server_errors} violations={len(self.violations)}"
            f" errors={len(self.errors)} ({statuses})"
        )


def _violations(event: ScenarioFinished) -> Iterator[tuple[str, str]]:
    recorder = event.recorder
    for case_id, done in recorder.checks.items():
        for check in done:
            if (info := check.failure_info) is not None:
                operation = recorder.cases[case_id].value.operation.label
                call = recorder.interactions.get(case_id)
                answer = call.response.content[:500] if call and call.response else b""
                told = f"{info.failure.title}: {info.failure.message}\n{info.code_sample}\n{answer!r}"
                yield f"{check.name}: {operation}", told[:SHOWN]


def explore(
    document: Mapping[str, Any],
    url: str,
    key: str,
    known: Known,
    *,
    examples: int,
    seed: int,
    edges: bool = True,
) -> Tally:
    """Call every operation of a document in so many ways, as the owner of this key; all checks.

    `known` are values by parameter (`path.complaint`) or field (`body.role`), which most calls use. With
    `edges` every bound of every form is tried too, however many examples are asked for.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "headers": {"Authorization": f"Bearer {key}"},
            "request-timeout": 20,
            "continue-on-failure": True,
            # Of all instants that a form may hold, few are ones that a clock reaches.
            "suppress-health-check": ["filter_too_much"],
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "phases": {"coverage": {"enabled": edges}},
            "checks": OTHERWISE,
            "dictionaries": {_name(each): {"values": list(values)} for each, values in known.items()},
            "parameters": {each: {"dictionary": _name(each), "probability": MOSTLY} for each in known},
            "operations": [
                *({"include-name": name, "enabled": False} for name in NOT_CALLED),
                *({"include-name": name, "checks": off} for name, off in checks().items()),
            ],
        }
    )
    tally = Tally()
    for event in from_schema(schemathesis.openapi.from_dict(dict(document), config=config)).execute():
        tally.add(event)
    return tally


def _name(parameter: str) -> str:
    return parameter.replace(".", "_")
