"""History that nobody can bend: what was written verifies, what was changed is found and named."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from deploy.cli import program
from deploy.journals import is_complaint
from deploy.provision import AUDITOR
from shared import chain
from shared.chain import Head, extended, first, parted
from shared.driver import encoded
from shared.events import ComplaintGraded
from tests.kit.carried import GRADED, KEY, Document, carried, document, heard, put, verified
from tests.kit.house import House, house
from tests.kit.servers import AnyServers


@pytest.fixture
async def at(servers: AnyServers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(servers, monkeypatch) as found:
        yield found


# what was written


async def test_what_was_written_verifies_and_gives_the_complaint(servers: AnyServers, at: House) -> None:
    id = await carried(at)
    result = await verified(servers, id, "--rebuild")
    entries = len((await document(servers, id))["journal"])
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1), result.output
    assert result.stdout.startswith(f"verified=1 entries={entries} faults=0 seconds=")
    number = (await document(servers, id))["number"]
    assert (await verified(servers, number)).exit_code == 0


async def test_changes_that_race_for_one_complaint_keep_one_chain(servers: AnyServers, at: House) -> None:
    id = await carried(at, 1)
    notes = [at.ask("desk", "POST", f"/complaints/{id}/notes", json={"text": f"n {n}"}) for n in range(30)]
    await asyncio.gather(*notes, *(heard(id, replace_grade(n)) for n in range(2, 6)))
    result = await verified(servers, id)
    kept = (await document(servers, id))["journal"]
    assert sum(each["data"].get("action", {}).get("what") == "note" for each in kept) == 30
    wrong = [line for line in result.stdout.splitlines() if "number" not in line]
    assert len(wrong) == 1, result.stdout  # the racing test itself gives numbers of triage twice


def replace_grade(revision: int) -> ComplaintGraded:
    return GRADED.model_copy(update={"revision": revision})


async def test_every_complaint_is_verified_and_faults_are_told_by_the_exit_code(
    servers: AnyServers, at: House
) -> None:
    id = await carried(at, 3)
    command = ["verify", "--url", servers.mongo_url(AUDITOR), "--public-key", KEY]
    before = await asyncio.to_thread(CliRunner().invoke, program(), command)
    bent = await document(servers, id)
    bent["journal"][4]["data"]["grade"] = "critical"
    await put(servers, bent)
    after = await asyncio.to_thread(CliRunner().invoke, program(), command)
    assert f" {id} entry 5 (complaint.graded.v1, " in after.stdout
    assert id not in before.stdout
    assert after.exit_code == 1


# what was changed


def flipped(value: Any, choose: random.Random) -> Any:
    """A value with one byte of it changed."""
    match value:
        case bool():
            return not value
        case int():
            return value ^ 1
        case str() if value:
            at = choose.randrange(len(value))
            return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
        case bytes():
            at = choose.randrange(len(value))
            return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        case UUID():
            return UUID(bytes=flipped(value.bytes, choose))
        case datetime():
            return value + timedelta(milliseconds=1)
        case dict() if value:
            name = choose.choice(sorted(value))
            return value | {name: flipped(value[name], choose)}
        case list() if value:
            return [*value[:-1], flipped(value[-1], choose)]
    return "x"


@pytest.mark.parametrize("seed", range(40))
async def test_one_flipped_byte_is_found_and_its_event_named(
    servers: AnyServers, at: House, seed: int
) -> None:
    choose = random.Random(seed)
    id = await carried(at, 4)
    bent = await document(servers, id)
    which = choose.randrange(len(bent["journal"]))
    was = bent["journal"][which]
    bent["journal"][which] = flipped(was, choose)
    assert bent["journal"][which] != was
    await put(servers, bent)
    result = await verified(servers, id)
    assert result.exit_code == 1
    named = bent["journal"][which]
    line = result.stdout.splitlines()[0]
    assert line.startswith(f"{bent['number']} {id} entry {which + 1} ({named['type'] or 'command'}, ")
    stored, computed = line.partition("stored hash ")[2].split()[:3:2]
    assert stored.strip(",") == named["hash"].hex()
    assert computed.strip(":") != stored.strip(",")


def chained(document: Document) -> None:
    """Hashes as they would have to be, and a head signed with another house's key."""
    bodies = [parted(encoded(entry))[0] for entry in document["journal"]]
    last = first(document["_id"])
    for entry, body in zip(document["journal"], bodies, strict=True):
        last = entry["hash"] = chain.linked(last, body)
    head = Head(len(bodies), last)
    told = chain._message(document["_id"], head)
    document["head"] = replace(head, signature=Ed25519PrivateKey.generate().sign(told), mac=b"m" * 32).stored


def retyped(document: Document) -> None:
    document["journal"][5]["type"] = "complaint.archived.v1"


