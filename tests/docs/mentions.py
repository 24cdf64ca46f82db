"""What pages mention in passing: commands, files, modules, settings, events, tests, metrics."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from typer.main import get_command

from deploy.cli import program
from deploy.local.up import EXPORTS
from shared.events import CATALOGUE
from shared.settings import Settings
from tests.docs.reading import ROOT

TOPS = ("services", "shared", "deploy", "tests", "bench", "docs", "policies", "samples", ".ci")
ENDINGS = ("py", "md", "yaml", "yml", "json", "jsonl", "toml", "lock", "html", "js", "css", "txt", "ini")
MADE = (".local/", ".venv/", "my-", "<folder>", "cn-mainland", "notice.txt", "SECRETS/")
"""Beginnings of what readers or programs make."""
IMAGINED = ("complaint.graded.v2",)
"""Event types that pages take as an example of what may come."""

_PATH = re.compile(rf"(?:[\w.<>*-]+/)*[\w.<>*-]+\.(?:{'|'.join(ENDINGS)})|(?:{'|'.join(TOPS)})/[\w./<>*-]*")
_MODULE = re.compile(rf"(?:{'|'.join(TOPS[:5])})(?:\.[A-Za-z_]\w*)+")


def options_wrong(command: str) -> str | None:
    """What is wrong with a `redress` command, if anything: subcommands and options are the program's."""
    words = command.replace(".venv/bin/redress", "redress").partition("redress ")[2].split()
    at = get_command(program())
    for word in words:
        if word in ("|", "&&", ";", ">", "#") or word.startswith("#"):
            break
        known = getattr(at, "commands", None)
        if known is not None and not word.startswith("-"):
            if not word[:1].islower():
                break
            if word not in known:
                return f"{at.name} has no command {word}"
            at = known[word]
        elif word.startswith("--"):
            options = {name for each in at.params for name in (*each.opts, *each.secondary_opts)}
            if word.partition("=")[0] not in options | {"--help"}:
                return f"{at.name} has no option {word}"
    return None


@cache
def make_targets() -> frozenset[str]:
    return frozenset(
        re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )


@cache
def _sources() -> str:
    """All code, compose file and configuration as one text."""
    tracked = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(tracked, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = [
        name for name in names if not name.endswith(".md") and not name.startswith(("tests/docs/", "docs/"))
    ]
    texts = [(ROOT / name).read_bytes() for name in wanted if (ROOT / name).is_file()]
    return "\n".join(text.decode(errors="replace") for text in texts if b"\0" not in text)


def is_setting(name: str) -> bool:
    """Whether a service or a program of ours reads it, or `make up` exports it for the pages."""
    ours = name.removeprefix("REDRESS_").lower() in Settings.model_fields
    return ours or name in EXPORTS or re.search(rf"\b{name}\b", _sources()) is not None


def missing_files(span: str, page: str) -> Iterator[str]:
    """Paths in a piece of inline code that lead nowhere."""
    for path in _PATH.findall(span) if "://" not in span and not span.startswith("/") else ():
        bare = path.rstrip("/")
        if not bare.startswith(MADE) and not re.search(r"[<*]", bare) and not _there(bare, page):
            yield path


def _there(path: str, page: str) -> bool:
    beside = (ROOT / page).parent / path
    if "/" not in path and (path in _names() or f'"{path}"' in _sources()):
        return True
    return (ROOT / path).exists() or beside.exists()


@cache
def _names() -> frozenset[str]:
    """Names of all files, and of those in packs' and services' folders."""
    tracked = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(tracked, capture_output=True, text=True, check=True).stdout.splitlines()
    return frozenset(name.rpartition("/")[2] for name in names)


def missing_modules(span: str) -> Iterator[str]:
    """Modules, and what is in them, that there are not."""
    for name in _MODULE.findall(span) if "/" not in span else ():
        if name.rpartition(".")[2] not in ENDINGS and not _importable(name):
            yield name


def _importable(name: str) -> bool:
    module, _, last = name.rpartition(".")
    try:
        if find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    try:
        return hasattr(import_module(module), last)
    except ModuleNotFoundError:
        return False


def missing_words(span: str) -> Iterator[str]:
    """Event types, tests and metrics that nobody knows."""
    for type in re.findall(r"\b[a-z_]+\.[a-z_]+\.v\d+\b", span):
        if type not in CATALOGUE and type not in IMAGINED and type not in _sources():
            yield type
    for name in re.findall(r"\btest_\w+\b|\bredress_\w+\b", span):
        if not is_setting(name.upper()) and name not in _sources() and f"{name}.py" not in _names():
            yield name
