"""What scales by the length of the inbox has the form that KEDA publishes, with no field beyond it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.kit.manifests import Manifest, rendered
from tests.kit.npm import BIN, OURS, PATH, installed

OPTIONS = ["--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--outDir", "."]


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KEDA's own Go types as TypeScript and as checks; the compiler refuses fields beyond them."""
    folder = tmp_path_factory.mktemp("keda")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "node_modules").symlink_to(installed(OURS))
    return folder


def node(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BIN / "node", *words], cwd=folder, env=os.environ | PATH, capture_output=True, text=True
    )


def checked(folder: Path, manifests: list[Manifest]) -> str:
    """What is wrong with them, by their types and by KEDA's own checks; empty if nothing is."""
    lines = ['import {ScaledObject, TriggerAuthentication} from "@kubernetes-models/keda/keda.sh/v1alpha1";']
    lines += [
        f"new {each['kind']}({json.dumps({k: each[k] for k in each if k not in ('apiVersion', 'kind')})})"
        ".validate();"
        for each in manifests
    ]
    (folder / "check.ts").write_text("\n".join(lines))
    compiled = node(folder, "node_modules/typescript/bin/tsc", *OPTIONS, "check.ts")
    return compiled.stdout + compiled.stderr or node(folder, "check.js").stderr


def test_what_scales_has_the_form_that_keda_publishes(types: Path) -> None:
    manifests = list(rendered("scaling"))
    assert {each["apiVersion"] for each in manifests} == {"keda.sh/v1alpha1"}
    assert checked(types, manifests) == ""


@pytest.mark.parametrize(
    "changed", [{"polingInterval": 15}, {"triggers": [{"type": "rabbitmq"}]}, {"scaleTargetRef": {}}]
)
def test_another_form_would_be_refused(types: Path, changed: Manifest) -> None:
    scaled = next(each for each in rendered("scaling") if each["kind"] == "ScaledObject")
    assert checked(types, [scaled | {"spec": scaled["spec"] | changed}]) != ""
