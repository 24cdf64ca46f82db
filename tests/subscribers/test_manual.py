"""What the manual says goes as it stands there: commands, and the compose file beside."""

import re
import subprocess
from pathlib import Path

import yaml

from deploy.subscribers.topics import PUBLIC
from tests.kit.npm import BIN
from tests.subscribers.gate import Gate

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "subscribing.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (\S*redress subscribers .*)$", MANUAL, re.MULTILINE)
TEAMS = yaml.safe_load((ROOT / "deploy" / "teams.yml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def test_the_operators_commands_go_as_they_stand_there(gate: Gate) -> None:
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        words = command.replace("'", "").split()
        assert words[:2] == [".venv/bin/redress", "subscribers"]
        gate.said(*words[2:])
    assert gate.said("list") == "no team subscribes\n"


def test_the_installed_command_adds_a_team(gate: Gate) -> None:
    shell = 'TEAM_URL="$(redress subscribers add crm --topics "complaint.*.v1")" && echo "$TEAM_URL"'
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "REDRESS_MANAGEMENT_URL": gate.url,
    }
    ran = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("amqp://team.crm:")
    assert len(ran.stdout.splitlines()) == 1


def test_the_manual_names_what_there_is() -> None:
    for name in re.findall(r"`((?:examples|docs|deploy)/[\w./-]+)`", MANUAL):
        assert (ROOT / name).exists(), name
    assert {*re.findall(r"`(\w+\.\w+\.v\d)`", MANUAL)} <= {*PUBLIC}


def test_compose_publishes_nothing_of_the_broker_but_this_publishes_amqp_alone() -> None:
    assert "ports" not in COMPOSE["services"]["rabbitmq"]
    assert set(TEAMS["services"]) == {"rabbitmq", "operator"} < set(COMPOSE["services"])
    assert TEAMS["services"]["rabbitmq"]["ports"] == ["${AMQP_PORT:-5672}:5672"]
    assert set(TEAMS["services"]["rabbitmq"]["networks"]) <= set(COMPOSE["networks"])
    assert "inside" in TEAMS["services"]["rabbitmq"]["networks"], "where the services find it"
