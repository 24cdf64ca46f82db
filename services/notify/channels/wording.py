"""Wording: a notice in the customer's language, from `templates/`."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notify.domain.notices import Notice, Notices
from shared.policy import pack_of

_texts = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words; a template's first line is its subject."""

    subject: str
    body: str
    language: str


def words(state: Notices, notice: Notice) -> Words:
    """The text of a notice. Raises Jinja's UndefinedError if a template names what nobody gives it."""
    assert state.registered is not None
    language = state.registered.language
    pack = pack_of(state.registered, state.migrated)
    rule = pack.clocks.get(notice.details.get("clock", ""))
    text = _texts.get_template(f"{language}/{notice.kind}.txt").render(
        number=state.number,
        cycle=notice.cycle,
        title=pack.title[language],
        **notice.details | ({"clock": rule.title[language]} if rule else {}),
    )
    subject, _, body = text.partition("\n")
    return Words(subject, body.strip() + "\n", language)


def letter(state: Notices, notice: Notice) -> str:
    """The printable page of a notice that goes by post."""
    said = words(state, notice)
    return _texts.get_template("letter.html").render(
        words=said, address=notice.address, paragraphs=said.body.split("\n\n"), number=state.number
    )
