"""Smoke: complaints handed in at the published port are graded, dispatched and get their deadlines."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer

ROOT = Path(__file__).resolve().parents[1]
INTAKE = f"http://127.0.0.1:{os.environ.get('INTAKE_PORT', '8001')}"
SURVEY = f"http://127.0.0.1:{os.environ.get('SURVEY_PORT', '8005')}"
READ_KEY = "docker compose run --rm --no-deps -T operator cat /run/secrets/redress_api_key"
WANTED = {"complaint.graded.v1", "complaint.dispatched.v1", "deadline.set.v1"}
AT_ONCE = 32
COMPLAINT = {
    "channel": "hotline",
    "class": "product_quality",
    "language": "en",
    "complainant": {"name": "Smoke Test", "email": "smoke@redress.invalid"},
    "product": {"name": "Kettle", "model": "K-1"},
    "description": "Smoke test: the kettle does not switch off by itself any more.",
}

Timeline = list[dict[str, Any]]


class Failed(Exception):
    """What did not come about, in a sentence for the person at the terminal."""


class Smoke:
    """Hands complaints in and follows them, each until its own patience ends."""

    def __init__(self, client: httpx.AsyncClient, patience: float) -> None:
        self._client = client
        self._patience = patience
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def ready(self) -> None:
        """The two published services say that they are ready. Raises Failed."""
        for url in (INTAKE, SURVEY):
            await self._answer("GET", f"{url}/health/ready")

    async def carry(self) -> Timeline:
        """One complaint from the hand-in to its deadlines. Raises Failed."""
        async with self._at_once:
            headers = {"Idempotency-Key": str(uuid4())}
            made = await self._answer("POST", f"{INTAKE}/v1/complaints", json=COMPLAINT, headers=headers)
        return await self._dispatched(made.json())

    async def _dispatched(self, receipt: Mapping[str, Any]) -> Timeline:
        ended, pause, missing = monotonic() + self._patience, 0.1, WANTED
        while monotonic() < ended:
            lines = await self._timeline(f"{INTAKE}/v1/complaints/{receipt['id']}")
            missing = WANTED - {line["type"] for line in lines}
            if not missing:
                return lines
            await asyncio.sleep(pause)
            pause = min(2, pause * 1.5)
        raise Failed(f"{receipt['number']} after {self._patience:g} s: no {', '.join(sorted(missing))}")

    async def _timeline(self, url: str) -> Timeline:
        """What happened to a complaint; nothing while it is not dispatched."""
        async with self._at_once:
            if (await self._answer("GET", url)).json()["stage"] != "dispatched":
                return []
            lines: Timeline = (await self._answer("GET", f"{url}/timeline?language=en")).json()
            return lines

    async def _answer(self, method: str, url: str, **request: Any) -> httpx.Response:
        """The answer; a server that is away or busy is asked again, which the Idempotency-Key makes safe."""
        ended, said, pause = monotonic() + self._patience, "", 0.3
        while monotonic() < ended:
            try:
                answer = await self._client.request(method, url, **request)
            except httpx.TransportError as error:
                said = type(error).__name__
            else:
                if answer.is_success:
                    return answer
                said = f"{answer.status_code}: {answer.text[:300]}"
                if answer.is_client_error and answer.status_code != 429:
                    break
                pause = float(answer.headers.get("Retry-After", pause))
            await asyncio.sleep(pause)
        raise Failed(f"{method} {url} answered {said}")


async def smoke(key: str, count: int, patience: float) -> None:
    """Carry `count` complaints and tell of them. Raises Failed."""
    began, headers = monotonic(), {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as client:
        one = Smoke(client, patience)
        await one.ready()
        ended = await asyncio.gather(*(one.carry() for _ in range(count)), return_exceptions=True)
    carried = [lines for lines in ended if not isinstance(lines, BaseException)]
    for line in carried[0] if carried else []:
        print(f"  +{line['after']:6.3f} s  {line['service']:7} {line['words']}")
    print(f"{len(carried)} of {count} complaints dispatched with deadlines, {monotonic() - began:.1f} s")
    for error in [error for error in ended if isinstance(error, BaseException)][:5]:
        print(f"  {error or type(error).__name__}")
    if len(carried) < count:
        raise Failed(f"{count - len(carried)} of {count} complaints did not arrive")


def api_key() -> str:
    """From REDRESS_API_KEY, or from the containers. Raises Failed."""
    if key := os.environ.get("REDRESS_API_KEY"):
        return key
    try:
        return subprocess.run(
            READ_KEY.split(), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except FileNotFoundError:
        raise Failed("set REDRESS_API_KEY: there is no docker here to ask for it") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"set REDRESS_API_KEY, or: docker compose up --build --wait\n{error.stderr}") from None


def main(
    count: Annotated[int, typer.Option(min=1, help="Complaints to hand in.")] = 1,
    patience: Annotated[float, typer.Option(help="Seconds to wait for each.")] = 60,
) -> None:
    """Hand complaints in at the published port and see them dispatched with deadlines."""
    try:
        asyncio.run(smoke(api_key(), count, patience))
    except Failed as failed:
        print(f"smoke failed: {failed}", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
