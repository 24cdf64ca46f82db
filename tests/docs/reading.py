"""Reading a page: its blocks with their directives, its inline code, links and headings."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "make", "docker", "curl", "redress", ".venv/bin/", "python", "export", "echo", "kubectl", "npm", "node",
    "npx", "pip", "mkdir", "cp", "cd", "cat", "git", "uv", "apt-get", "helm", "jq", "openssl", "grep",
    "rabbitmqctl", ".local/",
)  # fmt: skip
SHELL, PROGRAMS = ("sh", "bash", "shell", "console"), ("python", "js")
LANGUAGES = (*SHELL, *PROGRAMS, "json", "yaml", "http", "text", "mermaid")
ALIASES = {"py": "python", "javascript": "js", "mjs": "js", "yml": "yaml"}
DIRECTIVES = (
    "with", "first", "save", "take", "exit", "for", "elsewhere", "as", "body", "setting", "in",
)  # fmt: skip

_DIRECTIVE = re.compile(r"<!-- run: (\S+) (.*?) ?-->")
_FENCE = re.compile(r"(`{3,})\s*(\S*)")
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_ANSWER = ("    {", "    [")
_ASSIGNED = re.compile(r"[A-Z_]+=\S* ")


class Unclear(Exception):
    """A page that the harness cannot read, with file and line."""


@dataclass(frozen=True)
class Directive:
    """What a page says of its next block."""

    word: str
    rest: str


@dataclass(frozen=True)
class Block:
    """Lines that stand apart; `follows` says that nothing stands between it and the block before."""

    page: str
    line: int
    fenced: str | None
    lines: tuple[str, ...]
    directives: tuple[Directive, ...] = ()
    follows: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def said(self, word: str) -> list[str]:
        """What the directives of this word say."""
        return [each.rest for each in self.directives if each.word == word]

    @cached_property
    def language(self) -> str:
        """As the page says, or as it looks."""
        named = [*self.said("as"), *([self.fenced] if self.fenced else [])]
        if named:
            return ALIASES.get(named[0], named[0])
        return _looks_like(self.lines) or ("text" if self.fenced is not None else "")


@dataclass
class Page:
    """One file; `path` is relative to the root."""

    path: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)

    @property
    def spans(self) -> list[str]:
        """Inline code, a line break in it as a blank."""
        return [" ".join(found.split()) for found in _SPAN.findall("\n".join(self.prose))]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_SPAN.sub("", "\n".join(self.prose)))

    @property
    def anchors(self) -> set[str]:
        """Headings as links name them: small letters, blanks as dashes, no other marks."""
        titles = [line.lstrip("#").strip() for line in self.prose if re.match(r"#{1,6} ", line)]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def pages() -> list[Page]:
    """README.md and all of docs, in order."""
    found = [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs").glob("*/**/*.md")),
    ]
    return [read(str(each.relative_to(ROOT)), each.read_text(encoding="utf-8")) for each in found]


def read(path: str, text: str) -> Page:
    """A page in its parts. Raises Unclear for a directive that is not known."""
    page, said, lines = Page(path, text), list[Directive](), text.splitlines()
    number, before, quiet = 0, "", False
    while number < len(lines):
        line = lines[number]
        fence = _FENCE.fullmatch(line.strip())
        if fence or (line.startswith("    ") and not before.strip()):
            end = _fence_end(lines, number) if fence else _indented_end(lines, number)
            inner = lines[number + 1 : end - 1] if fence else lines[number:end]
            bare = dedent("\n".join(inner)).split("\n") if inner else []
            page.blocks.append(
                Block(path, number + 1, fence[2] if fence else None, tuple(bare), tuple(said), quiet)
            )
            said, number, before, quiet = [], end, "", True
            continue
        if found := _DIRECTIVE.fullmatch(line.strip()):
            said.append(_directive(path, number + 1, *found.groups()))
        elif line.strip():
            page.prose.append(line)
            quiet = False
        before, number = "" if found else line, number + 1
    return page


def _directive(path: str, number: int, word: str, rest: str) -> Directive:
    if word not in DIRECTIVES:
        raise Unclear(f"{path}:{number}: there is no directive {word!r}; see tests/docs/__init__.py")
    return Directive(word, rest)


def _fence_end(lines: Sequence[str], start: int) -> int:
    mark = lines[start].strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    return next((at + 1 for at in range(start + 1, len(lines)) if lines[at].strip() == mark), len(lines))


def _indented_end(lines: Sequence[str], start: int) -> int:
    """Where a block ends: at other text, or where JSON begins below a blank line."""
    end, answered = start, not lines[start].startswith(_ANSWER)
    for at in range(start, len(lines)):
        if answered and lines[at].startswith(_ANSWER) and not lines[at - 1].strip():
            break
        if lines[at].startswith("    "):
            end = at + 1
        elif lines[at].strip():
            break
    return end


def looks_typed(block: Block) -> bool:
    """Whether its first line is a command."""
    return bool(block.lines) and _is_typed(block.lines[0])


def _is_typed(line: str) -> bool:
    return line.startswith(COMMANDS) or _ASSIGNED.match(line) is not None


def _looks_like(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("$ "):
        return "console"
    if _is_typed(first):
        return "sh"
    if re.match(r"(GET|POST|PUT|PATCH|DELETE) +/", first):
        return "http"
    if first.startswith(("{", "[")):
        return "json"
    if re.match(r"(from \S+ import|import \w+$|async def|def) ?", first):
        return "python"
    if re.match(r"import .* from |const ", first):
        return "js"
    return "yaml" if re.match(r"(- \{|[\w-]+:( |$))", first) else ""


@dataclass
class Step:
    """One command of a block, and the lines that it is said to print."""

    block: Block
    line: int
    command: str
    printed: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.block.page}:{self.line}"


def steps(block: Block) -> list[Step]:
    """The commands of a block. Raises Unclear for one that no shell can read."""
    found, console = list[Step](), any(line.startswith("$ ") for line in block.lines)
    offset = block.line + (1 if block.fenced is not None else 0)
    typed = iter(enumerate(block.lines, offset))
    for number, line in typed:
        if console and not line.startswith("$ "):
            if found:
                found[-1].printed.append(line)
        elif line.strip() and not line.strip().startswith("#"):
            command = _whole(line.removeprefix("$ "), typed)
            if command is None:
                raise Unclear(f"{block.page}:{number}: no shell can read this")
            found.append(Step(block, number, command))
    for step in found:
        while step.printed and not step.printed[-1].strip():
            step.printed.pop()
    return found


def _whole(line: str, rest: Iterator[tuple[int, str]]) -> str | None:
    """A command with the lines that continue it; None if it has no end."""
    command = line
    while (
        command.endswith("\\")
        or subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode
    ):
        following = next(rest, None)
        if following is None:
            return None
        command += "\n" + following[1].removeprefix("> ")
    return command
