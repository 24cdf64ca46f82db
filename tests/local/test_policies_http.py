"""What `redress policies` asks of triage over HTTP, and what it makes of the answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.local.served import Served
from tests.local.typed import redress

MINE = "# 我的规则\npack: mine\nversion: 1\nextends: published-elsewhere/1\n"
EARLIER = "0199b2b0-0000-7000-8000-000000000001"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, encoding="utf-8")
    return file


@pytest.fixture
def triage(served: Served) -> Served:
    return served


REHEARSED = {
    "gradings": 12,
    "changed": 3,
    "unreadable": 1,
    "changes": [{"of": "severity", "before": "minor", "after": "grave", "complaints": 3}],
    "examples": [
        {
            "complaint": EARLIER,
            "number": "RC-1",
            "before": {"severity": "minor"},
            "after": {"severity": "grave"},
        }
    ],
    "deadlines_open": 7,
    "deadlines_moved": 1,
    "moves": [{"complaint": EARLIER, "clock": "resolve", "before": "2026-09-11T16:00:00Z", "after": None}],
}


def test_a_simulation_is_told_in_words_or_as_it_came(mine: Path, triage: Served) -> None:
    triage.answer = 200, REHEARSED
    words = redress("simulate", mine, REDRESS_TRIAGE_URL=triage.url, REDRESS_API_KEY="k")
    assert words.exit_code == 0, words.output
    told = " ".join(words.stdout.split())
    for said in (
        "12 gradings replayed under mine/1, 3 would",
        "1 could not be graded",
        "severity minor → grave 3",
        "RC-1",
        "severity: minor → grave",
        "7 deadlines are open, 1 would move",
        "resolve 2026-09-11 16:00:00+00:00 → none",
    ):
        assert said in told
    assert json.loads(redress("simulate", mine, "--json", "--url", triage.url).stdout) == REHEARSED
    path = "/v1/policies/mine/simulations"
    assert triage.asked == [("POST", path, "Bearer k", MINE), ("POST", path, "", MINE)]


def test_a_version_is_proposed_by_one_and_approved_by_another(mine: Path, triage: Served) -> None:
    triage.answer = 202, {"state": "proposed", "author": "ann"}
    proposed = redress("publish", mine, "--url", triage.url, "--key", "a")
    assert proposed.exit_code == 0, proposed.output
    assert "proposed  mine/1  proposed by ann" in proposed.stdout
    assert "redress policies publish mine/1 --approve" in proposed.stdout
    triage.answer = 200, {"state": "published", "author": "ann", "approver": "ben"}
    approved = redress("publish", "mine/1", "--approve", "--url", triage.url, "--key", "b")
    assert "published  mine/1  proposed by ann, approved by ben" in approved.stdout
    assert "already" in redress("publish", mine, "--url", triage.url, "--key", "a").stdout
    version = "/v1/policies/mine/versions/1"
    assert triage.asked == [
        ("PUT", version, "Bearer a", MINE),
        ("GET", version, "Bearer b", ""),
        ("POST", f"{version}/approval", "Bearer b", ""),
        ("PUT", version, "Bearer a", MINE),
    ]


def test_complaints_go_over_to_another_version(triage: Served) -> None:
    triage.answer = 200, {"complaints": 12, "preview": True, "rehearsal": REHEARSED}
    result = redress("migrate", "mine", "1", "2", "--preview", "--url", triage.url)
    assert "12 complaints would go over from mine/1 to mine/2" in result.stdout
    [(method, path, _, body)] = triage.asked
    assert (method, path) == ("POST", "/v1/policies/mine/migrations")
    assert json.loads(body) == {"from_version": 1, "to_version": 2, "preview": True, "back": False}


def test_complaints_come_back_and_those_that_cannot_are_counted(triage: Served) -> None:
    triage.answer = 200, {"complaints": 2, "refused": 1, "rehearsal": REHEARSED}
    result = redress("migrate", "mine", "2", "1", "--back", "--url", triage.url)
    assert "2 complaints go over from mine/2 to mine/1" in result.stdout
    assert "1 were refused and stay with mine/2" in result.stdout
    assert json.loads(triage.asked[0][3])["back"] is True


def test_a_problem_document_is_told_in_the_words_of_the_file(mine: Path, triage: Served) -> None:
    fault = {
        "detail": "the body:7: the parameter large is not bound; give it a value",
        "pointer": "#/parameters/large",
    }
    triage.answer = (
        422,
        {"title": "broken", "status": 422, "detail": "the body cannot be used yet", "errors": [fault]},
    )
    result = redress("publish", mine, "--url", triage.url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "the body cannot be used yet (422)",
        f"  {mine}:7  #/parameters/large  the parameter large is not bound; give it a value",
    ]
    triage.answer = 401, {"title": "Credentials are missing or unknown", "status": 401}
    assert "REDRESS_API_KEY" in redress("simulate", mine, "--url", triage.url).stderr


@pytest.mark.parametrize("answer", [(200, "hello"), (200, [1]), (502, "<html>"), (200, {"gradings": "many"})])
def test_an_answer_that_is_none_of_triages_is_told(
    mine: Path, triage: Served, answer: tuple[int, Any]
) -> None:
    triage.answer = answer
    result = redress("simulate", mine, "--url", triage.url)
    assert result.exit_code == 1
    assert "is this triage?" in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere", "http://[::"])
def test_a_server_that_is_not_there_is_told(mine: Path, url: str) -> None:
    result = redress("publish", mine, "--url", url)
    assert result.exit_code == 1
    assert "Triage cannot be reached at" in result.stderr


def test_a_file_that_names_no_version_is_not_sent(mine: Path, triage: Served) -> None:
    mine.write_text("pack: mine", encoding="utf-8")
    result = redress("publish", mine, "--url", triage.url)
    assert result.exit_code == 1
    assert "does not say which pack and version" in result.stderr
    assert triage.asked == []
