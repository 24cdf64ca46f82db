"""Wording: a notice in the customer's language, by the pack's own text or from `templates/`."""

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import FileSystemLoader, Template, select_autoescape

from services.notify.channels.spoken import Given, given
from services.notify.domain.recipients import rule_of
from services.notify.domain.record import Notice, Notices
from shared.events import Language
from shared.policy import NoticeKind, Pack, filled, pack_of, sandbox, template

TEMPLATES = Path(__file__).parents[1] / "templates"
texts = sandbox(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"], default_for_string=False),
)
_UNSEEN = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_WEB = re.compile(r"https?://\S+")
LONGEST_SUBJECT = 200
LINKS: dict[str, dict[Language, str]] = {
    "receipt_url": {"en": "See where it stands", "zh-CN": "查看办理进展", "zh-TW": "查看處理進度"},
    "link": {"en": "Answer the survey", "zh-CN": "参与评价", "zh-TW": "填寫意見調查"},
    "paper_url": {"en": "Open the form", "zh-CN": "打开表单", "zh-TW": "開啟表單"},
}
"""Words that are addresses -> what a page says on the way there."""


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words; a text's first line is its subject.

    `name` is who it is for, where that is a customer. `link` is the one address in it that leads on, and
    `label` what is there.
    """

    subject: str
    body: str
    language: Language
    name: str | None = None
    link: str | None = None
    label: str | None = None


def words(state: Notices, notice: Notice) -> Words:
    """The text of a notice. Raises Jinja's UndefinedError if a template names what nobody gives it."""
    assert state.registered is not None
    pack = pack_of(state.registered, state.migrated)
    return worded(pack, notice.kind, state.registered.language, given(state, notice, pack))


def worded(pack: Pack, kind: NoticeKind, language: Language, known: Given, text: str | None = None) -> Words:
    """A kind of notice with these words; `text` is one to be tried instead of the pack's or our own."""
    own = text or rule_of(pack, kind).texts.get(language)
    subject, _, body = filled(template(own) if own else house_text(kind, language), known)
    if str(known["number"]) not in subject:
        subject = f"{subject} ({known['number']})"
    subject = " ".join("".join(each if each.isprintable() else " " for each in subject).split())
    body = re.sub(r"\n{3,}", "\n\n", _UNSEEN.sub("", body.replace("\r\n", "\n"))).strip() + "\n"
    name, lines = known.get("name"), body.splitlines()
    there = next((each for each in LINKS if str(known.get(each)) in lines), None)
    link = str(known[there]) if there and _WEB.fullmatch(str(known[there])) else None
    return Words(
        subject[:LONGEST_SUBJECT],
        body,
        language,
        name=str(name) if name else None,
        link=link,
        label=LINKS[there][language] if there and link else None,
    )


def house_text(kind: NoticeKind, language: Language) -> Template:
    """Our own text of a kind."""
    return texts.get_template(f"{language}/{kind}.txt")


def page(said: Words) -> str:
    """The words as a page for mail programs: nothing is fetched, and a link of its own line is a button."""
    paragraphs = [each.splitlines() for each in said.body.strip().split("\n\n")]
    return texts.get_template("mail.html").render(words=said, paragraphs=paragraphs)
