"""Exports: what goes in comes out, in both forms, nothing of it is run, and memory stays flat."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson.binary import Binary
from pymongo import AsyncMongoClient

from deploy.local.stage import Stage
from tests.openapi import sheets

MANY, GROWTH_KB = 5_000, 40_000
NAMES = [
    "plain", "=1+1", "+1", "-1", "@SUM(A1)", "{=1+1}", "＝1+1", 'quo"te', "com,ma", "two\nlines",
    "semi;colon", "https://example.invalid/x", "mailto:a@example.invalid", "a\x00b", "a\x0bb", "\x01=1",
    "水壶", "🫖", "a\ufffeb", "'", "<b>&amp;</b>", " _x0041_ ", "TRUE", "1e5", "0001",
]  # fmt: skip
"""Names of products that a sheet might take for something else."""


async def exported(played: Stage, form: str, query: str = "") -> bytes:
    async with played.system.client() as client:
        url = f"{played.system.url('intake')}/v1/complaints:export?format={form}{query}"
        answer = await client.get(url)
    assert answer.status_code == 200
    assert f'.{form}"' in answer.headers["Content-Disposition"]
    return answer.content


def of_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@pytest.fixture(scope="module")
async def batch(played: Stage) -> str:
    """Complaints about products of these names, all of one batch."""
    name = f"batch {uuid4()}"
    async with played.system.client() as client:
        for number, product in enumerate(NAMES):
            body = {
                "channel": "store",
                "complainant": {"name": "Cy Example", "phone": "+44 7700 900124"},
                "product": {"name": product, "model": f"model {number}", "batch": name},
                "description": f"It broke: {number}.",
            }
            answer = await client.post(f"{played.system.url('intake')}/v1/complaints", json=body)
            assert answer.status_code == 201, answer.text
    return name


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_went_in_comes_out_and_is_never_a_formula(played: Stage, batch: str, form: str) -> None:
    content = await exported(played, form)
    headings, *found = of_csv(content) if form == "csv" else sheets.rows(content)
    lines = [dict(zip(headings, row, strict=False)) for row in found]
    products = {line["model"]: line["product"] for line in lines if line.get("batch") == batch}
    assert len(products) == len(NAMES)
    for number, name in enumerate(NAMES):
        shown = products[f"model {number}"]
        assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝"))
        kept = name.strip().translate({0: "\ufffd", 1: "\ufffd", 0x0B: "\ufffd", 0xFFFE: "\ufffd"})
        assert shown in (kept, f"'{kept}")
        assert shown == kept or kept[0] in "=+-@＝"


async def test_both_forms_say_the_same(played: Stage, batch: str) -> None:
    """The clocks of the system run on between the two: only what stands still is compared."""
    both = of_csv(await exported(played, "csv")), sheets.rows(await exported(played, "xlsx"))
    still = [both[0][0].index(name) for name in ("id", "number", "product", "model", "registered_at", "pack")]
    texts, cells = ([[row[at] for at in still] for row in found] for found in both)
    assert texts == cells


async def test_nothing_points_to_a_person(played: Stage, batch: str) -> None:
    for form in ("csv", "xlsx"):
        content = await exported(played, form)
        text = str(sheets.rows(content)) if form == "xlsx" else content.decode()
        assert "Cy Example" not in text
        assert "900124" not in text
        assert "It broke" not in text


@asynccontextmanager
async def many(played: Stage) -> AsyncIterator[None]:
    """So many copies of a complaint, put beside it and taken away again."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(played.servers.admin_mongo_url)
    async with client:
        found = client["intake"]["complaints"]
        [one] = await found.find({"number": {"$exists": True}}).limit(1).to_list()
        copies = [
            one
            | {
                "_id": Binary.from_uuid(uuid4()),
                "number": f"RC-COPY{at:06}",
                "request": f"copy {at}",
                "outbox": [],
            }
            for at in range(MANY)
        ]
        await found.insert_many(copies)
        yield
        await found.delete_many({"number": {"$regex": "^RC-COPY"}})


def peak_kb(pid: int, *, anew: bool = False) -> int:
    """The most memory that a process has held, since the start or since this was asked `anew`."""
    if anew:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_many_rows_take_little_memory(played: Stage, batch: str, form: str) -> None:
    pid = played.system.pid("intake")
    await exported(played, form)
    async with many(played):
        before = peak_kb(pid, anew=True)
        content = await exported(played, form)
    assert len(of_csv(content) if form == "csv" else sheets.rows(content)) > MANY
    assert peak_kb(pid) - before < GROWTH_KB
