"""The notices: one document for each complaint, found by the instant of the next attempt on each route."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.notify.domain.record import BY_MACHINE, Notice, Notices, Route, State
from shared.copies import Copies
from shared.documents import Saved
from shared.driver import index
from shared.mongo import Store
from shared.policy import NoticeKind

OF_OLD = datetime(2000, 1, 1, tzinfo=UTC)


def lift(state: Notices) -> dict[str, Any]:
    """What stands beside the state: when each route goes on, whose tasks are open, and the log's columns."""
    tasks = {each.route for each in state.notices if each.state == "task"}
    routes = [_on(route, state) for route in BY_MACHINE]
    return {
        **{name: value for each in routes for name, value in each.items()},
        "task_at": _task_at(state),
        "open_task": sorted(str(route) for route in tasks) or None,
        "log": [_column(each) for each in state.notices] or None,
        "handed_in_by": state.handed_in_by,
        "log_at": max((each.at for each in state.notices if each.at), default=None),
    }


def _on(route: Route, state: Notices) -> dict[str, Any]:
    """When a route goes on, and with what is urgent; through which channel, and what it has waited for."""
    waiting = state.waiting(route)
    urgent = [each for each in waiting if each.urgent]
    ordinary = [each for each in waiting if not each.urgent]
    return {
        f"due_{route}": _first(each.next_at for each in ordinary),
        f"urgent_{route}": _first(each.next_at for each in urgent),
        f"since_due_{route}": _first(each.at for each in ordinary),
        f"since_urgent_{route}": _first(each.at for each in urgent),
        f"via_{route}": state.via(route),
        f"since_{route}": _first(each.at for each in waiting),
    }


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)


def _task_at(state: Notices) -> datetime | None:
    """Since when the first of its tasks can be done."""
    tasks = [each for each in state.notices if each.state == "task"]
    return _first(each.again_at or each.at for each in tasks)


def _column(each: Notice) -> dict[str, Any]:
    columns = {"state": each.state, "kind": each.kind, "route": each.route, "to": each.to, "at": each.at}
    return {name: value for name, value in columns.items() if value is not None}


notices = Store(
    "notify",
    "notices",
    Notices,
    lift=lift,
    indexes=[
        *(index(f"due_{route}", f"via_{route}", f"since_{route}") for route in BY_MACHINE),
        *(index(f"urgent_{route}", f"via_{route}", f"since_{route}") for route in BY_MACHINE),
        *(index(f"since_due_{route}", f"due_{route}") for route in BY_MACHINE),
        *(index(f"since_urgent_{route}", f"urgent_{route}") for route in BY_MACHINE),
        index("open_task", "task_at", "_id"),
        index("task_at"),
        index("log_at", "_id"),
        index("log.state", "log_at", "_id"),
    ],
)
copies = Copies(notices)


class Sought(BaseModel):
    """Which notices somebody looks for; `since` and `until` are about when they were made."""

    state: State | None = None
    kind: NoticeKind | None = None
    route: Route | None = None
    to: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def columns(self) -> dict[str, Any]:
        named = self.model_dump(include={"state", "kind", "route", "to"}, exclude_none=True)
        if self.to == "customer":
            named["to"] = {"$exists": False}
        begun = {"$gte": self.since} if self.since else {}
        ended = {"$lt": self.until} if self.until else {}
        return named | ({"at": begun | ended} if begun or ended else {})

    def finds(self, each: Notice) -> bool:
        """Whether it is one of them."""
        same = self.model_dump(include={"state", "kind", "route"}, exclude_none=True)
        if any(getattr(each, name) != value for name, value in same.items()):
            return False
        if self.to is not None and (each.to or "customer") != self.to:
            return False
        if self.since is None and self.until is None:
            return True
        return (
            each.at is not None
            and (self.since is None or each.at >= self.since)
            and (self.until is None or each.at < self.until)
        )


async def page(
    sought: Sought, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Saved[Notices]], bool]:
    """Complaints with such notices, those with the newest notice first, and whether there are more."""
    query: dict[str, Any] = {"log_at": {"$exists": True}}
    if columns := sought.columns:
        query["log"] = {"$elemMatch": columns}
    if sought.state is not None:
        query["log.state"] = sought.state
    if sought.since is not None:
        query["log_at"] = {"$gte": sought.since}
    if after is not None:
        at, id = after
        query["$or"] = [{"log_at": {"$lt": at}}, {"log_at": at, "_id": {"$lt": id}}]
    return await notices.page(query, sort="-log_at,-_id", limit=limit)


async def open_tasks(
    route: Route | None, after: tuple[datetime, UUID] | None, limit: int, until: datetime | None = None
) -> tuple[list[Saved[Notices]], bool]:
    """Complaints with calls to make or letters to post, the longest due first; whether there are more.

    Only those with a task that is due `until` then. Of tasks from of old it is not known since when.
    """
    conditions: list[dict[str, Any]] = [{"open_task": route or {"$exists": True}}]
    if until is not None:
        conditions.append({"$or": [{"task_at": None}, {"task_at": {"$lte": until}}]})
    if after is not None:
        at, id = after
        same = {"task_at": None if at == OF_OLD else at, "_id": {"$gt": id}}
        conditions.append({"$or": [{"task_at": {"$gt": at}}, same]})
    return await notices.page({"$and": conditions}, sort="task_at,_id", limit=limit)


async def place(found: Saved[Notices]) -> tuple[datetime, UUID]:
    """Where a complaint stands among those with tasks."""
    old = await notices.count({"_id": found.id, "open_task": {"$exists": True}, "task_at": None})
    at = None if old or found.state is None else _task_at(found.state)
    return at or OF_OLD, found.id
