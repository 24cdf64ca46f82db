"""Imports of whatever somebody may call a table: never our error, and each row is told what to mend."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.stage import Stage

CSV, LINES = "text/csv", "application/jsonl"
HEAD = "channel,description,complainant.name,complainant.email"
ROW = "store,The bolt broke,Di,di@example.com"
TABLE = f"{HEAD}\n{ROW}\n"
FIELDS = [
    "channel", "description", "complainant.name", "complainant.email", "complainant", "product.name",
    "product", "loss.value", "loss.currency", "facts.injured", "facts.fire", "details.x", "received_at",
    "language", "pack", "class", "a.b.c", ".", "", " ", "channel ", "complainant..name", "__proto__",
    "$where", "\ufeffchannel",
]  # fmt: skip
FUZZED = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)


def line(**more: Any) -> str:
    complainant = {"name": "Di", "email": "di@example.com"}
    return json.dumps(
        {"channel": "store", "description": "The bolt broke", "complainant": complainant} | more
    )


async def sent(
    played: Stage, body: bytes | str, kind: str | None = CSV, *, check: bool = True, **headers: str
) -> httpx.Response:
    """An import, answered in a form that can be used."""
    content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    heading = headers | ({"Content-Type": kind} if kind is not None else {})
    url = f"{played.system.url('intake')}/v1/complaints:import?validate_only={str(check).lower()}"
    async with played.system.client() as client:
        answer = await client.post(url, content=content, headers=heading)
    assert answer.status_code in (200, 400, 413, 415, 422), (answer.status_code, answer.text)
    if answer.status_code != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
        return answer
    report = answer.json()
    for status in ("created", "repeated", "valid", "refused"):
        assert report[status] == len([row for row in report["rows"] if row["status"] == status])
    for row in report["rows"]:
        assert row["status"] != "refused" or row["detail"]
        assert all(fault["detail"] and fault["pointer"].startswith("#") for fault in row["errors"])
    assert [row["row"] for row in report["rows"]] == list(range(1, len(report["rows"]) + 1))
    return answer


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "no bytes": ("", "no headings"),
    "blanks": (" \n \n", "no headings"),
    "a heading twice": (f"{HEAD},channel\n{ROW},fax\n", "no headings"),
    "a heading without a name": (f"{HEAD},\n{ROW},x\n", "no headings"),
    "a NUL in a heading": (f"cha\0nnel,x\n{ROW}\n", "no headings"),
    "two byte order marks": (f"\ufeff\ufeff{TABLE}", "no headings"),
    "UTF-16": (TABLE.encode("utf-16"), "not UTF-8"),
}
"""Tables of which nothing can be used, and what the problem says."""


@pytest.mark.parametrize("name", REFUSED)
async def test_a_table_that_is_none_is_refused_whole(played: Stage, name: str) -> None:
    body, words = REFUSED[name]
    answer = await sent(played, body, check=False)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


WRONG: dict[str, tuple[str, str | bytes, str]] = {
    "a quote that stays open": (CSV, f'{HEAD}\nstore,"The bolt,Di,di@example.com\n{ROW}\n', "no CSV"),
    "something after a quote": (CSV, f'{HEAD}\nstore,"The"x,Di,di@example.com\n', "no CSV"),
    "a huge cell": (CSV, f"{HEAD}\nstore,{'x' * 200_000},Di,di@example.com\n", "no CSV"),
    "a long cell": (CSV, f"{HEAD}\nstore,{'x' * 10_001},Di,di@example.com\n", "at most 10000"),
    "Latin 1": (CSV, f"{HEAD}\nstore,caf\xe9,Di,di@example.com\n".encode("latin-1"), "not UTF-8"),
    "a character cut off": (CSV, f"{HEAD}\nstore,\u6c34".encode()[:-1], "not UTF-8"),
    "more cells": (CSV, f"{HEAD}\n{ROW},x\n", "more cells"),
    "fewer cells": (CSV, f"{HEAD}\nstore\n", "Field required"),
    "semicolons": (CSV, TABLE.replace(",", ";"), "Field required"),
    "10,000 columns": (
        CSV,
        f"{HEAD},{','.join(f'details.c{at}' for at in range(10_000))}\n{ROW},{','.join('1' * 10_000)}\n",
        "at most 30",
    ),
    "a field and a part of it": (CSV, f"complainant,{HEAD}\nDi,{ROW}\n", "named fields"),
    "a deep heading": (CSV, f"{HEAD},{'.'.join('a' * 50_000)}\n{ROW},1\n", "Extra inputs"),
    "nesting without end": (LINES, "[" * 100_000, "no JSON"),
    "nested objects": (LINES, '{"a":' * 5_000 + "1" + "}" * 5_000, "no JSON"),
    "nested details": (LINES, line(details={"a": json.loads("[" * 90 + "]" * 90)}), "give true or false"),
    "half an object": (LINES, '{"channel":\n', "no JSON"),
    "a number": (LINES, "1\n", "named fields"),
    "half a character": (LINES, line().replace("bolt", "\\ud800"), "no JSON"),
    "a huge number": (LINES, line(facts={"injured": 10**400}), "less than or equal"),
    "infinity": (LINES, line(loss={"value": "Infinity", "currency": "EUR"}), "finite"),
    "no number": (LINES, line(loss={"value": float("nan"), "currency": "EUR"}), "finite"),
    "an instant beyond time": (LINES, line(received_at=1e300), "valid datetime"),
    "next year": (LINES, line(received_at="2199-12-31T23:59:59+23:59"), "not later than now"),
}
"""One bad row, and what its report says."""


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_row_is_told_what_to_mend(played: Stage, name: str) -> None:
    kind, body, words = WRONG[name]
    report = (await sent(played, body, kind, check=False)).json()
    assert (report["created"], report["refused"]) == (0, 1)
    assert words in str(report["rows"][0])


@pytest.mark.parametrize("body", [f"\ufeff{TABLE}", TABLE.replace("\n", "\r"), TABLE.replace("\n", "\r\n")])
async def test_tables_as_programs_write_them_are_taken(played: Stage, body: str) -> None:
    assert (await sent(played, body)).json()["valid"] == 1


async def test_headings_alone_are_an_empty_import(played: Stage) -> None:
    assert (await sent(played, HEAD)).json()["rows"] == []


async def test_rows_before_a_break_count(played: Stage) -> None:
    """What was taken is told, though the file then stops to be a table; again, nothing is taken twice."""
    name, key = f"The bolt broke {uuid4()}", {"Idempotency-Key": str(uuid4())}
    body = f'{HEAD}\nstore,{name},Di,di@example.com\nstore,"{name},Di\n'
    for created, repeated in ((1, 0), (0, 1)):
        report = (await sent(played, body, check=False, **key)).json()
        assert (report["created"], report["repeated"], report["refused"]) == (created, repeated, 1)


async def test_too_many_rows_are_told_and_not_lost_sight_of(played: Stage) -> None:
    report = (await sent(played, f"{HEAD}\n" + "x\n" * 20_005)).json()
    assert len(report["rows"]) == 20_001
    assert "20000 rows" in report["rows"][-1]["detail"]


@pytest.mark.parametrize("kind", [None, "", "application/json", "text/plain", "x", "text", "text/csv/x"])
async def test_other_media_types_are_refused(played: Stage, kind: str | None) -> None:
    answer = await sent(played, TABLE, kind)
    assert answer.status_code == 415
    assert CSV in answer.json()["detail"]


async def test_too_long_a_file_is_refused_before_it_is_read(played: Stage) -> None:
    async with played.system.client() as client:
        url = f"{played.system.url('intake')}/v1/complaints:import"
        answer = await client.post(url, content=b"x" * (20 * 2**20 + 1), headers={"Content-Type": CSV})
    assert answer.status_code == 413


@FUZZED
@given(body=st.binary(max_size=400), kind=st.sampled_from([CSV, LINES]))
async def test_any_bytes(played: Stage, body: bytes, kind: str) -> None:
    await sent(played, body, kind, check=False)


cells = st.one_of(
    st.text(max_size=20), st.sampled_from(["store", "Di", "di@example.com", "1", "true", '"', "\0"])
)


@FUZZED
@given(
    headings=st.lists(st.sampled_from(FIELDS), max_size=12),
    rows=st.lists(st.lists(cells, max_size=14), max_size=5),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    cut=st.integers(0, 40),
)
async def test_any_table(
    played: Stage, headings: list[str], rows: list[list[str]], quoting: Any, end: str, cut: int
) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=end).writerows([headings, *rows])
    content = text.getvalue().encode("utf-8", "surrogatepass")
    await sent(played, content[: len(content) - cut] if cut < 10 else content, check=False)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@FUZZED
@given(
    more=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), values, max_size=4),
    whole=st.booleans(),
)
async def test_any_objects(played: Stage, more: dict[str, Any], whole: bool) -> None:
    await sent(played, line(**more) if whole else json.dumps(more), LINES, check=False)
