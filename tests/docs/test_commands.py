"""Every command of the docs, typed as it stands: it ends well, and prints what the page shows."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.docs.conftest import Desk
from tests.docs.elsewhere import elsewhere
from tests.docs.reading import PROGRAMS, SHELL, Block, Directive, Page, Step, looks_typed, pages, steps
from tests.docs.shell import Said, Shell, alike, fits, loose_json

PAGES = {page.path: page for page in pages()}
TYPED = [
    path for path, page in PAGES.items() if any(each.language in (*SHELL, *PROGRAMS) for each in page.blocks)
]
RUNNERS = {"python": "python", "js": "node"}
SHELF = "sed 's/trial: 1000/value: 1000/' my-rules.yaml >mine.yaml"
"""A pack that can be published: what docs/policies.md has, with its parameter bound."""


@contextmanager
def opened(desk: Desk, name: str) -> Iterator[Shell]:
    shell = desk.shell(name)
    try:
        yield shell
    finally:
        shell.close()


class Reader:
    """Somebody who types a page from top to bottom."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._folder = shell.folder
        self._instead: dict[str, str] = {}
        self._last: Said | None = None

    async def read(self, page: Page) -> None:
        for block in page.blocks:
            await self._prepare(block)
            if block.said("elsewhere"):
                self._last = None
            elif block.language in SHELL:
                await self._type(block)
            elif block.language in PROGRAMS:
                await self._run(block)
            elif block.language == "json" and block.follows and self._last is not None:
                self._compare(block, self._last)

    async def _prepare(self, block: Block) -> None:
        for each in block.directives:
            if each.word == "with":
                for name, value in re.findall(r"(\S+?)=(\S+)", each.rest):
                    self._instead[name] = await self._shell.value(value)
            elif each.word == "first":
                said = await self._shell.type(each.rest)
                assert said.status == 0, f"{block.place}: first {each.rest}\n{said.out}{said.err}"
            elif each.word == "take":
                name, _, page = each.rest.partition(" from ")
                (self._folder / name).write_text(saved(PAGES[page], name), encoding="utf-8")
            elif each.word == "save":
                (self._folder / each.rest).write_text(block.text, encoding="utf-8")

    async def _type(self, block: Block) -> None:
        wanted = steps(block)
        for step in wanted:
            if elsewhere(step.command):
                self._last = None
                continue
            command, expected = self._filled(step.command), {0}
            if step is wanted[-1]:
                command, expected = ending(block, command)
            self._last = await self._shell.type(command)
            told = f"{step.place}: {command}\n{self._last.out}{self._last.err}"
            assert self._last.status in expected, f"{told}\nended with {self._last.status}, not {expected}"
            assert "ermission denied" not in self._last.err, told
            check_printed(step, self._last)

    async def _run(self, block: Block) -> None:
        suffix = {"python": "py", "js": "mjs"}[block.language]
        file = self._folder / f"sample_{block.line}.{suffix}"
        file.write_text(self._filled(block.text), encoding="utf-8")
        said = await self._shell.type(f"{RUNNERS[block.language]} {file.name}")
        assert said.status == 0, f"{block.place}:\n{said.out}{said.err}"

    def _filled(self, text: str) -> str:
        """With what the page says stands for whole words of it."""
        for name, value in self._instead.items():
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", value.replace("\\", r"\\"), text)
        return text

    def _compare(self, block: Block, said: Said) -> None:
        (shown,) = loose_json(block.text)
        found = json.loads(said.out)
        assert fits(shown, found), f"{block.place}: the answer is not like that:\n{said.out}"


def ending(block: Block, command: str) -> tuple[str, set[int]]:
    """How a block's last command is typed, and with what it may end: 124 if it had to be stopped."""
    for said in block.said("for"):
        return f"timeout --signal INT {said.split()[0]} {command}", {124}
    return command, {int(status) for said in block.said("exit") for status in said.split()} or {0}


def check_printed(step: Step, said: Said) -> None:
    if step.printed:
        shown = "\n".join(step.printed)
        assert alike(shown, said.out), f"{step.place} shows\n{shown}\nand got\n{said.out}{said.err}"


def saved(page: Page, name: str) -> str:
    """A file as a page tells the reader to save it."""
    (block,) = [each for each in page.blocks if name in each.said("save")]
    return block.text


@pytest.mark.parametrize("path", TYPED)
async def test_a_page_works_as_written(desk: Desk, path: str) -> None:
    with opened(desk, path) as shell:
        await Reader(shell).read(PAGES[path])


async def test_what_make_up_prints_works_as_printed(desk: Desk) -> None:
    with opened(desk, "printed") as shell:
        (shell.folder / "my-rules.yaml").write_text(
            saved(PAGES["docs/policies.md"], "my-rules.yaml"), encoding="utf-8"
        )
        said = [
            Directive("first", f"{SHELF}; rm -rf .local/backup"),
            Directive("with", "NAME=shop FILE=mine.yaml PACK/VERSION=larkspur-hotel/1"),
        ]
        typed = [each for each in desk.printed.blocks if looks_typed(each)]
        assert sum(len(steps(each)) for each in typed) >= 20
        await Reader(shell).read(Page("", "", [replace(typed[0], directives=tuple(said)), *typed[1:]]))
