"""What notify's metrics tell of notices that wait: how many, and how long the first has waited."""

from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import Gauge

from services.notify.domain.record import BY_MACHINE, Route
from services.notify.store.notices import notices
from shared.ages import EVER, age, count, overdue
from shared.metrics import looked_up

URGENCIES = {"due": "ordinary", "urgent": "urgent"}
WAITING = Gauge(
    "redress_notices_waiting",
    "Complaints with notices that a machine has yet to deliver (counted up to 10000)",
    ["route", "urgency"],
)
OLDEST = Gauge(
    "redress_notices_oldest_seconds", "How long the first of these notices has waited", ["route", "urgency"]
)
TASKS = Gauge("redress_tasks_waiting", "Complaints with calls to make or letters to post")
OLDEST_TASK = Gauge("redress_tasks_oldest_seconds", "How long the first of these tasks has waited")


async def _wait(route: Route, field: str, urgency: str) -> None:
    waiting, oldest = WAITING.labels(route, urgency), OLDEST.labels(route, urgency)
    those = {f"{field}_{route}": EVER}
    since = f"since_{field}_{route}"
    with looked_up(waiting, oldest):
        waiting.set(await count(notices, those))
        oldest.set(await age(notices, those | {since: EVER}, since))


async def _tasks() -> None:
    with looked_up(TASKS, OLDEST_TASK):
        TASKS.set(await count(notices, {"open_task": {"$gte": ""}}))
        OLDEST_TASK.set(await age(notices, {"task_at": EVER}, "task_at"))


all_of_them: list[Callable[[], Awaitable[None]]] = [
    *(partial(_wait, route, field, name) for route in BY_MACHINE for field, name in URGENCIES.items()),
    *(
        overdue(notices, f"{name} {route}", f"{field}_{route}")
        for route in BY_MACHINE
        for field, name in URGENCIES.items()
    ),
    _tasks,
]
