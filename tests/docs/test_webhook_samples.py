"""The receivers of docs/webhooks.md, as they stand there: they take what we sign, and nothing else."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.ports import accepts, free_ports
from services.notify.domain.signing import secret_text, sign
from shared import clock
from tests.docs.reading import ROOT, pages
from tests.kit.npm import NODE, installed

SECRET = secret_text(b"a secret of thirty-two bytes ...")
BODY = '{"type": "complaint.registered.v1", "subject": "RC-投诉"}'.encode()
TOLD = "complaint.registered.v1 RC-投诉"
NEEDED = ROOT / "examples" / "webhooks"
(PAGE,) = [page for page in pages() if page.path == "docs/webhooks.md"]


def sample(language: str, file: Path) -> Path:
    """The page's program of this language, with a secret that is one."""
    (block,) = [each for each in PAGE.blocks if each.language == language]
    file.write_text(block.text.replace("whsec_...", SECRET), encoding="utf-8")
    return file


def begun(command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as said:
        return subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)


@asynccontextmanager
async def serving(command: list[str], folder: Path, port: int) -> AsyncIterator[str]:
    log = folder / "log"
    process = begun(command, folder, log)
    try:
        async with asyncio.timeout(180):
            while not accepts(port):
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/hooks"
    finally:
        process.kill()
        process.wait()


async def answers(url: str) -> list[int]:
    """To a genuine message, to one whose body was changed, and to one without a signature."""
    at = int(clock.machine_now().timestamp())
    head = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "Content-Type": "application/cloudevents+json",
    }
    signed = head | {"webhook-signature": sign([SECRET], "msg_1", at, BODY)}
    sent = [(BODY, signed), (BODY.replace(b"registered", b"closed"), signed), (BODY, head)]
    async with httpx.AsyncClient(trust_env=False) as client:
        return [(await client.post(url, content=body, headers=heads)).status_code for body, heads in sent]


def told(folder: Path) -> list[str]:
    """The events that a receiver told of."""
    return [
        line for line in (folder / "log").read_text("utf-8").splitlines() if line.startswith("complaint.")
    ]


async def test_the_receiver_in_python_takes_what_we_sign(tmp_path: Path) -> None:
    port = free_ports("hooks")["hooks"]
    sample("python", tmp_path / "receiver.py")
    command = [sys.executable, "-u", "-m", "uvicorn", "receiver:app", "--port", str(port)]
    async with serving(command, tmp_path, port) as url:
        assert await answers(url) == [200, 400, 400]
    assert told(tmp_path) == [TOLD]


def test_the_receiver_in_node_is_tried_with_what_the_page_has_installed() -> None:
    (told,) = [span for span in PAGE.spans if span.startswith("npm install ")]
    needed = json.loads((NEEDED / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {*told.split()[2:]} == {*needed}


async def test_the_receiver_in_node_takes_what_we_sign(tmp_path: Path) -> None:
    port = free_ports("hooks")["hooks"]
    (tmp_path / "node_modules").symlink_to(installed(NEEDED))
    file = sample("js", tmp_path / "receiver.mjs")
    moved, count = re.subn(r"listen\(\d+\)", f"listen({port})", file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(moved, encoding="utf-8")
    async with serving([str(NODE), str(file)], tmp_path, port) as url:
        assert await answers(url) == [204, 400, 400]
    assert told(tmp_path) == [TOLD]
