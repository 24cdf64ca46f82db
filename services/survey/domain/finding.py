"""Finding: which surveys somebody wants to work on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.survey.domain.record import State


@dataclass(frozen=True, slots=True)
class Wanted:
    """Surveys of a state, with a score between two, that came to their state at or after an instant."""

    state: State | None = None
    score_from: int | None = None
    score_to: int | None = None
    since: datetime | None = None

    @property
    def scores(self) -> range | None:
        """The scores that are looked for; None if the score does not matter."""
        if self.score_from is None and self.score_to is None:
            return None
        return range(self.score_from or 0, (10 if self.score_to is None else self.score_to) + 1)

    @property
    def query(self) -> dict[str, Any]:
        """The same as the database compares the lines of a board."""
        found: dict[str, Any] = {}
        if self.state is not None:
            found["state"] = self.state
        if self.scores is not None:
            found["score"] = {"$gte": self.scores.start, "$lt": self.scores.stop}
        if self.since is not None:
            found["at"] = {"$gte": self.since.astimezone(UTC)}
        return found

    def fits(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of a board is one of them."""
        return (
            self.state in (None, line["state"])
            and (self.scores is None or line.get("score") in self.scores)
            and (self.since is None or line["at"] >= self.since)
        )
