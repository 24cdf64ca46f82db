"""The complaints: one document each, found by id, by number, by who asked, or as the ledger lists them."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake.domain.complaint import Complaint, check_same
from services.intake.domain.conformance import Judgement, Tally, behind, compact
from services.intake.domain.ending import MOST_RELATED
from services.intake.domain.facts import pack_of
from services.intake.domain.figures import Row, in_time, packed, row, unpacked
from services.intake.domain.handling import KEPT
from services.intake.domain.ledger import Order, facets
from services.intake.domain.registration import Registration, register
from services.intake.domain.replaying import kept
from services.intake.domain.roles import Actor
from shared import clock
from shared.copies import Copies
from shared.documents import Saved
from shared.driver import Taken, index
from shared.envelope import Cause
from shared.mongo import Changes, Store
from shared.problems import NotFound, TooManyRequests, Unavailable

YEAR = timedelta(days=365.25)


def lift(state: Complaint) -> dict[str, Any]:
    """What stands beside the state for an index, or a filter of the ledger, to find it."""
    line = row(state)
    return facets(state) | {
        "request": state.request,
        "person": state.person if state.erased is None else None,
        "joined": [*state.related, *([state.merged_into] if state.merged_into else [])] or None,
        "files": [each.id for each in state.evidence] or None,
        "retain_until": retain_until(state),
        "figures": packed(line),
        "in_time": in_time(line),
        "conformance": compact(state),
    }


def retain_until(state: Complaint) -> datetime | None:
    """The machine's instant at which what points to a person is no longer kept."""
    if state.closed_at is None or state.erased is not None:
        return None
    return clock.wake_at(state.closed_at + pack_of(state).retention_years * YEAR)


complaints = Store(
    "intake",
    "complaints",
    Complaint,
    lift=lift,
    indexes=[
        index("number", unique=True),
        index("request", unique=True),
        index("stage", "-registered_at", "-_id"),
        index("caller", "-registered_at", "-_id"),
        index("departments", "-registered_at", "-_id"),
        index("handler", "-registered_at", "-_id"),
        index("product", "-registered_at", "-_id"),
        index("batch", "-registered_at", "-_id"),
        index(
            *("-registered_at", "-_id", "class", "cause", "channel", "lead", "group", "grade", "outcome"),
            *("product", "batch", "pack", "conformance", "in_time", "score"),
        ),  # a period by what figures are told apart by, and draws from it: no document is read in vain
        index("closed_at", "-registered_at", "-_id"),  # sorted before documents are read
        index("next_deadline", "_id", "lead"),  # what falls due when; forecasts read nothing else
        index("holder", "lead", "handler", "held_since", "next_deadline", "pack", "_id"),  # who holds what
        index("respondents"),
        index("registered_at", "figures"),
        index("person"),
        index("joined"),
        index("files"),
        index("retain_until"),
    ],
    journal=kept,
)
copies = Copies(complaints)

SAME_WITHIN = timedelta(minutes=10)
MOST_BOARDS, MOST_OF_ONE = 40, 10
_boards: Counter[str] = Counter()
SCANNED = 2_000
"""Complaints whose texts one page of a search opens at most."""


async def add(cause: Cause[Registration]) -> Saved[Complaint]:
    """Register once for this request. Raises Invalid if its key was used for another payload.

    A request without a key is known by its content for a while: whoever sends the same again, because a
    button was pressed twice or an answer got lost, has not complained twice.
    """
    asked, later = cause.data, cause
    while True:
        try:
            return await complaints.update_soon(cause.complaint, register, later, fresh=True)
        except Taken:
            found = await complaints.find({"request": later.data.request}, limit=1)
        if not found or found[0].state is None:
            raise Unavailable("The receipt number was taken this very moment; send the same again", (), 1)
        known = found[0].state
        age = clock.machine_now() - clock.wake_at(known.registered_at)
        if age <= (KEPT if asked.keyed else SAME_WITHIN):
            check_same(known.digest, asked.digest)
            return found[0]
        request = f"{asked.request} after {known.number}"
        later = replace(cause, data=replace(asked, request=request))


