"""What notify makes of events, in hand: no server, no mail."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from services.notify.domain import notices, promises, recipients
from services.notify.domain.notices import hear
from services.notify.domain.record import Notice, Notices
from shared.envelope import Cause
from shared.events import ComplaintDispatched, ContactRecorded, DeadlineSet, Fact
from shared.policy import NoticeKind, NoticeRule, Pack, pack_of
from tests.kit.complaint import COMPLAINT, NUMBER, START, registered

CONTACT = ContactRecorded(name="李雷", email="li@example.cn", phone="13800000001")
DUE = START + timedelta(days=5)
DISPATCHED = ComplaintDispatched(cycle=1, lead="quality", departments=("quality", "production"))
RESOLVE = DeadlineSet(cycle=1, clock="resolve", due=DUE, started=START)
P02: dict[str, Any] = {"pack": "cn-bank-7cat", "channel": "hotline"}


def cause(fact: Fact, number: int = 0, name: str = "") -> Cause[Any]:
    id = uuid5(COMPLAINT, f"{name}{fact.type}{fact!r}")
    return Cause(id, COMPLAINT, NUMBER, START, fact.owner, fact, number)


def after(facts: Iterable[Fact], state: Notices | None = None) -> Notices:
    for fact in facts:
        state, _ = hear(state, cause(fact), START)
    assert state is not None
    return state


def of(state: Notices, kind: NoticeKind) -> list[tuple[str | None, str | None]]:
    return sorted((each.to, each.route) for each in state.notices if each.kind == kind)


def only(state: Notices, kind: NoticeKind) -> Notice:
    (found,) = (each for each in state.notices if each.kind == kind)
    return found


def with_rule(kind: NoticeKind, **rule: Any) -> dict[str, Any]:
    return {"notices": pack_of(registered(), None).notices | {kind: NoticeRule(**rule)}}


def pack_says(monkeypatch: pytest.MonkeyPatch, **update: Any) -> None:
    """Let the pack of every complaint say something else."""

    def other(*given: Any) -> Pack:
        return pack_of(*given).model_copy(update=update)

    for each in (notices, recipients, promises):
        monkeypatch.setattr(each, "pack_of", other)
