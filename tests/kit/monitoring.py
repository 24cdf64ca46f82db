"""What Prometheus and Grafana are told: rules, dashboards, their expressions and the metrics these name."""

import json
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import prometheus_client
import yaml

from deploy.local.install import install_prometheus
from deploy.provision import SERVICES

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
PROVEN = ROOT / "deploy" / "prometheus" / "tests"
RUNBOOKS = ROOT / "docs" / "runbooks"
BOARDS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
}
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}
NAMED = re.compile(r"\b(?:redress|http_server|rabbitmq|process|python)_[a-z0-9_]+")
PARTS = ("_bucket", "_count", "_sum")
VARIABLES = {"$__rate_interval": "5m", "$service": ".+", "$queue": ".+"}


def promtool(*words: str) -> str:
    """What promtool says. Raises AssertionError where it finds fault."""
    done = subprocess.run(
        [install_prometheus() / "promtool", *words], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked() -> Iterator[tuple[str, str]]:
    """Every expression of rules and dashboards, and where it stands."""
    for group in GROUPS:
        for rule in group["rules"]:
            yield rule.get("alert", rule.get("record")), rule["expr"]
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", with_values(target["expr"])


def with_values(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def metrics_asked() -> set[str]:
    """The metrics by which the expressions go."""
    return {family(name) for _, expression in asked() for name in NAMED.findall(expression)}


def family(name: str) -> str:
    """A histogram's own name."""
    part = next((part for part in PARTS if name.endswith(part)), "")
    return name.removesuffix(part)


def metrics_of_services() -> set[str]:
    """What the services' own code defines."""
    for service in SERVICES:
        import_module(f"services.{service}.app")
    found = prometheus_client.REGISTRY.collect()
    return {each.name + ("_total" if each.type == "counter" else "") for each in found}
