"""The Kubernetes manifests: what public schemas say of them, and what the house asks of itself."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes import FOLDERS, secrets
from deploy.local.install import install_kubectl
from deploy.local.system import ROOT
from deploy.provision import SERVICES
from shared.service import STOPPING_S
from shared.settings import Settings
from tests.kit.manifests import FOLDER, LEAVES, WHOLE, Manifest, containers, named, pod, rendered

VERSIONS = ("1.31", kubernetes_validate.latest_version())
ALL = [(name, each) for name in LEAVES for each in rendered(name)]
MAKERS = [(name, each) for name, each in ALL if pod(each)]
HOUSE = {named(each): each for each in rendered("house")}
KEDA = "keda.sh"
PART = {"app.kubernetes.io/part-of": "redress"}


def ids(pairs: list[tuple[str, Manifest]]) -> list[str]:
    return [f"{name} {'/'.join(named(each))}" for name, each in pairs]


def setting_names() -> set[str]:
    return {f"REDRESS_{name.upper()}" for name in Settings.model_fields}


# schemas


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("name", "each"), ALL, ids=ids(ALL))
def test_it_has_the_form_that_kubernetes_publishes_and_no_unknown_field(
    name: str, each: Manifest, version: str
) -> None:
    if KEDA not in each["apiVersion"]:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_manifest_with_an_unknown_field_would_be_refused() -> None:
    wrong = json.loads(json.dumps(HOUSE["Deployment", "intake"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", [*LEAVES, *WHOLE])
def test_kubectl_renders_what_is_tested_here(name: str, tmp_path: Path) -> None:
    """The distribution's, and the machine's own if it has one."""
    for kubectl in {str(install_kubectl()), shutil.which("kubectl") or str(install_kubectl())}:
        ran = subprocess.run(
            [kubectl, "kustomize", _readable(kubectl, tmp_path) / name], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        assert "deprecated" not in ran.stderr
        found = {named(each): each for each in yaml.safe_load_all(ran.stdout)}
        assert found == {named(each): each for each in rendered(name)}


def _readable(kubectl: str, folder: Path) -> Path:
    """The manifests, with folders under `bases`, and not `resources`, for a version before 1.21."""
    asked = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, text=True)
    (minor,) = re.findall(r'"minor": "(\d+)', asked.stdout)[:1]
    if int(minor) >= 21:
        return FOLDER
    shutil.copytree(FOLDER, folder / "k8s")
    for name in WHOLE:
        file = folder / "k8s" / name / "kustomization.yaml"
        file.write_text(file.read_text().replace("resources:", "bases:"))
    return folder / "k8s"


# the house is whole


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_every_service_has_its_own(service: str, kind: str) -> None:
    mine = {"app.kubernetes.io/name": service} | PART
    spec = HOUSE[kind, service]["spec"]
    found = spec.get("podSelector") or spec["selector"]
    assert found.get("matchLabels", found) == mine
    assert HOUSE["Deployment", service]["spec"]["template"]["metadata"]["labels"] == mine


@pytest.mark.parametrize("service", SERVICES[1:])
def test_services_differ_in_their_names_alone_but_for_whom_they_reach(service: str) -> None:
    def told(name: str) -> list[str]:
        found = [*rendered("house"), *rendered("scaling")]
        own = [each for each in found if each["metadata"]["name"] == name and each["kind"] != "NetworkPolicy"]
        return [json.dumps(each).replace(name, "SERVICE") for each in own]

    assert told(service) == told(SERVICES[0])
    assert len(told(service)) == 5


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_scaled_by_its_own_inbox_and_by_load(service: str) -> None:
    found = {named(each): each["spec"] for each in rendered("scaling")}
    scaled = found["ScaledObject", service]
    assert scaled["scaleTargetRef"] == {"name": service}
    assert scaled["minReplicaCount"] >= 2
    assert {each["type"]: each for each in scaled["triggers"]}.keys() == {"rabbitmq", "cpu"}
    queue = next(each for each in scaled["triggers"] if each["type"] == "rabbitmq")
    assert queue["metadata"]["queueName"] == f"{service}.inbox"
    login = found["TriggerAuthentication", queue["authenticationRef"]["name"]]["secretTargetRef"]
    assert login == [{"parameter": "host", "name": f"redress-{service}", "key": "redress_amqp_url"}]
    assert "replicas" not in HOUSE["Deployment", service]["spec"], "applying it would undo the scaling"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_the_one_image_under_its_own_name(service: str) -> None:
    (container,) = containers(HOUSE["Deployment", service])
    assert container["image"] == "redress"
    assert container["env"] == [{"name": "SERVICE", "value": service}]


@pytest.mark.parametrize("service", SERVICES)
def test_a_new_replica_is_ready_before_an_old_one_goes_and_that_one_may_finish(service: str) -> None:
    spec = HOUSE["Deployment", service]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    drain = float(HOUSE["ConfigMap", "settings"]["data"]["REDRESS_DRAIN_S"])
    assert drain > 0
    assert pod(HOUSE["Deployment", service])["terminationGracePeriodSeconds"] > 2 * drain + 3 + STOPPING_S


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_what_the_service_answers(service: str) -> None:
    (container,) = containers(HOUSE["Deployment", service])
    doors = (ROOT / "shared" / "service.py").read_text()
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["port"] for each in asked.values()} == {"http"}
    assert [port["containerPort"] for port in container["ports"]] == [8000]
    assert "REDRESS_PORT=8000" in (ROOT / "deploy" / "Dockerfile").read_text()
    assert {name: each["path"] for name, each in asked.items()} == {
        "startup": "/health/live",
        "liveness": "/health/live",
        "readiness": "/health/ready",
    }
    assert all(f'router.get("{each["path"]}")' in doors for each in asked.values())


# settings and secrets


def test_settings_are_settings_that_exist() -> None:
    assert HOUSE["ConfigMap", "settings"]["data"].keys() <= setting_names()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The Secrets that the documented commands make, by name."""
    folder = str(tmp_path_factory.mktemp("secrets"))
    hosts = ["--mongo-hosts", "mongodb-0.mongodb", "--amqp-host", "rabbitmq:5672"]
    subprocess.run(
        [sys.executable, "-m", "deploy.provision", "secrets", folder, *hosts], check=True, cwd=ROOT
    )
    said = subprocess.run(
        [sys.executable, "-m", "deploy.kubernetes", folder],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert json.loads(said.stdout) == secrets(Path(folder))
    return {each["metadata"]["name"]: each for each in json.loads(said.stdout)["items"]}


def test_the_secrets_that_are_made_are_secrets(made: dict[str, Manifest]) -> None:
    for each in made.values():
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
        assert each["data"], "an empty folder"
        assert each["metadata"]["namespace"] == "redress"
    assert made.keys() == {f"redress-{folder}" for folder in (*FOLDERS, "provision")}


def test_what_is_mounted_or_named_is_made(made: dict[str, Manifest]) -> None:
    for _, each in ALL:
        text = json.dumps(each)
        assert set(re.findall(r'"secretName": "(redress-(?!tls)[a-z]+)"', text)) <= made.keys()
        for name, key in re.findall(r'"name": "(redress-[a-z]+)", "key": "(\w+)"', text):
            assert key in made[name]["data"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sees_its_own_secrets_only_and_they_are_settings(
    service: str, made: dict[str, Manifest]
) -> None:
    volumes = pod(HOUSE["Deployment", service])["volumes"]
    mounted = [each["secret"]["secretName"] for each in volumes if "secret" in each]
    assert mounted == [f"redress-{service}"]
    assert {file.upper() for file in made[mounted[0]]["data"]} <= setting_names()


def test_the_broker_and_the_database_are_found_where_they_are(made: dict[str, Manifest]) -> None:
    """Small: names of the Services there, as the first commands of docs/kubernetes.md give them."""
    servers = {each["metadata"]["name"] for each in rendered("servers") if each["kind"] == "Service"}
    assert servers == {"rabbitmq", "mongodb"}
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    assert "--amqp-host rabbitmq:5672" in page
    assert "--mongo-hosts mongodb-0.mongodb" in page


# nobody can do more than they need


@pytest.mark.parametrize(("name", "each"), MAKERS, ids=ids(MAKERS))
def test_a_pod_keeps_the_restricted_standard(name: str, each: Manifest) -> None:
    """Pod Security Standards, restricted; and its root file system cannot be written."""
    made = pod(each)
    assert made["automountServiceAccountToken"] is False
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["runAsUser"] > 0
    assert made["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not made.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert {next(iter(volume.keys() - {"name"})) for volume in made["volumes"]} <= {"secret", "emptyDir"}
    for container in containers(each):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize(("name", "each"), MAKERS, ids=ids(MAKERS))
def test_a_pod_asks_for_what_it_needs_and_gets_no_more(name: str, each: Manifest) -> None:
    for container in containers(each):
        for share in ("requests", "limits"):
            assert container["resources"][share].keys() == {"cpu", "memory"}


def test_the_image_runs_as_the_user_that_pods_are_given() -> None:
    (user,) = re.findall(r"(?m)^USER (\d+)$", (ROOT / "deploy" / "Dockerfile").read_text())
    for service in SERVICES:
        assert pod(HOUSE["Deployment", service])["securityContext"]["runAsUser"] == int(user)


def test_no_password_stands_in_a_manifest() -> None:
    for path in FOLDER.rglob("*.yaml"):
        text = path.read_text()
        assert "kind: Secret\n" not in text
        assert not re.search(r"\w://[^/\s:@]+:[^/\s@]+@", text), "a URL with credentials"
