"""What `docker compose up` promises: the whole house, its doors closed, no password in any file."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.provision import SERVICES, write_secrets
from shared.service import STOPPING_S

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]

ONCE = {"secrets", "database", "operator"}
MONITORING = {"prometheus", "grafana", "collector"}
VIEWERS = {"jaeger", "mailpit", "prometheus", "grafana"}
LOOSE = VIEWERS | MONITORING
PUBLISHED = {"intake", "survey"} | VIEWERS
STAYING = set(ALL) - ONCE
MONGO = {"mongo1", "mongo2", "mongo3"}


def internal(name: str) -> bool:
    return bool((COMPOSE["networks"][name] or {}).get("internal"))


def masqueraded(name: str) -> bool:
    options: dict[str, str] = (COMPOSE["networks"][name] or {}).get("driver_opts", {})
    return options.get("com.docker.network.bridge.enable_ip_masquerade") != "false"


def subpaths(name: str) -> set[str]:
    long = [volume for volume in ALL[name]["volumes"] if isinstance(volume, dict)]
    return {volume["volume"]["subpath"] for volume in long if volume["source"] == "secrets"}


def test_the_whole_house_is_there() -> None:
    assert set(ALL) == {*SERVICES, "rabbitmq", *MONGO, *VIEWERS, *MONITORING, *ONCE}


def test_only_what_everybody_needs_starts_by_itself() -> None:
    profiles = {name: service["profiles"] for name, service in ALL.items() if "profiles" in service}
    assert profiles == {"operator": ["operator"]} | {name: ["monitoring"] for name in MONITORING}
    leaned_on = {each for service in ALL.values() for each in service.get("depends_on", {})}
    assert not leaned_on & LOOSE


@pytest.mark.parametrize("name", sorted(MONITORING))
def test_what_watches_reads_files_that_are_here_and_changes_none(name: str) -> None:
    shared = [each.split(":") for each in ALL[name]["volumes"] if each.startswith("./")]
    assert shared
    for source, _, mode in shared:
        assert (ROOT / source).exists()
        assert mode == "ro"
    assert not subpaths(name), "no secrets"


def test_nobody_can_sign_in_where_anybody_may_look() -> None:
    told = ALL["grafana"]["environment"]
    assert told["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert told["GF_AUTH_DISABLE_LOGIN_FORM"] == told["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_the_one_image_under_its_own_name(name: str) -> None:
    service = ALL[name]
    assert service["image"] == ALL["secrets"]["image"]
    assert service["environment"]["SERVICE"] == name
    assert "build" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_when_broker_and_database_are_prepared(name: str) -> None:
    assert ALL[name]["depends_on"] == {
        "rabbitmq": {"condition": "service_healthy"},
        "database": {"condition": "service_completed_successfully"},
    }


@pytest.mark.parametrize("name", [*SERVICES, "operator"])
def test_a_service_sees_its_own_secrets_only(name: str) -> None:
    assert subpaths(name) == {name}


def test_only_intake_survey_and_the_pages_to_look_at_are_published() -> None:
    assert {name for name, service in ALL.items() if "ports" in service} == PUBLISHED
    for name in VIEWERS:
        assert all(port.startswith("127.0.0.1:") for port in ALL[name]["ports"])


def test_only_notify_reaches_the_world() -> None:
    networks = {name: ALL[name].get("networks", []) for name in STAYING}
    outside = {name for name, joined in networks.items() if any(map(reaches_out, joined))}
    assert outside == {"notify"}
    assert {name for name, joined in networks.items() if not all(map(internal, joined))} == PUBLISHED | {
        "notify"
    }


def reaches_out(network: str) -> bool:
    return not internal(network) and masqueraded(network)


@pytest.mark.parametrize("name", ["triage", "sla", "notify"])
def test_what_is_scaled_has_no_name_or_port_of_its_own(name: str) -> None:
    assert not ALL[name].keys() & {"container_name", "hostname", "ports"}


def test_no_password_and_no_guest_stands_in_it() -> None:
    values = re.sub(r"(?m)^\s*#.*$", "", TEXT)
    assert not re.search(r"guest|password|passwd|MONGO_INITDB_ROOT|RABBITMQ_DEFAULT", values, re.IGNORECASE)
    assert not re.search(r"\w://[^/\s:@]+:[^/\s@]+@", values), "a URL with credentials"


def test_no_secret_is_brought_into_an_environment_or_a_command_line() -> None:
    for name, service in ALL.items():
        told = f"{service.get('environment', '')}{service.get('command', '')}{service.get('entrypoint', '')}"
        assert not re.search(r"/run/secrets/redress_|\$\(", told), name


def test_an_operators_command_finds_its_secrets_where_they_are_mounted(tmp_path: Path) -> None:
    write_secrets(tmp_path)
    there = {path.name for path in (tmp_path / "operator").iterdir()}
    (mount,) = (each for each in ALL["operator"]["volumes"] if each["source"] == "secrets")
    assert (mount["target"], mount["read_only"]) == ("/run/secrets", True)
    assert there == {
        "redress_operator_amqp_url", "redress_management_url", "redress_public_key", "redress_api_key",
        "redress_approver_key", "redress_partner_key", "redress_auditor_mongo_url",
        "redress_backup_mongo_url", "redress_restore_mongo_url",
    }  # fmt: skip


def test_everybody_is_asked_after_their_health() -> None:
    """The services' check is the image's; the viewers bring their own, or have no shell to ask with."""
    assert "/health/ready" in DOCKERFILE.partition("HEALTHCHECK")[2]
    asked = {name for name in STAYING if ALL[name].get("healthcheck", {}).get("test")}
    assert asked == {"rabbitmq", *MONGO}
    assert not any(ALL[name].get("healthcheck", {}).get("disable") for name in STAYING)


@pytest.mark.parametrize("name", sorted(ALL))
def test_nobody_can_do_more_than_they_need(name: str) -> None:
    service = ALL[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "secrets" else [])


def test_nobody_who_stays_is_root() -> None:
    users = {name: str(ALL[name].get("user", "image")) for name in STAYING}
    assert re.findall(r"(?m)^USER (\d+)$", DOCKERFILE) == ["10001"]
    assert {name for name, user in users.items() if user == "image"} == set(SERVICES)
    assert not {"root", "0"} & set(users.values())


@pytest.mark.parametrize("name", sorted(STAYING))
def test_everybody_gets_time_to_finish_what_is_in_hand(name: str) -> None:
    assert int(ALL[name]["stop_grace_period"].removesuffix("s")) > 20
    assert ALL[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_answer_until_others_have_turned_away_and_then_finish(name: str) -> None:
    (drain,) = re.findall(r"REDRESS_DRAIN_S=(\d+)", DOCKERFILE)
    grace = int(ALL[name]["stop_grace_period"].removesuffix("s"))
    assert grace > 2 * int(drain) + 3 + STOPPING_S


def test_images_are_pinned_to_a_major_version() -> None:
    """What is looked at and what watches is waited for by nobody: any version will do."""
    for name in set(ALL) - LOOSE:
        assert ALL[name]["image"] == "redress" or re.search(r":\d+(-\w+)?$", ALL[name]["image"]), name
    assert set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)) == {"python:3.13-slim"}


def test_signals_reach_the_service_itself() -> None:
    assert "exec python -m" in DOCKERFILE.splitlines()[-1]


def test_the_images_command_may_start_processes() -> None:
    """A process that is spawned reads the main module again: it must not run the command once more."""
    script = DOCKERFILE.partition("/opt/venv/bin/redress\n")[2]
    assert 'if __name__ == "__main__":\n    main()\nPYTHON' in script


SEALED = yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text())["services"]


def test_over_tls_servers_take_nothing_else() -> None:
    broker = SEALED["rabbitmq"]["environment"]["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    plain = ALL["rabbitmq"]["environment"]["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    assert {*plain.split()} <= {*broker.split()}, "what holds without TLS holds with it"
    assert "-rabbit tcp_listeners [] -rabbit ssl_listeners [5671]" in broker
    assert "-rabbitmq_management ssl_config [{port,15671}" in " ".join(broker.split())
    for name in MONGO:
        assert {*ALL["mongo1"]["command"]} <= {*SEALED[name]["command"]}
        assert "--tlsMode=requireTLS" in SEALED[name]["command"]


def test_over_tls_secrets_and_database_do_the_same_and_more() -> None:
    for name in ("secrets", "database"):
        words = {part for word in ALL[name]["command"] for part in word.split("=")}
        assert words <= {part for word in SEALED[name]["command"] for part in word.split("=")}
        assert "--tls" in SEALED[name]["command"]


def test_the_brokers_key_is_for_its_group() -> None:
    (group,) = SEALED["rabbitmq"]["group_add"]
    assert f"--broker-group={group}" in SEALED["secrets"]["command"]
    assert "user" not in SEALED["rabbitmq"]


TEAMS = yaml.safe_load((ROOT / "deploy" / "teams.yml").read_text())["services"]
SEALED_TEAMS = yaml.safe_load((ROOT / "deploy" / "teams.tls.yml").read_text())["services"]


def test_teams_reach_the_port_that_the_broker_listens_on_and_no_other() -> None:
    assert [port.rpartition(":")[2] for port in TEAMS["rabbitmq"]["ports"]] == ["5672"]
    assert [port.rpartition(":")[2] for port in SEALED_TEAMS["rabbitmq"]["ports"]] == ["5671"]
    assert "ssl_listeners [5671]" in SEALED["rabbitmq"]["environment"]["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]


def test_over_tls_the_name_that_teams_are_given_is_the_one_that_is_vouched_for() -> None:
    assert "amqps://${REDRESS_BROKER_NAME:" in SEALED_TEAMS["operator"]["environment"]["REDRESS_TEAM_HOST"]
    *same, name = SEALED_TEAMS["secrets"]["command"]
    assert same == SEALED["secrets"]["command"]
    assert name.startswith("--broker-name=${REDRESS_BROKER_NAME:")
