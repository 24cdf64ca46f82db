"""A shell that stays open, in a folder that looks like a checkout."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.docs.reading import ROOT

PATIENCE_S = 100
STRICT = 'curl() { command curl --fail-with-body "$@"; }; export -f curl\n'
"""An answer of 400 or more is a failure, though readers' curl shows it and ends well."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


class Shell:
    """bash, with variables and folder as the command before left them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._talk = folder / ".talk"
        self._talk.mkdir()
        self._count = 0
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(STRICT.encode())

    async def type(self, command: str) -> Said:
        """One command to its end. Raises TimeoutError."""
        self._count += 1
        out, err, status = (self._talk / f"{self._count}.{name}" for name in ("out", "err", "status"))
        assert self._process.stdin is not None
        typed = (
            f"{{ {command}\n}} </dev/null >{out} 2>{err}; echo $? >{status}.part; mv {status}.part {status}\n"
        )
        self._process.stdin.write(typed.encode())
        self._process.stdin.flush()
        async with asyncio.timeout(PATIENCE_S):
            while not status.exists() and self._process.poll() is None:
                await asyncio.sleep(0.02)
        ended = int(status.read_text()) if status.exists() else self._process.wait()
        return Said(ended, out.read_text(errors="replace"), err.read_text(errors="replace"))

    async def value(self, text: str) -> str:
        """A text with its `$VARIABLES` as the shell has them."""
        said = await self.type(f'printf %s "{text}"')
        return said.out

    def close(self) -> None:
        """End it, and whatever it left running."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def checkout(folder: Path, local: Path) -> Path:
    """A folder with everything that git tracks, the environment in .venv, and this .local."""
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True)
    folder.mkdir()
    for name in {line.partition("/")[0] for line in tracked.stdout.splitlines()}:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    (folder / ".local").symlink_to(local)
    environment = folder / ".venv"
    environment.mkdir()
    for each in Path(sys.prefix).iterdir():
        if each.name != ".ready":
            (environment / each.name).symlink_to(each)
    (environment / ".ready").touch()
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What a shell of ours starts with: nothing of Redress but the path to this code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REDRESS_", "OTEL_"))}
    path = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"
    return kept | {"PATH": path, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "COLUMNS": "200"}


_ANYTHING = "..."


def fits(shown: object, found: object) -> bool:
    """Whether an answer has the keys and types of the one that is shown."""
    if shown == _ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(found, dict):
        return all(
            key == _ANYTHING or (key in found and fits(each, found[key])) for key, each in shown.items()
        )
    if isinstance(shown, list) and isinstance(found, list):
        return _ANYTHING in shown or all(any(fits(each, other) for other in found) for each in shown)
    if isinstance(shown, bool) or isinstance(found, bool):
        return type(shown) is type(found)
    numbers = isinstance(shown, int | float) and isinstance(found, int | float)
    return numbers or type(shown) is type(found)


def loose_json(text: str) -> list[object]:
    """The JSON values in a text, in which `...` may stand for anything. Raises ValueError."""
    quoted = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: found[0].replace("...", "\0"), text)
    marked = re.sub(r"([{,])\s*\.\.\.\s*\}", '\\1"\0": 0}', quoted)
    marked = re.sub(r"\.\.\.", '"\0"', marked).replace("\0", "...")
    decoder, found, at = json.JSONDecoder(), list[object](), 0
    while at < len(marked.rstrip()):
        at += len(marked[at:]) - len(marked[at:].lstrip())
        value, at = decoder.raw_decode(marked, at)
        found.append(value)
    return found


def alike(shown: str, found: str) -> bool:
    """Whether a text reads as shown; `...` stands for the rest of a line, alone on its line for any lines."""
    parts = []
    for line in shown.splitlines():
        if line.strip() == _ANYTHING:
            parts.append(r"(?:[^\n]*\n)*")
        else:
            parts.append(re.escape(line.rstrip()).replace(re.escape(_ANYTHING), r"[^\n]*") + r"[^\S\n]*\n")
    return re.fullmatch("".join(parts), found.rstrip() + "\n") is not None
