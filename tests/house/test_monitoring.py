"""Alerts, their proofs and pages, and dashboards: all fit together, and name what there is."""

import re
from pathlib import Path

import pytest
import yaml

from deploy.provision import SERVICES
from tests.kit.monitoring import (
    ALERTS,
    BOARDS,
    GROUPS,
    PROVEN,
    ROOT,
    RULES,
    RUNBOOKS,
    asked,
    metrics_asked,
    metrics_of_services,
    promtool,
)

PROOFS = {path.stem: yaml.safe_load(path.read_text())["tests"] for path in sorted(PROVEN.glob("*.yaml"))}
SECTIONS = ["First look", "Mend", "Afterwards"]
UNITS = {"short", "s", "percentunit", "reqps", "ops", "bytes", "d"}


# rules


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", "deploy/prometheus/prometheus.yml")
    assert "SUCCESS" in promtool("check", "rules", str(RULES.relative_to(ROOT)))


def test_every_service_is_asked_under_its_name() -> None:
    told = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    found = {job["job_name"]: job["dns_sd_configs"][0]["names"] for job in told["scrape_configs"]}
    assert {name: found[name] for name in SERVICES} == {name: [name] for name in SERVICES}
    assert all(f'job="{name}"' in ALERTS["ServiceAbsent"]["expr"] for name in SERVICES)


@pytest.mark.parametrize("name", PROOFS)
def test_alerts_fire_when_they_should_and_only_then(name: str) -> None:
    promtool("test", "rules", str((PROVEN / f"{name}.yaml").relative_to(ROOT)))


def test_a_proof_that_is_wrong_fails(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "alerts.yaml").write_text(
        RULES.read_text().replace("redress_ready == 0", "redress_ready == 1")
    )
    proof = tmp_path / "tests" / "parts.yaml"
    proof.write_text((PROVEN / "parts.yaml").read_text())
    with pytest.raises(AssertionError, match="ReplicaNotReady"):
        promtool("test", "rules", str(proof))


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_proven_to_fire_and_to_be_silent(alert: str) -> None:
    checks = [
        check
        for proofs in PROOFS.values()
        for proof in proofs
        if proof["name"] == alert
        for check in proof["promql_expr_test"]
        if f'alertname="{alert}"' in check["expr"]
    ]
    assert any(check["exp_samples"] for check in checks), "fires"
    assert any(not check["exp_samples"] for check in checks), "is silent"


def test_ages_and_ratios_are_alerted_on_with_patience_and_a_severity() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"] == {"severity": rule["labels"]["severity"]}, name
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.fullmatch(r"[1-9][0-9]*[mh]", rule["for"])
        assert rule["annotations"].keys() == {"summary", "runbook_url"}


# runbooks


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    told = {name: rule["annotations"]["runbook_url"] for name, rule in ALERTS.items()}
    assert told == {name: f"docs/runbooks/{name}.md" for name in ALERTS}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_page_says_what_it_means_how_bad_it_is_and_what_to_do(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n\n")
    assert "\n**How bad:** " in text
    assert re.findall(r"(?m)^## (.+)$", text) == SECTIONS
    look = text.partition("## First look\n")[2].partition("## Mend")[0]
    assert re.search(r"(?m)^    \S", look), "a command"
    for page in re.findall(r"\]\(([^)]+)\)", text):
        assert (RUNBOOKS / page).is_file(), page


# dashboards


def test_what_is_asked_for_is_measured() -> None:
    """The broker's own metrics are looked for in tests/journeys/test_operations.py."""
    own = {name for name in metrics_asked() if not name.startswith("rabbitmq_")}
    assert own - metrics_of_services() == set()
    assert len(own) > 25


def test_operators_are_told_of_every_metric() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"(?m)^\| `(redress_\w+|http_\w+)` \|", text))
    ours = {name for name in metrics_of_services() if name.startswith(("redress_", "http_"))}
    assert told == ours


def test_recorded_series_are_there_for_whoever_asks() -> None:
    recorded = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    used = {name for _, expression in asked() for name in re.findall(r"\bjob:[a-z_:0-9]+", expression)}
    assert used == recorded


def test_every_expression_can_be_read(tmp_path: Path) -> None:
    rules = [{"record": f"asked:{number}", "expr": expr} for number, (_, expr) in enumerate(asked())]
    file = tmp_path / "asked.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))
    file.write_text(file.read_text().replace("redress_ready", "redress_ready{"))
    with pytest.raises(AssertionError):
        promtool("check", "rules", str(file))


def test_dashboards_are_those_of_the_source_that_is_provisioned() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    places = yaml.safe_load((folder / "dashboards" / "redress.yaml").read_text())["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert {each["uid"] for each in sources} >= {"redress"}
    mounted = {each.split(":")[1] for each in compose["volumes"]}
    assert {each["options"]["path"] for each in places} <= mounted


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_one_that_grafana_reads(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"redress-{name}"
    assert board.keys() >= {"title", "schemaVersion", "panels", "time", "templating", "refresh"}
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies upon another"
        taken |= cells
        assert panel["type"] in ("timeseries", "stat")
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"redress"}
    known = {each["name"] for each in board["templating"]["list"]} | {"__rate_interval"}
    used = {word for panel in board["panels"] for each in panel["targets"] for word in _words(each["expr"])}
    assert used <= known


def _words(expression: str) -> list[str]:
    return re.findall(r"\$(\w+)", expression)