def redated(document: Document) -> None:
    document["journal"][5]["time"] += timedelta(days=1)


def cut(document: Document) -> None:
    document["journal"].pop()


def cut_with_its_head(document: Document) -> None:
    document["journal"].pop()
    document["head"] |= {"entries": len(document["journal"]), "hash": document["journal"][-1]["hash"]}


def swapped(document: Document) -> None:
    document["journal"][5:7] = document["journal"][6:4:-1]


def doubled(document: Document) -> None:
    document["journal"].append(document["journal"][-1])


def removed(document: Document) -> None:
    del document["journal"][5]


def unhashed(document: Document) -> None:
    del document["journal"][5]["hash"]


def forged(document: Document) -> None:
    document["journal"][4]["data"]["grade"] = "critical"
    chained(document)


def headless(document: Document) -> None:
    del document["head"]


def emptied(document: Document) -> None:
    del document["journal"], document["head"]


def garbled(document: Document) -> None:
    document["journal"][5] = 7


def of_another(document: Document) -> None:
    document["journal"][5]["hash"] = b"\x00" * 32


WAYS: list[tuple[Callable[[Document], None], str]] = [
    (retyped, "entry 6 (complaint.archived.v1, "),
    (redated, "entry 6 ("),
    (cut, "its head counts 16 entries, there are 15"),
    (cut_with_its_head, "its head is not signed by this house"),
    (swapped, "entry 6 ("),
    (doubled, "entry 17 ("),
    (removed, "entry 6 ("),
    (unhashed, "stored hash none"),
    (forged, "its head is not signed by this house"),
    (headless, "it has no head"),
    (emptied, "it has no journal"),
    (garbled, "entry 6 (): it is no entry"),
    (of_another, "stored hash 00000000"),
]


@pytest.mark.parametrize(("bend", "told"), WAYS, ids=[bend.__name__ for bend, _ in WAYS])
async def test_whatever_is_bent_is_named(
    servers: AnyServers, at: House, bend: Callable[[Document], None], told: str
) -> None:
    id = await carried(at, 4)
    bent = await document(servers, id)
    assert len(bent["journal"]) == 16
    bend(bent)
    await put(servers, bent)
    result = await verified(servers, id)
    assert result.exit_code == 1
    assert told in result.stdout


async def test_a_record_that_does_not_follow_from_its_journal_is_found(
    servers: AnyServers, at: House
) -> None:
    id = await carried(at, 4)
    bent = await document(servers, id)
    bent["state"] |= {"root_cause": "design", "handler": "Wang"}
    await put(servers, bent)
    assert (await verified(servers, id)).exit_code == 0
    result = await verified(servers, id, "--rebuild")
    assert result.exit_code == 1
    assert "other values of handler, root_cause" in result.stdout


async def test_nothing_that_somebody_else_wrote_is_ever_signed(servers: AnyServers, at: House) -> None:
    id = await carried(at, 2)
    bent = await document(servers, id)
    forged(bent)
    bent["version"] += 1  # else intake goes on from what it wrote itself, and remembers
    await put(servers, bent)
    assert (await at.step(id, step="investigate", cause="material")).status_code == 200
    result = await verified(servers, id)
    assert result.stdout.splitlines()[0].endswith("its head is not signed by this house")
    assert result.stdout.splitlines()[-1].startswith("verified=1 entries=14 faults=1 ")


async def test_another_public_key_verifies_nothing(servers: AnyServers, at: House) -> None:
    id = await carried(at, 1)
    result = await verified(servers, id, key=chain.public_key(b"somebody else's secret, as long").hex())
    assert "not signed by this house" in result.stdout
    assert (await verified(servers, id, key="abc")).exit_code == 1
    assert "There is no complaint" in (await verified(servers, str(uuid4()))).stderr


def test_a_chain_is_hashed_from_the_id_over_every_entry() -> None:
    id, bodies = uuid4(), [encoded({"n": n}) for n in range(3)]
    written, head = extended(id, None, bodies[:2])
    more, last = extended(id, head, bodies[2:])
    assert [parted(each)[0] for each in (*written, *more)] == bodies
    assert [parted(each)[1] for each in (*written, *more)][-1] == last.hash
    assert (head.entries, last.entries) == (2, 3)
    assert extended(id, None, bodies)[1].hash == last.hash
    assert extended(uuid4(), None, bodies)[1].hash != last.hash


def test_what_lies_beside_complaints_is_none() -> None:
    order = {"_id": uuid4(), "version": 1, "state": {"number": "orders/1", "due": "2026-09-01"}, "outbox": []}
    assert not is_complaint(order)
    for name in ("journal", "head", "number"):
        bereft = {"_id": uuid4(), "state": {"registered_at": "2026-09-01"}, name: None}
        assert is_complaint(bereft)
        assert is_complaint({"_id": uuid4(), name: []})
