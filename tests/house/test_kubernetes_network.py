"""On Kubernetes: who reaches whom, the operator, and what servers and Ingress must be told."""

from urllib.parse import urlsplit

import pytest
import yaml
from fastapi.sse import _PING_INTERVAL

from deploy.local.system import ROOT
from deploy.provision import SERVICES
from shared.settings import Settings
from tests.kit.manifests import Manifest, containers, named, pod, rendered
from tests.kit.policies import Place, our_pod, reaches

ALL = {named(each): each for name in ("house", "servers", "doors") for each in rendered(name)}
OPERATOR = ALL["Deployment", "operator"]
FRONT = Place({"redress/front": "true"})
WATCHES = Place({"redress/watches": "true"})
KEDA = Place({"kubernetes.io/metadata.name": "keda"})
OPEN = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
METADATA = ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1")
AMQP, MANAGEMENT, BROKER_METRICS, MONGO, HTTP = 5672, 15672, 15692, 27017, 8000


def reached(source: Place, port: int, *names: str) -> set[str]:
    return {name for name in names if reaches(source, our_pod(name), port)}


# who reaches whom


def test_what_no_policy_allows_is_forbidden() -> None:
    rest = ALL["NetworkPolicy", "nothing-else"]["spec"]
    assert rest == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_broker_and_database_and_no_other_service(service: str) -> None:
    me = our_pod(service)
    assert reaches(me, our_pod("rabbitmq"), AMQP)
    assert reaches(me, our_pod("mongodb"), MONGO)
    assert not reaches(me, our_pod("rabbitmq"), MANAGEMENT)
    assert reached(me, HTTP, *SERVICES, "operator") == set()


def test_the_job_reaches_the_database_alone() -> None:
    assert reaches(our_pod("database"), our_pod("mongodb"), MONGO)
    assert not reaches(our_pod("database"), our_pod("rabbitmq"), AMQP)


def test_who_scales_reads_the_inboxes_and_no_more() -> None:
    assert reaches(KEDA, our_pod("rabbitmq"), AMQP)
    assert not reaches(KEDA, our_pod("rabbitmq"), MANAGEMENT)
    assert reached(KEDA, HTTP, *SERVICES) == set()


def test_who_watches_reaches_every_metric_and_no_more() -> None:
    assert reached(WATCHES, HTTP, *SERVICES) == set(SERVICES)
    assert reaches(WATCHES, our_pod("rabbitmq"), BROKER_METRICS)
    assert not any(reaches(WATCHES, our_pod("rabbitmq"), port) for port in (AMQP, MANAGEMENT))
    assert not reaches(WATCHES, our_pod("mongodb"), MONGO)


def test_only_intake_and_survey_have_a_door_to_the_front() -> None:
    assert reached(FRONT, HTTP, *SERVICES, "operator") == {"intake", "survey"}
    paths = [path for rule in DOOR["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {path["backend"]["service"]["name"] for path in paths} == {"intake", "survey"}


@pytest.mark.parametrize("address", OPEN)
def test_only_notify_reaches_the_world_on_the_ports_of_mail_web_and_webhooks(address: str) -> None:
    world = Place(address=address)
    for name in (*SERVICES, "operator", "database", "rabbitmq", "mongodb"):
        out = {port for port in (25, 443, 8443) if reaches(our_pod(name), world, port)}
        assert bool(out) == (name == "notify"), name
    for port in (25, 80, 443, 465, 587, 1024, 8443, 65535):
        assert reaches(our_pod("notify"), world, port), port
    for port in (22, 1023):
        assert not reaches(our_pod("notify"), world, port), port


@pytest.mark.parametrize("address", METADATA)
def test_nobody_reaches_what_a_cloud_tells_its_machines(address: str) -> None:
    for port in (80, 443, 8080):
        assert not reaches(our_pod("notify"), Place(address=address), port)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.20.0.1", "192.168.1.1"])
def test_notify_reaches_mail_servers_of_the_house_and_nothing_else_there(address: str) -> None:
    inside = Place(address=address)
    assert reaches(our_pod("notify"), inside, 587)
    assert not any(reaches(our_pod("notify"), inside, port) for port in (6443, 9200, 10250))


# the operator


def test_the_operator_is_let_through_to_all_that_the_commands_speak_to() -> None:
    me = our_pod("operator")
    assert reached(me, HTTP, *SERVICES) == {"intake", "triage", "sla"}
    assert reaches(me, our_pod("rabbitmq"), AMQP)
    assert reaches(me, our_pod("rabbitmq"), MANAGEMENT)
    assert reaches(me, our_pod("mongodb"), MONGO)
    for name in (*SERVICES, "database", "mongodb"):
        assert not reaches(our_pod(name), our_pod("rabbitmq"), MANAGEMENT), name


def test_the_operator_has_what_the_one_of_compose_has() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["operator"]
    (container,) = containers(OPERATOR)
    plain = {each["name"]: each["value"] for each in container["env"]}
    assert plain == compose["environment"], "secrets are files, in no environment"
    (secrets,) = [each for each in OPERATOR["spec"]["template"]["spec"]["volumes"] if "secret" in each]
    assert secrets["secret"]["secretName"] == "redress-operator"
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounts[secrets["name"]] == "/run/secrets"
    for name, value in plain.items():
        url = urlsplit(value)
        assert ("Service", url.hostname) in ALL, name
        assert url.port == HTTP


def test_nobody_sits_at_the_operators_desk_until_it_is_said_so() -> None:
    assert OPERATOR["spec"]["replicas"] == 0
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    assert "kubectl -n redress scale deployment/operator --replicas 1" in page
    assert "kubectl -n redress exec -it deployment/operator -- redress " in page


# servers


def mounts(manifest: Manifest) -> dict[str, str]:
    """Kinds of volumes by where they are mounted."""
    kinds = {each["name"]: next(iter(each.keys() - {"name"})) for each in pod(manifest)["volumes"]}
    kinds |= {each["metadata"]["name"]: "claim" for each in manifest["spec"]["volumeClaimTemplates"]}
    (container,) = pod(manifest)["containers"]
    return {each["mountPath"]: kinds[each["name"]] for each in container["volumeMounts"]}


def test_the_brokers_cookie_lies_in_no_volume_that_is_mounted_again() -> None:
    """Mounting gives files of a claim to the pod's group; Erlang refuses a cookie that a group may read."""
    found = mounts(ALL["StatefulSet", "rabbitmq"])
    assert found["/var/lib/rabbitmq"] == "emptyDir"
    assert [path for path, kind in found.items() if kind == "claim"] == ["/var/lib/rabbitmq/mnesia"]


@pytest.mark.parametrize("server", ["rabbitmq", "mongodb"])
def test_files_of_a_server_change_their_group_once(server: str) -> None:
    assert pod(ALL["StatefulSet", server])["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


# the Ingress

DOOR = ALL["Ingress", "redress"]


def test_the_ingress_takes_a_file_that_intake_takes() -> None:
    size = DOOR["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) * 2**20 > Settings.model_fields["max_upload"].default


def test_the_ingress_leaves_streams_open_that_are_silent() -> None:
    told = DOOR["metadata"]["annotations"]
    for way in ("read", "send"):
        assert int(told[f"nginx.ingress.kubernetes.io/proxy-{way}-timeout"]) > 10 * _PING_INTERVAL
