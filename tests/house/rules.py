"""House rules that no linter on the market knows: `python -m tests.house.rules` lists what breaks them."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTION_LINES, FILE_LINES, COMMENTS = 40, 300, 8

EXCEPTIONS = {
    ("short-file", "shared/events.py"): "the whole published language is read in one place",
}
"""(rule, file) -> why it may; a test asks whether each is still needed."""

IRREGULAR = ("drawn", "fed_back", "met", "sent", "set", "withdrawn")
"""Past tenses that do not end in -ed."""

_DOOR = re.compile(r"services/[a-z]+/(api|listeners|ticker)(\.py|/)")
_SENTENCE = re.compile(r"(?!.*[.!?] +[^a-z])\S.*[.!?]")
_EMPTY_WORD = re.compile(r"(utils?|helpers?|managers?|common|misc)", re.IGNORECASE)
_EMPTY_CLASS = re.compile(r"\w*(Manager|Helper|Processor|Utils?|Base|Data|Info)")
_EVENT_TYPE = re.compile(r"[a-z_]+\.[a-z_]+\.v[0-9]+")
_PAST = re.compile(rf"[a-z_]+\.([a-z_]+ed|{'|'.join(IRREGULAR)})\.v[0-9]+")
_DIRECTIVE = re.compile(r"# ?(noqa|type:|fmt:|pragma:)")
_CLOCKS = re.compile(
    r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|time\.(time|ctime|gmtime|localtime)"
)
_REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|(deb|security)\.debian|(archive|security|ports)\.ubuntu"
    r"|proxy\.golang\.org|rubygems\.org|crates\.io"
)
_MACHINE = re.compile(r"(?<![\w.~}])/(work|root|Users)/")


@dataclass(frozen=True)
class Source:
    """One file; `path` is relative to the root, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")


Found = Iterator[tuple[int, str]]
"""Line and what is wrong there."""


def docstring(source: Source) -> Found:
    """A module's first line says in one sentence why it exists."""
    said = ast.get_docstring(source.tree, clean=False)
    if said is None and source.tree.body:
        yield 1, "no module docstring"
    elif said is not None and not _SENTENCE.fullmatch(said.split("\n")[0]):
        yield 1, "the docstring's first line is not exactly one sentence"


def no_try(source: Source) -> Found:
    """Doors catch nothing: errors carry their own fate."""
    if _DOOR.match(source.path):
        tries = [node.lineno for node in source.nodes if isinstance(node, ast.Try | ast.TryStar)]
        hushed = [line for line, name in _names_used(source) if name == "contextlib.suppress"]
        yield from ((line, "a door catches an exception") for line in tries + hushed)


def short_function(source: Source) -> Found:
    """Docstrings do not count."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = _lines(node) - _docstring_lines(node)
            if lines > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines, more than {FUNCTION_LINES}"


def short_file(source: Source) -> Found:
    """Docstrings do not count."""
    documented = [node for node in source.nodes if isinstance(node, _DOCUMENTED)]
    lines = len(source.text.splitlines()) - sum(_docstring_lines(node) for node in documented)
    if lines > FILE_LINES:
        yield 1, f"{lines} lines, more than {FILE_LINES}; make a folder of the same name of it"


def one_clock(source: Source) -> Found:
    """Durations may be measured (monotonic, perf_counter, time_ns); the time is asked in one place."""
    if source.path != "shared/clock.py":
        for line, name in _names_used(source):
            if _CLOCKS.fullmatch(name):
                yield line, f"{name} asks the time; shared.clock does that"


def no_print(source: Source) -> Found:
    """Services log, they do not print."""
    if source.path.startswith(("services/", "shared/")):
        for line, name in _names_used(source):
            if name == "print":
                yield line, "print"


def telling_names(source: Source) -> Found:
    """No word that fits everything."""
    for part in Path(source.path).with_suffix("").parts:
        if _EMPTY_WORD.fullmatch(part):
            yield 1, f"{part} says nothing about what is in it"
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and _EMPTY_CLASS.fullmatch(node.name):
            yield node.lineno, f"class {node.name} says nothing about what it is"


def event_types(source: Source) -> Found:
    """`subject.what_happened.v1`, in the past tense."""
    if source.path != "shared/events.py":
        return
    for node in source.nodes:
        match node:
            case ast.AnnAssign(target=ast.Name(id="type"), value=ast.Constant(value=str(type))):
                if not _EVENT_TYPE.fullmatch(type):
                    yield node.lineno, f"{type!r} is not of the form subject.what_happened.v1"
                elif not _PAST.fullmatch(type):
                    yield node.lineno, f"{type!r} does not read as a past tense (see IRREGULAR)"


def few_comments(source: Source) -> Found:
    """Comments are for a why, the code itself says what; a lone one never counts as many."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source.text).readline))
    said = [t for t in tokens if t.type == tokenize.COMMENT and not _DIRECTIVE.match(t.string)]
    code = {t.start[0] for t in tokens if t.string.strip() and t.type != tokenize.COMMENT}
    if len(said) > 1 and len(said) * 100 >= COMMENTS * len(code):
        yield said[0].start[0], f"{len(said)} comments in {len(code)} lines of code"


def no_registry(source: Source) -> Found:
    """Where packages come from is each machine's own setting."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := _REGISTRY.search(line):
            yield number, f"names the registry {found[0]}"


def no_machine_path(source: Source) -> Found:
    """A path of one machine is wrong on all others."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := _MACHINE.search(line):
            yield number, f"a path of one machine: {found[0]}"


Rule = Callable[[Source], Found]
PYTHON_RULES: dict[str, Rule] = {
    "docstring": docstring,
    "no-try": no_try,
    "short-function": short_function,
    "short-file": short_file,
    "one-clock": one_clock,
    "no-print": no_print,
    "telling-names": telling_names,
    "event-types": event_types,
    "few-comments": few_comments,
}
TEXT_RULES: dict[str, Rule] = {"no-registry": no_registry, "no-machine-path": no_machine_path}
RULES = PYTHON_RULES | TEXT_RULES

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return 0 if ast.get_docstring(node, clean=False) is None else _lines(node.body[0])


def _names_used(source: Source) -> Found:
    """Every name and dotted name that is read, spelt out in full by way of the file's imports."""
    imported = dict(_imported(source))
    for node in source.nodes:
        if isinstance(node, ast.Attribute | ast.Name):
            root, _, rest = ast.unparse(node).partition(".")
            yield node.lineno, ".".join(filter(None, [imported.get(root, root), rest]))


def _imported(source: Source) -> Iterator[tuple[str, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def broken(source: Source) -> Iterator[str]:
    """What this file breaks, exceptions left out, as `file:line: [rule] what is wrong`."""
    for name, rule in (RULES if source.is_python else TEXT_RULES).items():
        if (name, source.path) not in EXCEPTIONS:
            for line, wrong in sorted(set(rule(source))):
                yield f"{source.path}:{line}: [{name}] {wrong}"


def sources(root: Path = ROOT) -> Iterator[Source]:
    """Every text file that git tracks or would track."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        content = (root / name).read_bytes() if (root / name).is_file() else b"\0"
        if b"\0" not in content:
            yield Source(name, content.decode())


def main(found: Iterable[Source] | None = None) -> int:
    """Print what is broken. Returns the exit code."""
    wrong = [line for source in (sources() if found is None else found) for line in broken(source)]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
