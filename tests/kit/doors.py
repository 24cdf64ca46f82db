"""A small application with the manners of all services, and settings of its own."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel

from shared import http
from shared.http import Caller, Who, caller, rates
from shared.principals import gatekeeper
from shared.settings import settings

KEY = "front-end"


def api_keys(**roles: list[str]) -> dict[str, Any]:
    """The setting: each caller's key is its name."""
    return {name: {"keys": [{"digest": digest(name)}], "roles": words} for name, words in roles.items()}


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


@contextmanager
def settled(patch: pytest.MonkeyPatch, **values: Any) -> Iterator[None]:
    """Settings by name, in force inside."""
    with patch.context() as inside:
        for name, value in values.items():
            text = value if isinstance(value, str) else json.dumps(value)
            inside.setenv(f"REDRESS_{name.upper()}", text)
        forget()
        yield
    forget()


def forget() -> None:
    """Let settings be read anew."""
    for kept in (settings, gatekeeper, rates.of_callers, rates.of_addresses):
        kept.cache_clear()


class Thing(BaseModel):
    """A body."""

    size: int


class Shape(BaseModel):
    """Query parameters of one model."""

    colour: str | None = None


def application() -> FastAPI:
    """Operations of every kind that manners tell apart."""
    app, router = FastAPI(), APIRouter(prefix="/v1", dependencies=[Depends(caller)])
    http.set_up(app, re.compile(r"/v1/files/[^/]+"))

    @router.get("/things")
    async def things(
        by: Caller, stage: str = "", size: Annotated[int, Query(alias="page_size")] = 1
    ) -> list[str]:
        return [by, stage, str(size)]

    @router.get("/shapes")
    async def shapes(shape: Annotated[Shape, Query()]) -> str:
        return shape.colour or ""

    @router.post("/things/{id}")
    async def put(id: int, given: Thing) -> int:
        return given.size

    @router.get("/things/{id}")
    async def one(id: int) -> int:
        return id

    app.include_router(router)
    app.include_router(_doors())
    return app


def _doors() -> APIRouter:
    router = APIRouter()

    @router.get("/v1/who")
    async def who(who: Who) -> dict[str, Any]:
        return who.model_dump(mode="json") | {"is_partner": who.is_partner}

    @router.put("/v1/files/{name}")
    async def upload(name: str, request: Request) -> dict[str, Any]:
        sizes = [len(chunk) async for chunk in request.stream()]
        return {"bytes": sum(sizes), "pieces": len([size for size in sizes if size])}

    @router.put("/v1/whole")
    async def whole(request: Request) -> int:
        return len(await request.body())

    @router.get("/pages/{name}")
    async def page(name: str) -> str:
        return name

    return router


def client(app: FastAPI, key: str | None = KEY) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)
