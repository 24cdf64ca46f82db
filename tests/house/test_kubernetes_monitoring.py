"""On Kubernetes Prometheus finds every replica of every service and the broker, each under its job."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.provision import SERVICES
from tests.kit.manifests import Manifest, containers, pod, rendered
from tests.kit.monitoring import RULES, promtool

CONFIGURATION = RULES.parent / "kubernetes.yml"
COMPOSE = RULES.parent / "prometheus.yml"
PODS = {"role": "pod", "namespaces": {"names": ["redress"]}}
MAKERS = [each for name in ("house", "servers") for each in rendered(name) if pod(each)]
META = "__meta_kubernetes_pod"


def told(file: Path = CONFIGURATION) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def targets(maker: Manifest, address: str, phase: str = "Running") -> list[Manifest]:
    """What Prometheus makes of a pod of the manifest: a target for each port, or one without a port.

    As its documentation of `kubernetes_sd_config`, role `pod`, has it.
    """
    labels = maker["spec"]["template"]["metadata"]["labels"]
    common = {f"{META}_label_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value for name, value in labels.items()}
    common |= {f"{META}_phase": phase, f"{META}_name": f"{maker['metadata']['name']}-0"}
    ports = [port for container in containers(maker) for port in container.get("ports", [])]
    if not ports:
        return [{"targets": [address], "labels": common}]
    return [
        {
            "targets": [f"{address}:{port['containerPort']}"],
            "labels": common
            | {
                f"{META}_container_port_name": port["name"],
                f"{META}_container_port_number": str(port["containerPort"]),
            },
        }
        for port in ports
    ]


def found(folder: Path, job: str, given: list[Manifest]) -> set[tuple[str, str]]:
    """Job and address of what the job asks, by Prometheus itself."""
    configuration = told() | {"rule_files": []}
    for each in configuration["scrape_configs"]:
        assert each.pop("kubernetes_sd_configs") == [PODS]
        each["static_configs"] = given
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    promtool("check", "config", str(file))
    said = json.loads(promtool("check", "service-discovery", "--timeout=2s", str(file), job))
    return {(kept["job"], kept["__address__"]) for each in said if (kept := each.get("labels"))}


@pytest.fixture(scope="module")
def given() -> list[Manifest]:
    """Two pods of each service, one of each other kind, and one service's that was evicted."""
    twice = [each for each in MAKERS if each["metadata"]["name"] in SERVICES]
    running = [
        target
        for number, each in enumerate([*MAKERS, *twice], start=1)
        for target in targets(each, f"10.0.0.{number}")
    ]
    return running + targets(twice[0], "10.0.0.99", "Failed")


def test_every_replica_of_every_service_is_asked_under_its_name(
    given: list[Manifest], tmp_path: Path
) -> None:
    asked = found(tmp_path, "services", given)
    assert sorted(job for job, _ in asked) == sorted([*SERVICES, *SERVICES])
    assert all(address.endswith(":8000") for _, address in asked)
    assert "10.0.0.99:8000" not in {address for _, address in asked}


@pytest.mark.parametrize("job", ["rabbitmq", "rabbitmq-queues"])
def test_the_broker_is_asked_on_the_port_of_its_metrics(
    job: str, given: list[Manifest], tmp_path: Path
) -> None:
    ((name, address),) = found(tmp_path, job, given)
    assert (name, address.partition(":")[2]) == (job, "15692")


def test_jobs_and_rules_are_those_of_compose() -> None:
    here, there = told(), told(COMPOSE)
    names = [each["job_name"] for each in there["scrape_configs"] if each["job_name"] not in SERVICES]
    assert [each["job_name"] for each in here["scrape_configs"]] == ["services", *names]
    assert {key: here[key] for key in here if key != "scrape_configs"} == {
        key: there[key] for key in there if key != "scrape_configs"
    }
    for name in names:
        (one,), (other,) = (
            [each for each in file["scrape_configs"] if each["job_name"] == name] for file in (here, there)
        )
        for key in ("metrics_path", "params"):
            assert one.get(key) == other.get(key)
