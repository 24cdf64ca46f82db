"""What this replica has written last, so that it need not read that before it writes it again.

Another replica may have written since. So what is taken is out of the memory, and comes back only with a
write, whose version showed that it was the newest. States are kept as they are stored: sealed.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

MOST = 1_000
"""Documents in memory."""
FRESH_S = 10.0
"""How long a document is kept, and how long the database's clock goes on here before it is asked again."""


class Recent:
    """Some documents of one store, each with what the database's clock shows `now` when it is taken."""

    def __init__(self) -> None:
        self._documents: OrderedDict[UUID, tuple[float, Mapping[str, Any]]] = OrderedDict()
        self._now, self._heard = datetime.min, -FRESH_S

    def hear(self, told: Iterable[datetime]) -> None:
        """The database's clock shows this; the last that is told counts."""
        for now in told:
            self._now, self._heard = now, monotonic()

    def take(self, ids: Iterable[UUID]) -> Iterator[dict[str, Any]]:
        """Those of these that are known, which are known no more; none while the clock is not."""
        at = monotonic()
        now = self._now + timedelta(seconds=at - self._heard)
        for id in ids:
            since, found = self._documents.pop(id, (at, None))
            if found is not None and at - min(since, self._heard) < FRESH_S:
                yield {**found, "now": now}

    def keep(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Remember what was just written, in place of what is too old or too much."""
        at = monotonic()
        for each in documents:
            self._documents[each["_id"]] = (at, each)
            self._documents.move_to_end(each["_id"])
        while len(self._documents) > MOST or at - next(iter(self._documents.values()), (at,))[0] >= FRESH_S:
            self._documents.popitem(last=False)
