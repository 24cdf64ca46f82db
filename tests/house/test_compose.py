"""What `docker compose up` promises: the whole house, its doors closed, no password in any file."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.provision import SERVICES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]

ONCE = {"secrets", "database", "operator"}
VIEWERS = {"jaeger", "mailpit"}
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
    assert set(ALL) == {*SERVICES, "rabbitmq", *MONGO, *VIEWERS, *ONCE}


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


def test_images_are_pinned_to_a_major_version() -> None:
    """The viewers hold nothing and are waited for by nobody: any version will do."""
    for name in set(ALL) - VIEWERS:
        assert ALL[name]["image"] == "redress" or re.search(r":\d+(-\w+)?$", ALL[name]["image"]), name
    assert set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)) == {"python:3.13-slim"}


def test_signals_reach_the_service_itself() -> None:
    assert "exec python -m" in DOCKERFILE.splitlines()[-1]
