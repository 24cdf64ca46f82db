"""The surveys: one document for each complaint, found by a survey's id, by what is due, or by how it went.

`board` repeats of every asking what lists and figures need, as the database can compare it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.survey.domain.figures import CONTENT_FROM, MOST_GROUPS, REASONS
from services.survey.domain.finding import Wanted
from services.survey.domain.record import Surveys, line
from shared.copies import Copies
from shared.documents import Saved
from shared.driver import index
from shared.mongo import Store

ENDED = ("answered", "declined", "expired", "closed")


def lift(state: Surveys) -> dict[str, Any]:
    """What indexes, lists and figures find a complaint by; `latest` is when its last survey news was."""
    board = [line(state, each) for each in state.surveys]
    return {
        "next_due": state.next_due,
        "survey_ids": [each.id for each in state.surveys] or None,
        "latest": max((each["at"] for each in board), default=None),
        "marks": sorted({word for each in board for word in _marks(each["state"], each.get("score"))})
        or None,
        "asked": sorted({each["asked"] for each in board}) or None,
        "board": board or None,
    }


def _marks(state: str, score: int | None = None) -> list[str]:
    """The words by which an index finds a survey: its state and, so that one is enough, each score above."""
    return [state, *(_up_to(each) for each in range(score, 10))] if score is not None else [state]


def _up_to(score: int) -> str:
    return f"up to {score}"


surveys = Store(
    "survey",
    "surveys",
    Surveys,
    lift=lift,
    indexes=[
        index("next_due"),
        index("survey_ids"),
        index("latest", "_id"),
        index("marks", "latest", "_id"),
        index("asked"),
    ],
)
copies = Copies(surveys)


async def with_survey(survey: UUID) -> tuple[UUID, Surveys] | None:
    """The complaint that this survey is about, and all its surveys."""
    found = await surveys.find({"survey_ids": survey}, limit=1)
    return (found[0].id, found[0].state) if found and found[0].state is not None else None


async def listed(
    wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Saved[Surveys]], bool]:
    """Complaints with a survey like that, those with the latest news first, and whether there are more."""
    return await surveys.page(listing(wanted, after), sort="-latest,-_id", limit=limit)


def listing(wanted: Wanted, after: tuple[datetime, UUID] | None = None) -> dict[str, Any]:
    """The query of a list: the marks and the time by an index, then exactly."""
    query: dict[str, Any] = {"latest": {"$exists": True}}
    if wanted.since is not None:
        query["latest"] = {"$gte": wanted.since.astimezone(UTC)}
    if wanted.scores is not None:
        query["marks"] = "answered" if wanted.scores.stop > 10 else _up_to(wanted.scores.stop - 1)
    elif wanted.state is not None:
        query["marks"] = wanted.state
    if asked := wanted.query:
        query["board"] = {"$elemMatch": asked}
    if after is not None:
        at, id = after
        query["$or"] = [{"latest": {"$lt": at}}, {"latest": at, "_id": {"$lt": id}}]
    return query


async def counts(since: datetime, until: datetime, by: Sequence[str]) -> list[Mapping[str, Any]]:
    """How the surveys about answers that reached customers in a period went, for each value of `by`."""
    during = {"$gte": since.astimezone(UTC), "$lt": until.astimezone(UTC)}

    def when(test: Any) -> Any:
        return {"$sum": {"$cond": [test, 1, 0]}}

    is_state = {name: when({"$eq": ["$board.state", name]}) for name in (*ENDED, "open")}
    skipped = {"$eq": ["$board.state", "skipped"]}
    because = {name: when({"$and": [skipped, {"$eq": ["$board.reason", name]}]}) for name in REASONS}
    sums = {
        "asked": when({"$ne": ["$board.state", "skipped"]}),
        "content": when({"$gte": ["$board.score", CONTENT_FROM]}),
        "scores": {"$sum": "$board.score"},
    }
    group = {name: {"$ifNull": [f"$board.{name}", None]} for name in by} or None
    return [
        *await surveys.aggregate(
            [
                {"$match": {"asked": {"$elemMatch": during}}},
                {"$project": {"board": 1, "_id": 0}},
                {"$unwind": "$board"},
                {"$match": {"board.asked": during}},
                {"$group": {"_id": group} | is_state | because | sums},
                {"$limit": MOST_GROUPS + 1},
            ]
        )
    ]
