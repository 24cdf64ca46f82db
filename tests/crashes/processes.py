"""A process of a service: its own copy of the service's modules, and all that a service runs but for HTTP."""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib.machinery import SourceFileLoader
from time import monotonic
from types import ModuleType
from typing import Any

import pytest

from deploy.provision import COLLECTIONS
from shared.bus import Publisher
from shared.mongo import Store
from shared.outbox import Relay
from tests.crashes.gate import Process

TICK_S = 2.0
DOORS: Mapping[str, Sequence[str]] = {
    "intake": ("listeners", "api.handing_in", "api.calling"),
    "triage": ("listeners", "ticker"),
    "sla": ("listeners", "ticker"),
    "notify": ("listeners",),
    "survey": ("listeners", "ticker"),
}
TICKS = {
    "intake": ["store.complaints.copies.refresh"],
    "triage": ["ticker.sweep", "store.copies.refresh"],
    "sla": ["ticker.tick", "store.copies.refresh"],
    "notify": ["store.notices.copies.refresh", "store.endpoints.directory.refresh"],
    "survey": ["ticker.tick", "store.copies.refresh"],
}


for _service, _names in DOORS.items():
    for _name in _names:
        importlib.import_module(f"services.{_service}.{_name}")
_compiled = cache(SourceFileLoader.get_code)


def fresh(service: str, time: Callable[[], float]) -> dict[str, ModuleType]:
    """The modules of a service's doors and back rooms as a new process has them, by name."""
    with pytest.MonkeyPatch.context() as patch:
        package = sys.modules[f"services.{service}"]
        for name in _modules(service):
            patch.delitem(sys.modules, name)
            patch.delattr(package, name.split(".")[2], raising=False)
        patch.setattr(SourceFileLoader, "get_code", _compiled)
        for name in DOORS[service]:
            importlib.import_module(f"services.{service}.{name}")
        made = _modules(service)
    for module in made.values():
        if getattr(module, "monotonic", None) is monotonic:
            module.monotonic = time  # type: ignore[attr-defined]
    return {name.removeprefix(f"services.{service}."): module for name, module in made.items()}


def _modules(service: str) -> dict[str, ModuleType]:
    prefix = f"services.{service}."
    mine = {name: module for name, module in sys.modules.items() if name.startswith(prefix)}
    return {name: module for name, module in mine.items() if not name.startswith(f"{prefix}domain")}


async def live(process: Process, loop: asyncio.AbstractEventLoop) -> None:
    """Run it until it dies."""
    url = f"amqp://{process.service}@127.0.0.1:1/redress"
    publisher = Publisher(url, process.service)
    store = _store_of(process)
    relay = Relay(store, publisher)
    store.open("mongodb://127.0.0.1:1/", relay.owe)
    loop.create_task(relay.run())
    loop.create_task(process.modules["listeners"].inbox.start(url, publisher))
    for path in TICKS[process.service]:
        loop.create_task(_tick(_found(process.modules, path)))


def _store_of(process: Process) -> Store[Any]:
    name = {"intake": "store.complaints", "notify": "store.notices"}.get(process.service, "store")
    return getattr(process.modules[name], COLLECTIONS[process.service])  # type: ignore[no-any-return]


async def _tick(tick: Callable[[], Awaitable[bool]]) -> None:
    while True:
        try:
            more = await tick()
        except Exception:  # as in a service, a ticker outlives whatever befalls one round
            more = False
        if not more:
            await asyncio.sleep(TICK_S)


def _found(modules: Mapping[str, ModuleType], path: str) -> Any:
    name = max((each for each in modules if path.startswith(f"{each}.")), key=len)
    found: Any = modules[name]
    for part in path.removeprefix(f"{name}.").split("."):
        found = getattr(found, part)
    return found
