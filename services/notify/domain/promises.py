"""Promises: by when the customer was promised an answer, and what of the news is kept for telling it."""

from datetime import datetime

from services.notify.domain.recipients import told_of
from services.notify.domain.record import Notices, Promised
from shared.events import DeadlineSet
from shared.policy import Pack, pack_of

REPLIES = ("answered", "fed_back", "closed")
"""Marks that say that the customer has an answer."""


def with_due(state: Notices, clock: DeadlineSet, sequence: int) -> Notices:
    """The state with a due time, unless a later one is known."""
    key = f"{clock.cycle}:{clock.clock}:{clock.department or ''}"
    old = state.promises.get(key)
    if old is not None and old.sequence >= sequence:
        return state
    promised = Promised(due=clock.due, sequence=sequence)
    return state.model_copy(update={"promises": state.promises | {key: promised}})


def promised(state: Notices, cycle: int) -> datetime | None:
    """By when the customer was promised an answer in a cycle; None while no such clock is set."""
    assert state.registered is not None
    clocks = promising(pack_of(state.registered, state.migrated))
    dues = [
        each.due
        for key, each in state.promises.items()
        if key.startswith(f"{cycle}:") and key.split(":")[1] in clocks
    ]
    return min(dues, default=None)


def promising(pack: Pack) -> set[str]:
    """The clocks that promise an answer; where none does, those that say when the matter will be done."""
    open_ = {name: rule.stop for name, rule in pack.clocks.items() if not rule.internal}
    answers = {name for name, stop in open_.items() if stop in REPLIES}
    return answers or {name for name, stop in open_.items() if stop == "implemented"}


def kept(state: Notices) -> Notices:
    """The state without what no notice by this pack will ever tell, so that it is not written for that."""
    if state.registered is None or not (state.promises or state.causes):
        return state
    pack = pack_of(state.registered, state.migrated)
    told, clocks = told_of(pack, "progress"), promising(pack)
    promises = {
        key: each
        for key, each in state.promises.items()
        if told and (key.split(":")[1] in clocks or key.split(":")[1] not in pack.clocks)
    }
    causes = state.causes if told_of(pack, "corrective_action") else {}
    return state.model_copy(update={"promises": promises, "causes": causes})
