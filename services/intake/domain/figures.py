"""Figures: what many complaints come to, exact to the complaint: each number opens the list behind it.

A complaint's row is what the figures need of it; it stands beside the record, written with it. Every figure
is a count, a share of two counts, or the time of one of the complaints, so that parts sum to the whole.

Source: the monthly statistics of the regulations (POLICIES 1.2 P01, P29, 1.4); ISO 10002, 9.1 to 9.3.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from pydantic_core import from_json, to_json

from services.intake.domain.complaint import MILLISECOND, Complaint
from services.intake.domain.estimates import Satisfaction, Times, satisfaction, share, times
from services.intake.domain.ledger import next_deadline, score
from services.intake.domain.surveys import asking
from shared.problems import Fault, Invalid

Dimension = Literal[
    "class", "cause", "product", "batch", "channel", "department", "group", "grade", "outcome", "stage",
    "pack", "month",
]  # fmt: skip
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
Key = tuple[str | None, ...]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_GROUPS = 10_000
QUARTER = 15 * 60 * 1000
Row = Mapping[str, Any]
"""What the figures need of one complaint; dimensions that are not known yet are absent.

Instants and times are in milliseconds. `took` is from receipt to the answer that reached the customer,
`stays` by stage, once left. `clocks` tells of each clock that was judged whether it was kept, in all rounds
and departments. `asked` once a survey was opened, `survey` how asking came out, `score` if one was answered
(the last round's that was).
"""


def row(state: Complaint) -> Row:
    """The row of a complaint."""
    graded, routed, facts = state.grade, state.route, state.revised or state.given
    told, due, came_to = state.fed_back_at, next_deadline(state), asking(state)
    found = {
        "registered": milliseconds(state.registered_at),
        "class": graded.class_ if graded else None,
        "cause": state.root_cause,
        "product": facts.product.name,
        "batch": facts.product.batch,
        "channel": state.given.channel,
        "department": routed.lead if routed else None,
        "group": facts.tier,
        "grade": graded.grade if graded else None,
        "outcome": state.outcome if state.closed_at else None,
        "stage": state.stage.value,
        "pack": state.pack,
        "closed": milliseconds(state.closed_at) if state.closed_at else None,
        "due": milliseconds(due) if due else None,
        "rounds": state.cycle,
        "repeat": bool(graded and graded.repeats > 1),
        "took": max(0, (told - state.received_at) // MILLISECOND) if told else None,
        "stays": {stage.value: stayed for stage, stayed in state.stays.items()},
        "clocks": kept(state),
        "asked": came_to not in (None, "skipped"),
        "survey": came_to,
        "score": score(state),
    }
    return {name: value for name, value in found.items() if value is not None}


def milliseconds(at: datetime) -> int:
    """An instant as milliseconds since the epoch."""
    return (at - EPOCH) // MILLISECOND


def packed(line: Row) -> str:
    """A row as it is kept: as one text, which an index gives back three times as fast as fields."""
    return to_json(line).decode()


def unpacked(texts: Iterable[str]) -> list[Row]:
    """Many rows as they are kept."""
    return list(from_json(f"[{','.join(texts)}]"))


def kept(state: Complaint) -> dict[str, bool]:
    """Which clocks were kept: of those that were judged, none of the name may have run out."""
    found: dict[str, bool] = {}
    for key, clock in state.deadlines.items():
        ran_out = clock.outcome == "missed" or (clock.outcome is None and clock.breached)
        if ran_out or clock.outcome == "met":
            name = key.split(":")[1]
            found[name] = found.get(name, True) and not ran_out
    return found


def in_time(line: Row) -> bool | None:
    """Whether every clock that was judged was kept; None if none was."""
    return all(line["clocks"].values()) if line["clocks"] else None


class OnTime(BaseModel):
    """Of the complaints with a clock that was judged, how many kept all of them; without any, no rate."""

    judged: int
    in_time: int
    rate: float | None


class FirstTime(BaseModel):
    """Of the resolved complaints, how many were so in their first round."""

    resolved: int
    first_time: int
    rate: float | None


class Repeats(BaseModel):
    """How many are not the customer's first about the matter."""

    complaints: int
    repeats: int
    rate: float | None


class Figures(BaseModel):
    """What some complaints come to."""

    complaints: int
    open: int
    closed: int
    overdue: int
    reopened: int
    resolution: Times = Field(description="From receipt until the answer reached the customer")
    stages: dict[str, Times] = Field(description="How long complaints stayed at each stage that they left")
    on_time: OnTime
    clocks: dict[str, OnTime]
    first_time: FirstTime
    repeats: Repeats
    satisfaction: Satisfaction


class Tally:
    """What complaints come to, taken in some at a time, so that a million need not be in memory at once.

    The times of the `stages` take longer than everything else together.
    """

    def __init__(self, *, stages: bool = True) -> None:
        self._counts: Counter[str] = Counter()
        self._dues: list[int] = []
        self._took = array("q")
        self._stays: dict[str, array[int]] | None = defaultdict(lambda: array("q")) if stages else None
        self._clocks: Counter[tuple[str, bool]] = Counter()
        self._scores: Counter[int] = Counter()
        self._surveys: Counter[str] = Counter()

    def add(self, rows: Sequence[Row]) -> None:
        counts = self._counts
        resolved = [each["rounds"] for each in rows if each.get("outcome") == "resolved"]
        judged = [clocks for each in rows if (clocks := each["clocks"])]
        counts["complaints"] += len(rows)
        counts["closed"] += sum("closed" in each for each in rows)
        counts["reopened"] += sum(each["rounds"] > 1 for each in rows)
        counts["repeats"] += sum(each["repeat"] for each in rows)
        counts["asked"] += sum(each["asked"] for each in rows)
        counts["resolved"] += len(resolved)
        counts["first_time"] += resolved.count(1)
        counts["judged"] += len(judged)
        counts["in_time"] += sum(all(clocks.values()) for clocks in judged)
        self._clocks.update(chain.from_iterable(clocks.items() for clocks in judged))
        self._scores.update(each["score"] for each in rows if "score" in each)
        self._surveys.update(each["survey"] for each in rows if "survey" in each)
        self._dues += [each["due"] for each in rows if "due" in each]
        self._took.extend(each["took"] for each in rows if "took" in each)
        if self._stays is not None:
            for each in rows:
                for stage, stayed in each["stays"].items():
                    self._stays[stage].append(stayed)

    @property
    def complaints(self) -> int:
        return self._counts["complaints"]

    def figures(self, now: datetime) -> Figures:
        """What they come to by now."""
        counts, instant = self._counts, milliseconds(now)
        return Figures(
            complaints=counts["complaints"],
            open=counts["complaints"] - counts["closed"],
            closed=counts["closed"],
            overdue=sum(due < instant for due in self._dues),
            reopened=counts["reopened"],
            resolution=times(self._took),
            stages={stage: times(found) for stage, found in sorted((self._stays or {}).items())},
            on_time=on_time(counts["in_time"], counts["judged"]),
            clocks={
                name: on_time(self._clocks[name, True], self._clocks[name, True] + self._clocks[name, False])
                for name in sorted({name for name, _ in self._clocks})
            },
            first_time=FirstTime(
                resolved=counts["resolved"],
                first_time=counts["first_time"],
                rate=share(counts["first_time"], counts["resolved"]),
            ),
            repeats=Repeats(
                complaints=counts["complaints"],
                repeats=counts["repeats"],
                rate=share(counts["repeats"], counts["complaints"]),
            ),
            satisfaction=satisfaction(counts["asked"], self._scores, self._surveys),
        )


def on_time(in_time: int, judged: int) -> OnTime:
    return OnTime(judged=judged, in_time=in_time, rate=share(in_time, judged))


class Months:
    """The months of the house, as in `2026-09`, and when each begins."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[int, str] = {}

    def of(self, instant: int) -> str:
        """The month of an instant in milliseconds; a quarter of an hour lies in one month of every zone."""
        quarter = instant // QUARTER
        if quarter not in self._known:
            self._known[quarter] = f"{(EPOCH + quarter * QUARTER * MILLISECOND).astimezone(self.zone):%Y-%m}"
        return self._known[quarter]

    def of_instant(self, at: datetime) -> str:
        return self.of(milliseconds(at))

    def begins(self, month: str) -> datetime:
        """Its first moment."""
        return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=self.zone)


def next_month(month: str, by: int = 1) -> str:
    """The month so many later, or earlier."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{number // 12:04}-{number % 12 + 1:02}"


class Table:
    """Complaints by their values of some dimensions (None: not known yet), with one row of each group."""

    def __init__(self, by: Sequence[Dimension], months: Months, *, stages: bool = True) -> None:
        self.by = tuple(by)
        self._months = months
        self._stages = stages
        self._groups: dict[Key, tuple[Tally, Row]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Raises Invalid where there are too many groups to be told."""
        found: dict[Key, list[Row]] = defaultdict(list)
        for each in rows:
            found[self._key(each)].append(each)
        for key, some in found.items():
            if key not in self._groups:
                self._groups[key] = (Tally(stages=self._stages), some[0])
            self._groups[key][0].add(some)
        if len(self._groups) > MOST_GROUPS:
            told = f"there are more than {MOST_GROUPS} groups: choose a shorter period, or select fewer"
            raise Invalid("These are too many figures", [Fault(detail=told, pointer="#/query/by")])

    def _key(self, row: Row) -> Key:
        if "month" in self.by:
            month = self._months.of(row["registered"])
            return tuple(month if name == "month" else row.get(name) for name in self.by)
        return tuple(map(row.get, self.by))

    def groups(self) -> list[tuple[Key, Tally, Row]]:
        """The largest first; in the order of time where one of the dimensions is the month."""
        found = [(key, tally, row) for key, (tally, row) in self._groups.items()]

        def place(group: tuple[Key, Tally, Row]) -> tuple[Any, ...]:
            words = tuple(value or "" for value in group[0])
            return words if "month" in self.by else (-group[1].complaints, words)

        return sorted(found, key=place)
