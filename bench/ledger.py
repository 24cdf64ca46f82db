"""What the ledger, its figures and its history cost among a million complaints.

The complaints are clones of some that really went through the system. Pages are asked for over HTTP, in
turns; the plans are those that the database itself noted while it answered.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import typer
from pymongo import MongoClient

from bench import crowd
from deploy.local.install import Failed, install
from deploy.local.servers import Servers
from deploy.local.stage import Stage, stage
from deploy.local.system import NotReady
from deploy.provision import AUDITOR
from services.intake.domain.complaint import Complaint
from services.intake.domain.figures import packed, row
from services.intake.domain.replaying import replay
from services.intake.store.complaints import complaints
from shared.chain import public_key
from shared.clock import machine_now
from shared.driver import OPTIONS

SPAN = timedelta(days=34 * 30)
TICKS = ("owed_at", "order_wakes", "retain_until", "erasing_due", "policy", "fingerprints")
"""Indexes of what intake looks after by itself, whatever is asked."""
FAULTY = 17
SPEED = 3600.0
"""At which the models go through the system."""


async def measure(folder: Path, count: int, seeds: int, repeats: int, rebuilt: int) -> None:
    servers = await Servers.start(folder / "servers")
    try:
        began = perf_counter()
        async with stage(servers, folder / "services", speed=SPEED) as played:
            documents = await crowd.models(played, seeds, random.Random(1))
        print(
            f"{len(documents)} models went through the system in {perf_counter() - began:.0f} s", flush=True
        )
        _empty(servers.admin_mongo_url)
        secret = json.loads((folder / "services" / "kept.json").read_text())["sealing_key"]
        began = perf_counter()
        wanted = crowd.Load(
            servers.admin_mongo_url, secret.encode(), documents, crowd.before(machine_now()), SPAN
        )
        await asyncio.to_thread(crowd.crowd, wanted, count)
        print(f"{count} complaints loaded in {perf_counter() - began:.0f} s", flush=True)
        await _tell_indexed(servers.mongo_url("intake"))
        async with stage(servers, folder / "services") as ready:
            _tell_size(servers.admin_mongo_url)
            await _tell_pages(ready, repeats)
            _tell_rebuilt(servers.admin_mongo_url, rebuilt)
            await asyncio.to_thread(_tell_verified, servers, secret)
    finally:
        await servers.stop()


def _empty(url: str) -> None:
    """Nothing of the models stays; the services make collections and indexes again when they start."""
    with MongoClient[Any](url) as client:
        for service in ("intake", "triage", "sla", "notify", "survey"):
            for name in client[service].list_collection_names():
                client[service].drop_collection(name)


async def _tell_indexed(url: str) -> None:
    """What a service does first when it starts on such a database."""
    began = perf_counter()
    complaints.open(url)
    while complaints.away:
        await asyncio.sleep(0.5)
    await complaints.close()
    print(f"indexes made in {perf_counter() - began:.0f} s", flush=True)


def _tell_size(url: str) -> None:
    with MongoClient[Any](url) as client:
        found = client["intake"].command("collStats", "complaints")
        sizes = {name: f"{size / 2**20:.0f} MB" for name, size in found["indexSizes"].items()}
        told = f"{found['avgObjSize']} bytes each, {found['storageSize'] / 2**30:.1f} GB on disk"
        print(f"{found['count']} documents, {told}; indexes: {sizes}", flush=True)


def pages(now: datetime) -> dict[str, str]:
    """What is asked for, by name."""
    month = f"{now - timedelta(days=40):%Y-%m}"
    since = (now - timedelta(days=60)).replace(microsecond=0).isoformat().replace("+", "%2B")
    until = (now - timedelta(days=30)).replace(microsecond=0).isoformat().replace("+", "%2B")
    bounds = f"registered_from={since}&registered_to={until}"
    period = f"from={since}&to={until}"
    return {
        "ledger, first page": "complaints",
        "ledger, overdue": "complaints?overdue=true",
        "ledger, by stage": "complaints?stage=dispatched",
        "ledger, by department": "complaints?department=quality",
        "drill-down: grade": f"complaints?grade=serious&{bounds}",
        "drill-down: product": f"complaints?product=Product%20003&{bounds}",
        "drill-down: batch": f"complaints?batch=B00075&{bounds}",
        "drill-down: lead and outcome": f"complaints?lead=quality&outcome=resolved&{bounds}",
        "drill-down: not known yet": f"complaints?unknown=cause&{bounds}",
        "statistics, 30 days by grade": f"statistics?{period}&by=grade",
        "statistics, 30 days by product, grade": f"statistics?{period}&by=product,grade",
        "monthly report": f"reports/{month}",
        "monthly report, page": f"reports/{month}?format=html",
        "conformance, 30 days": f"conformance?{period}",
        "who holds what": "holdings",
        "forecast": "forecast?days=14",
        "conformance, who did not": f"conformance/remedy?verdict=met&{period}",
        "chart of a batch": "charts?batch=B00075",
        "trends": "trends",
    }


async def _tell_pages(ready: Stage, repeats: int) -> None:
    """Milliseconds of every page, in turns, and the plans by which it was found."""
    asked = pages(machine_now())
    took: dict[str, list[float]] = defaultdict(list)
    plans: dict[str, str] = {}
    with MongoClient[Any](ready.servers.admin_mongo_url) as database:
        async with ready.system.client() as client:
            for turn in range(repeats + 1):
                for name, path in asked.items():
                    if turn == 0:
                        database["intake"].command("profile", 2)
                    began = perf_counter()
                    answer = await client.get(f"{ready.system.url('intake')}/v1/{path}", timeout=120)
                    if answer.status_code != 200:
                        raise NotReady(f"{path}: {answer.status_code} {answer.text[:300]}")
                    if turn == 0:
                        database["intake"].command("profile", 0)
                        plans[name] = "; ".join(_plans(database))
                    else:
                        took[name].append((perf_counter() - began) * 1000)
    for name, each in took.items():
        ranked = sorted(each)
        p95 = ranked[max(0, -(-len(ranked) * 95 // 100) - 1)]
        print(f"{name}: p50 {median(ranked):.0f} ms, p95 {p95:.0f} ms  <- {plans[name]}", flush=True)


def _plans(database: MongoClient[Any]) -> Iterator[str]:
    """How the database found what was asked for since the last time, as it noted itself."""
    noted = database["intake"]["system.profile"]
    told: dict[tuple[str, str], list[int]] = {}
    for each in noted.find({"op": {"$in": ["query", "command", "getmore"]}, "ns": "intake.complaints"}):
        plan = each.get("planSummary")
        if plan and not any(name in plan for name in TICKS) and plan != "IXSCAN { _id: 1 }":
            sums = told.setdefault((each["op"], plan), [0, 0, 0])
            for at, name in enumerate(("keysExamined", "docsExamined", "nreturned")):
                sums[at] += each.get(name, 0)
    noted.drop()
    for (op, plan), (keys, documents, found) in told.items():
        yield f"{op} {plan[:110]} keys {keys} documents {documents} found {found}"


def _tell_rebuilt(url: str, limit: int) -> None:
    """Whether the rows that figures are counted from follow from the events alone."""
    began, wrong, count = perf_counter(), 0, 0
    with MongoClient[Any](url) as client:
        documents = client["intake"].get_collection("complaints", codec_options=OPTIONS)
        wanted = {"journal": 1, "figures": 1, "state": 1}
        for each in documents.find({"number": {"$exists": True}}, wanted).limit(limit):
            count += 1
            record = Complaint.model_validate(each["state"], context=each["_id"])
            told = packed(row(replay(record, each["_id"], each["journal"])))
            if told != each["figures"]:
                wrong += 1
                print(f"{record.number}: {told} from its events, not {each['figures']}")
    took = perf_counter() - began
    print(f"figures rebuilt from the events of {count}: {wrong} differ, {took:.0f} s", flush=True)


def _tell_verified(servers: Servers, secret: str) -> None:
    """The whole history as it was written, and again with a seeded fault in one stored event."""
    environment = os.environ | {
        "REDRESS_AUDITOR_MONGO_URL": servers.mongo_url(AUDITOR),
        "REDRESS_PUBLIC_KEY": public_key(secret.encode()).hex(),
    }
    command = [str(Path(sys.executable).parent / "redress"), "verify"]
    code = subprocess.run(command, env=environment, check=False).returncode
    print(f"redress verify: exit code {code}", flush=True)
    with MongoClient[Any](servers.admin_mongo_url) as client:
        documents = client["intake"].get_collection("complaints", codec_options=OPTIONS)
        one = documents.find_one({"number": f"RC-{FAULTY:010d}"}, {"journal": 1})
        assert one is not None
        at = next(at for at, each in enumerate(one["journal"]) if each["type"] == "complaint.graded.v1")
        told = one["journal"][at]["data"]["grade"]
        bent = {f"journal.{at}.data.grade": told[:-1] + chr(ord(told[-1]) ^ 1)}
        documents.update_one({"_id": one["_id"]}, {"$set": bent})
    print(f"one bit of entry {at + 1} of RC-{FAULTY:010d} was turned:", flush=True)
    code = subprocess.run([*command, "--complaint", str(one["_id"])], env=environment, check=False).returncode
    print(f"redress verify: exit code {code}", flush=True)


def main(
    n: Annotated[int, typer.Option("--n", help="Complaints.", min=100)] = 1_000_000,
    seeds: Annotated[int, typer.Option(help="Complaints that really go through the system.", min=10)] = 200,
    repeats: Annotated[int, typer.Option(help="How often each page is asked for.", min=1)] = 20,
    rebuilt: Annotated[int, typer.Option(help="Complaints that are rebuilt from events; 0: all.")] = 20_000,
) -> None:
    """Measure the ledger among very many complaints."""
    try:
        install()
        with tempfile.TemporaryDirectory(prefix="redress-ledger-") as folder:
            asyncio.run(measure(Path(folder), n, seeds, repeats, rebuilt))
    except (Failed, NotReady) as reason:
        sys.exit(f"bench: {reason}")


if __name__ == "__main__":
    typer.run(main)
