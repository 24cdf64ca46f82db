"""Who reaches whom, as network policies of the namespace `redress` have it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from tests.kit.manifests import LEAVES, Manifest, containers, pod, rendered

OURS = "redress"


@dataclass(frozen=True)
class Place:
    """Something that speaks or is spoken to: a pod with labels and named ports, or an address alone."""

    namespace: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str = ""


@cache
def everything() -> tuple[Manifest, ...]:
    return tuple(each for name in LEAVES for each in rendered(name))


def our_pod(name: str) -> Place:
    """What the manifest of this name makes."""
    (made,) = (each for each in everything() if pod(each) and each["metadata"]["name"] == name)
    named = [port for container in containers(made) for port in container.get("ports", [])]
    return Place(
        _our_namespace(),
        made["spec"]["template"]["metadata"]["labels"],
        {port["name"]: port["containerPort"] for port in named},
    )


def _our_namespace() -> dict[str, str]:
    (found,) = (each for each in everything() if each["kind"] == "Namespace")
    return {**found["metadata"]["labels"], "kubernetes.io/metadata.name": found["metadata"]["name"]}


def reaches(source: Place, target: Place, port: int) -> bool:
    """Whether a connection over TCP is let out here and let in there; what is not ours lets all."""
    return _lets(source, "Egress", target, target, port) and _lets(target, "Ingress", source, target, port)


def _lets(place: Place, way: str, other: Place, target: Place, port: int) -> bool:
    if place.namespace.get("kubernetes.io/metadata.name") != OURS:
        return True
    rules = list(_rules(place, way))
    return any(_is_peer(rule[0], other) and _is_port(rule[1], target, port) for rule in rules)


def _rules(place: Place, way: str) -> Iterator[tuple[list[Any], list[Any]]]:
    """Peers and ports of every rule for this pod; all pods have a policy that forbids the rest."""
    specs = [each["spec"] for each in everything() if each["kind"] == "NetworkPolicy"]
    mine = [spec for spec in specs if way in spec["policyTypes"] and _fits(spec["podSelector"], place.labels)]
    assert mine, "without any policy all is open"
    for spec in mine:
        for rule in spec.get(way.lower(), []):
            yield rule["from" if way == "Ingress" else "to"], rule["ports"]


def _is_peer(peers: Iterable[Manifest], other: Place) -> bool:
    return any(_is_one(peer, other) for peer in peers)


def _is_one(peer: Manifest, other: Place) -> bool:
    assert peer, "an empty peer is everybody"
    assert peer.keys() <= {"ipBlock", "podSelector", "namespaceSelector"}
    if "ipBlock" in peer:
        return bool(other.address) and _is_within(peer["ipBlock"], other.address)
    if other.address:
        return False
    if "namespaceSelector" in peer:
        there = _fits(peer["namespaceSelector"], other.namespace)
    else:
        there = other.namespace.get("kubernetes.io/metadata.name") == OURS
    return there and _fits(peer.get("podSelector", {}), other.labels)


def _is_within(block: Manifest, address: str) -> bool:
    found = ip_address(address)
    excepted = any(found in ip_network(each) for each in block.get("except", []))
    return found in ip_network(block["cidr"]) and not excepted


def _is_port(ports: Iterable[Manifest], target: Place, port: int) -> bool:
    for each in ports:
        named = isinstance(each["port"], str)
        first: int = target.ports.get(each["port"], -1) if named else each["port"]
        last: int = each.get("endPort", first)
        if each.get("protocol", "TCP") == "TCP" and first <= port <= last:
            return True
    return False


def _fits(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether labels are selected; an empty selector selects all."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    wanted = selector.get("matchLabels", {})
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", "read by nobody here"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return bool(wanted.items() <= labels.items())
