"""What cannot run here is as small a list as can be, and is looked at without being run."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.docs.elsewhere import ASSIGNMENTS, ELSEWHERE
from tests.docs.mentions import make_targets, options_wrong
from tests.docs.reading import ROOT, SHELL, pages, steps
from tests.kit.manifests import WHOLE, named, rendered

PAGES = pages()
SHOWN = [step for page in PAGES for block in page.blocks if block.language in SHELL for step in steps(block)]
SPANS = [(page.path, span) for page in PAGES for span in page.spans]
WRITTEN = [(each.place, ASSIGNMENTS.sub("", each.command)) for each in SHOWN] + SPANS
DOCKER = sorted({(place, text) for place, text in WRITTEN if text.startswith("docker compose ")})
CLUSTER = sorted(
    {(place, found[1]) for place, text in WRITTEN if (found := re.search(r"(?:^|\| )(kubectl .*)", text))}
)
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
WITH_VALUE = {"--scale", "--profile", "-f", "--file", "-e", "--env-file", "--user", "--volume"}


@pytest.mark.parametrize("start", ELSEWHERE)
def test_every_entry_is_shown_somewhere_and_tested_elsewhere(start: str) -> None:
    typed = [step.command for step in SHOWN] + [span for _, span in SPANS]
    assert any((command + " ").startswith(start + " ") for command in typed), f"no page shows {start}"
    assert (ROOT / ELSEWHERE[start].tested_by).exists()


def test_what_a_page_says_is_tested_elsewhere_is() -> None:
    for page in PAGES:
        for block in page.blocks:
            for said in block.said("elsewhere"):
                file, _, reason = said.partition(": ")
                assert (ROOT / file).exists(), f"{block.place}: there is no {file}"
                assert reason, f"{block.place}: why is it not run here?"


def tools() -> list[str]:
    """The modules that targets of the Makefile run."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"\$\(BIN\)/python -m ([\w.]+)", text)))


@pytest.mark.parametrize("module", tools())
def test_what_make_runs_is_there_and_says_what_it_takes(module: str) -> None:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin)
    main = file.with_name("__main__.py") if file.name == "__init__.py" else file
    if "typer.run" in main.read_text(encoding="utf-8"):
        asked = [sys.executable, "-m", module, "--help"]
        said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert said.returncode == 0, said.stderr
        assert "Usage" in said.stdout


@pytest.mark.parametrize(("place", "command"), DOCKER)
def test_a_docker_command_names_what_there_is(place: str, command: str) -> None:
    words = command.partition("#")[0].split()
    rest, service, inside = words[2:], "", list[str]()
    while rest:
        word = rest.pop(0)
        if word in WITH_VALUE:
            value = rest.pop(0)
            if word == "--scale":
                assert value.partition("=")[0] in COMPOSE["services"], f"{place}: {value}"
            if word == "-f":
                assert (ROOT / value).exists(), f"{place}: {value}"
        elif word in COMPOSE["services"] and not inside:
            service, inside = word, rest
            break
    if words[2] in ("run", "exec"):
        assert service, f"{place}: {command} names no service of docker-compose.yml"
    if words[2] in ("restart", "up"):
        assert set(inside) <= {"&&", *words[:3], *COMPOSE["services"]}, f"{place}: {inside}"
    if inside[:1] == ["redress"]:
        assert options_wrong(" ".join(inside)) is None, f"{place}: {options_wrong(' '.join(inside))}"


@pytest.mark.parametrize(("place", "command"), CLUSTER)
def test_a_kubectl_command_names_what_there_is(place: str, command: str) -> None:
    made = {(kind.lower(), name) for whole in WHOLE for kind, name in map(named, rendered(whole))}
    words = command.split()
    for word, value in pairwise(words):
        if word == "-n":
            assert ("namespace", value) in made, f"{place}: {value}"
        elif word in ("-f", "-k") and value != "-":
            assert (ROOT / value / "kustomization.yaml" if word == "-k" else ROOT / value).exists(), place
        elif word == "exec":
            pod = next(word for word in words[words.index("exec") + 1 :] if not word.startswith("-"))
            by_name = ("statefulset", pod.rpartition("-")[0])
            assert tuple(pod.split("/")) in made or by_name in made, f"{place}: {pod}"
    for kind, name in re.findall(r"\b(deployment|service)/([\w-]+)", command):
        assert (kind, name) in made, f"{place}: {kind}/{name}"


def has_compose() -> bool:
    asked = ["docker", "compose", "version"]
    return shutil.which("docker") is not None and subprocess.run(asked, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="compose reads the file where there is one")
def test_compose_itself_can_read_the_file() -> None:
    read = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    said = subprocess.run(read, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("place", sorted({path for path, span in SPANS if span.startswith("make ")}))
def test_every_make_target_that_is_named_exists(place: str) -> None:
    for path, span in SPANS:
        if path == place and span.startswith("make "):
            assert span.split()[1] in make_targets(), f"{path}: {span}"


def test_help_lists_every_target_that_the_readme_names() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"make ([\w-]+)", said))
    named = {span.split()[1] for path, span in SPANS if path == "README.md" and span.startswith("make ")}
    assert named <= listed
