"""Services that die at any request leave no ghost and no zombie, and every effect happens once."""

from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.crashes.enumeration import Run, faults_of, judged, played
from tests.crashes.gate import Fault
from tests.crashes.sequences import Sequences
from tests.faults.mutant import SAFETIES

SAMPLE = 25
"""Of so many crash points the suite tries one; `make crashes` tries all."""


@cache
def calm() -> Run:
    return played()


def test_a_way_without_faults_breaks_no_law() -> None:
    assert calm().violations == []
    assert {point.process.split()[0] for point in calm().points} == {
        "intake", "triage", "sla", "notify", "survey",
    }  # fmt: skip


def test_the_same_seed_makes_the_same_requests() -> None:
    assert played().points == calm().points


def test_a_fault_at_any_request_breaks_no_law() -> None:
    faults = faults_of(calm())[::SAMPLE]
    assert {fault: told for fault in faults if (told := judged(calm(), fault))} == {}


def crashes(run: Run, what: str) -> list[Fault]:
    """Every crash before a request of this kind has any effect."""
    found = [fault for fault in faults_of(run) if what in run.points[fault.index].what]
    return [fault for fault in found if fault.kind == "crash" and fault.effects == 0]


@pytest.mark.parametrize(
    ("safety", "what"),
    [
        ("outbox_cleared_first", "publish complaint.registered"),
        ("sweep_off", "publish complaint.registered"),
        ("acked_first", "triage.gradings: bulk write"),
        ("inbox_off", "intake.inbox: ack"),
    ],
)
def test_without_a_safety_a_crash_breaks_a_law(safety: str, what: str) -> None:
    with SAFETIES[safety]():
        run = played()
        assert any(judged(run, fault) for fault in crashes(run, what))


def test_without_the_version_replicas_write_over_each_other() -> None:
    assert played(replicas=2).violations == []
    with SAFETIES["version_check_off"]():
        assert any("was written over" in each for each in played(replicas=2).violations)


Sequences.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestSequences = Sequences.TestCase