async def one(id: UUID, reader: Actor) -> Complaint:
    """A complaint. Raises NotFound, also for another partner's."""
    return _seen(await complaints.get(id), reader)


async def with_history(id: UUID, reader: Actor) -> tuple[Complaint, list[dict[str, Any]]]:
    """A complaint and its journal, read at one time. Raises NotFound as `one` does."""
    found, journal = await complaints.history(id)
    return _seen(found, reader), journal


def _seen(found: Saved[Complaint] | None, reader: Actor) -> Complaint:
    if found is None or found.state is None or (reader.is_partner and found.state.caller != reader.name):
        raise NotFound("There is no complaint with this id")
    return found.state


async def numbered(number: str) -> Saved[Complaint] | None:
    """The complaint with this receipt number, if there is one."""
    found = await complaints.find({"number": number}, limit=1)
    return found[0] if found else None


@asynccontextmanager
async def changes(reader: Actor, since: str | None) -> AsyncIterator[Changes[Complaint]]:
    """What changes from now on, or since. Each board holds a connection: raises TooManyRequests."""
    if _boards.total() >= MOST_BOARDS or _boards[reader.name] >= MOST_OF_ONE:
        raise TooManyRequests(f"At most {MOST_OF_ONE} boards of one caller, {MOST_BOARDS} in all", (), 30)
    _boards[reader.name] += 1
    try:
        async with complaints.watch("number", since) as found:
            yield found
    finally:
        _boards[reader.name] -= 1


async def joined_to(id: UUID) -> list[UUID]:
    """The complaints that were merged into this one, or linked with it."""
    return [each.id for each in await complaints.find({"joined": id}, limit=MOST_RELATED)]


ORDERS: Mapping[Order, str] = {"newest": "-registered_at,-_id", "due": "next_deadline,_id"}


def after(at: datetime, id: UUID, order: Order = "newest") -> dict[str, Any]:
    """What comes after this complaint in one of the ledger's orders."""
    field, beyond = ("registered_at", "$lt") if order == "newest" else ("next_deadline", "$gt")
    return {"$or": [{field: {beyond: at}}, {field: at, "_id": {beyond: id}}]}


async def page(
    query: Mapping[str, Any], limit: int, order: Order = "newest"
) -> tuple[list[Saved[Complaint]], bool]:
    """Complaints that match, and whether there are more; by due time only those of which a clock runs."""
    running = {"$and": [query, {"next_deadline": {"$exists": True}}]}
    return await complaints.page(query if order == "newest" else running, sort=ORDERS[order], limit=limit)


async def every(query: Mapping[str, Any]) -> AsyncIterator[Saved[Complaint]]:
    """All that match, newest first, a batch at a time."""
    async for saved in complaints.scan(query, sort="-registered_at,-_id"):
        yield saved


async def rows(since: datetime, until: datetime) -> AsyncIterator[list[Row]]:
    """The rows of all complaints registered in a period, many at a time, read off an index alone."""
    query = {"registered_at": {"$gte": since, "$lt": until}}
    async for some in complaints.lifted(query, ["figures"], hint="registered_at_1_figures_1"):
        yield unpacked(each["figures"] for each in some)


async def tally(query: Mapping[str, Any], offset: str) -> list[Tally]:
    """How many complaints that match were found to be what, by pack and month of registration.

    `offset` is that of the months, such as `+0800`. Answered off one index unless the query asks for more
    than pack and a period with a beginning.
    """
    at = {name: value for name, value in query["registered_at"].items() if name != "$exists"}
    month = {"$dateToString": {"date": "$registered_at", "format": "%Y-%m", "timezone": offset}}
    about = {"pack": "$pack", "month": month, "found": "$conformance"}
    counted = {"$group": {"_id": about, "complaints": {"$sum": 1}}}
    found = await complaints.aggregate([{"$match": dict(query) | {"registered_at": at}}, counted])
    return [Tally(**each["_id"], complaints=each["complaints"]) for each in found]


def found_to_be(line: str, judgement: Judgement) -> dict[str, Any]:
    """The complaints of which a line says this. Raises NotFound for no such line."""
    return {"conformance": {"$regex": behind(line, judgement)}}
