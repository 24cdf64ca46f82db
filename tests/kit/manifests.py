"""The Kubernetes manifests as an operator applies them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.local.system import ROOT

FOLDER = ROOT / "deploy" / "k8s"
LEAVES = ("house", "servers", "scaling", "doors")
WHOLE = ("small", "production")
Manifest = dict[str, Any]
_KNOWN = {"apiVersion", "kind", "namespace", "resources", "images"}
_EVERYWHERE = {"Namespace"}


@cache
def rendered(name: str) -> tuple[Manifest, ...]:
    """What `kubectl kustomize deploy/k8s/<name>` gives: its kustomizations use no more than is done here."""
    return tuple(_rendered(FOLDER / name))


def _rendered(folder: Path) -> Iterator[Manifest]:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert kustomization.keys() <= _KNOWN, "rendered by nobody here"
    for resource in kustomization["resources"]:
        path = (folder / resource).resolve()
        found = _rendered(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
        for manifest in found:
            if "namespace" in kustomization and manifest["kind"] not in _EVERYWHERE:
                manifest["metadata"]["namespace"] = kustomization["namespace"]
            for image in kustomization.get("images", []):
                _put(manifest, image)
            yield manifest


def _put(manifest: Manifest, image: dict[str, str]) -> None:
    for container in containers(manifest):
        if container["image"] == image["name"]:
            container["image"] = f"{image['newName']}:{image['newTag']}"


def pod(manifest: Manifest) -> Manifest:
    """The pod that it makes, nothing for what makes none."""
    found: Manifest = manifest.get("spec", {}).get("template", {}).get("spec", {})
    return found


def containers(manifest: Manifest) -> list[Manifest]:
    return [*pod(manifest).get("initContainers", []), *pod(manifest).get("containers", [])]


def named(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]
