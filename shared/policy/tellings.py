"""Tellings: what is wrong with what a pack says of notices: recipients, words, papers that are not there."""

from collections.abc import Iterator

from shared.policy.notices import NAMING, PAPER, TELLINGS, TO_CUSTOMER, NoticeKind, words_for
from shared.policy.pack import Pack
from shared.policy.texts import no_such, wrong_in


def untellable(pack: Pack) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Place in the pack, and what is wrong there."""
    for kind, rule in pack.notices.items():
        place, known = ("notices", kind), _recipients(pack, kind)
        for each in rule.to or ():
            if each not in known:
                yield (*place, "to"), no_such("recipient", each, known)
        for language, text in rule.texts.items():
            yield from (((*place, "texts", language), told) for told in wrong_in(text, words_for(kind)))
        if rule.paper is not None and rule.paper not in pack.papers:
            yield (*place, "paper"), no_such("paper", rule.paper, pack.papers)
        if rule.paper is not None and PAPER[0] not in TELLINGS[kind].words:
            yield (*place, "paper"), "only an information_slip and a corrective_action name a paper"


def _recipients(pack: Pack, kind: NoticeKind) -> set[str]:
    """Who may be told of this kind."""
    if kind in TO_CUSTOMER:
        return {"customer"}
    return {"lead", "departments", *pack.roles, *(["named"] if kind in NAMING else [])}
