"""Series: complaints that are the same in some facts, in the order in which they came.

A series is a document of its own. Each complaint's grading tells it of its entry, and is told what the
entries of the others are; what they mean is the pack's affair.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property, lru_cache
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from shared.envelope import Cause
from shared.events import Fact
from shared.policy import Entry

_NAMES = UUID("7d0f3c7e-3b5f-5a0e-9b5e-0d9a6a4c1f22")
KEPT, SHOWN = 1_000, 30


class Membership(BaseModel):
    """A complaint's place in a series.

    `back` means that those before it must hear of it too, `alone` that it counts, but needs no neighbours.
    """

    series: UUID
    entry: Entry
    back: bool = False
    alone: bool = False


class Tally(BaseModel):
    """What a series told one complaint: its own entry, its number, and those nearest to it."""

    series: UUID
    version: int
    number: int
    mine: Entry | None
    others: tuple[Entry, ...] = ()


class Joining(BaseModel):
    """The command to enter a series, or with `leaves` to go."""

    entry: Entry
    leaves: bool = False


class Series(BaseModel):
    """The newest KEPT entries by complaint, how many older ones were dropped; `version` counts changes.

    What follows it is made anew, never copied: a copy would keep the old order.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    version: int = 0
    dropped: int = 0
    entries: dict[str, Entry] = {}

    @cached_property
    def ordered(self) -> list[Entry]:
        return sorted(self.entries.values(), key=_order)

    def tallies(self, complaints: Iterable[UUID], alone: bool = False) -> dict[UUID, Tally]:
        """What this series has to tell complaints; nothing of their neighbours, if they are `alone`."""
        return {each: self._tally(self._place(each), alone) for each in complaints}

    def _place(self, complaint: UUID) -> int | None:
        entry = self.entries.get(str(complaint))
        return None if entry is None else bisect_left(self.ordered, entry.order, key=_order)

    def _tally(self, place: int | None, alone: bool) -> Tally:
        ordered = self.ordered
        if place is None:
            return Tally(series=self.id, version=self.version, number=self.dropped + 1, mine=None)
        before, after = ordered[max(0, place - SHOWN) : place], ordered[place + 1 : place + 1 + SHOWN]
        return Tally(
            series=self.id,
            version=self.version,
            number=self.dropped + place + 1,
            mine=ordered[place],
            others=() if alone else (*before, *after),
        )

    def forgot(self, entry: Entry) -> bool:
        """Whether an entry is older than all that are kept, and so among those that are only counted."""
        return len(self.entries) >= KEPT and entry.order < self.ordered[0].order

    def after(self, member: Membership) -> list[UUID]:
        """Whom this entry concerns: those after it (all, for a mere count), with `back` those before."""
        mine, order = member.entry, member.entry.order
        before = self.ordered[: bisect_left(self.ordered, order, key=_order)]
        later = self.ordered[bisect_right(self.ordered, order, key=_order) :]
        concerned = [*(before[-SHOWN:] if member.back else []), *(later if member.alone else later[:SHOWN])]
        return [each.complaint for each in concerned if each.complaint != mine.complaint]


def _order(entry: Entry) -> tuple[datetime, UUID]:
    return entry.order


def series_id(pack: str, kind: str, same: Iterable[tuple[str, str]]) -> UUID:
    """The series of all complaints under a pack that are the same in these facts."""
    return _named(json.dumps([pack, kind, *same], ensure_ascii=False))


@lru_cache(1_024)  # judging one complaint asks for the same few again and again
def _named(name: str) -> UUID:
    return uuid5(_NAMES, name)


def join(state: Series | None, cause: Cause[Joining]) -> tuple[Series, list[Fact]]:
    """Note an entry, anew if it has changed; the same entry again changes nothing."""
    known = state or Series(id=cause.complaint)
    entry, key = cause.data.entry, str(cause.data.entry.complaint)
    if known.entries.get(key) == (None if cause.data.leaves else entry):
        return known, []
    if not cause.data.leaves and known.forgot(entry):
        return known, []
    entries = {name: each for name, each in known.entries.items() if name != key}
    if not cause.data.leaves:
        entries[key] = entry
    dropped = known.dropped
    if len(entries) > KEPT:
        del entries[str(known.ordered[0].complaint)]
        dropped += 1
    return Series(id=known.id, version=known.version + 1, dropped=dropped, entries=entries), []
