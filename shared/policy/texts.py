"""Texts of notices as templates: what may stand in one, and what is wrong with one, before anybody is told.

A text names words in `{{ }}` and leaves parts out with `{% if %}`; nothing else of the template language is
allowed, so that no text can reach into the house, run long, or fail only when it is sent.
"""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.policy.notices import ALWAYS

MOST_NAMED = 30
"""Names that a hint lists."""
DEEPEST = 20
PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.Not, nodes.And,
    nodes.Or, nodes.Compare, nodes.Operand, nodes.Filter, nodes.Test,
)  # fmt: skip
COMPARISONS = ("eq", "ne")
FILTERS = ("capitalize", "lower", "trim", "upper")
TESTS = ("defined", "none")
HOW = "a text may only name words, {{ number }}, and leave parts out, {% if due %} ... {% endif %}"


def sandbox(**more: Any) -> ImmutableSandboxedEnvironment:
    """Where texts are filled in: a word that is not known now is left blank, one that never is, an error."""
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=lambda value: "" if value is None else value,
        **more,
    )
    made.globals.clear()
    made.filters |= {name: _of_known(made.filters[name]) for name in FILTERS}
    return made


def _of_known(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A filter that leaves blank what is not known now."""
    return lambda value: "" if value is None else change(value)


_texts = sandbox(autoescape=False)


@lru_cache(maxsize=1_000)
def template(text: str) -> Template:
    """A text of a pack, ready to be filled in. Raises jinja2's TemplateSyntaxError."""
    return _texts.from_string(text)


def wrong_in(text: str, words: Collection[str]) -> Iterator[str]:
    """What is wrong with a text that may name these words, each with how to mend it."""
    try:
        tree = _texts.parse(text)
    except TemplateSyntaxError as error:
        yield f"line {error.lineno} of the text: {error.message}; {HOW}"
        return
    except (RecursionError, ValueError):
        yield HOW
        return
    if found := sorted(set(_forbidden(tree))):
        yield from (f"line {line} of the text: {told}" for line, told in found)
    elif unknown := sorted(meta.find_undeclared_variables(tree) - set(words)):
        yield from (no_such("word", name, words) for name in unknown)
    else:
        yield from _empty(template(text), words)


def no_such(what: str, name: str, known: Collection[str]) -> str:
    """How to mend a name that nothing has."""
    near, options = difflib.get_close_matches(name, known, 1), sorted(known)
    listed = ", ".join(options[:MOST_NAMED]) + (", …" if len(options) > MOST_NAMED else "")
    hint = f"did you mean {near[0]}?" if near else f"use one of {listed or 'none yet'}"
    return f"there is no {what} {name}; {hint}"


def _forbidden(tree: nodes.Node) -> Iterator[tuple[int, str]]:
    """Line and what is wrong there; nothing is followed deeper than a text may go."""
    left = [(tree, 1, 0)]
    while left:
        node, above, depth = left.pop()
        line = node.lineno or above
        if depth > DEEPEST:
            yield line, "nested too deeply; make it simpler"
        elif not isinstance(node, PLAIN) or not _allowed(node):
            yield line, HOW
        else:
            left += [(each, line, depth + 1) for each in node.iter_child_nodes()]


def _allowed(node: nodes.Node) -> bool:
    match node:
        case nodes.Operand(op=op):
            return op in COMPARISONS
        case nodes.Filter(name=name, args=args, kwargs=kwargs):
            return name in FILTERS and not (args or kwargs or node.dyn_args or node.dyn_kwargs)
        case nodes.Test(name=name):
            return name in TESTS
        case nodes.Name(ctx=ctx):
            return ctx == "load"
    return True


def _empty(text: Template, words: Collection[str]) -> Iterator[str]:
    """A notice has a subject and something to say, even where only what is always known is known."""
    for known in (words, ALWAYS):
        subject, _, body = filled(text, {word: "x" if word in known else None for word in words})
        if not subject or not body.strip():
            yield "the first line is the subject, what follows the notice; neither may ever be empty"
            return


def filled(text: Template, given: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, line break and body of a text with these words."""
    subject, between, body = text.render(given).strip().partition("\n")
    return subject.strip(), between, body
