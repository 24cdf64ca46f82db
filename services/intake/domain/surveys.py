"""Surveys: how asking the customer went after each round, in whatever order it is told."""

from datetime import datetime
from typing import Any, Literal

from services.intake.domain.complaint import Complaint, Surveyed, SurveyEnd
from shared.events import SurveyAnswered, SurveyDeclined, SurveyExpired, SurveyOpened, SurveySkipped

SurveyFact = SurveyOpened | SurveyAnswered | SurveyDeclined | SurveyExpired | SurveySkipped
Asking = Literal["answered", "declined", "expired", "open", "skipped"]
"""How asking came out: `open` has not ended, `expired` was closed unanswered, `skipped` was never asked."""
ENDS: tuple[SurveyEnd, ...] = ("skipped", "expired", "declined", "answered")
"""Each says more than those before it."""


def surveyed(state: Complaint, told: SurveyFact, at: datetime) -> dict[str, Any]:
    """What news of a survey changes; with its end there is a score for its round, be it None."""
    known = state.surveys.get(told.cycle) or Surveyed()
    scores = {told.cycle: None} | state.scores
    match told:
        case SurveyOpened():
            opened = min(at, known.opened or at)
            return _noted(state, told.cycle, known.model_copy(update={"opened": opened}))
        case SurveyAnswered(score=score, by=by):
            scores[told.cycle] = score
            now = _ended(known, "answered", by=by)
        case SurveyDeclined():
            now = _ended(known, "declined")
        case SurveyExpired():
            now = _ended(known, "expired")
        case SurveySkipped(reason=reason):
            now = _ended(known, "skipped", reason=reason)
    return _noted(state, told.cycle, now) | {"scores": scores}


def _noted(state: Complaint, cycle: int, now: Surveyed) -> dict[str, Any]:
    return {"surveys": state.surveys | {cycle: now}}


def _ended(known: Surveyed, how: SurveyEnd, **more: Any) -> Surveyed:
    if known.ended is not None and ENDS.index(known.ended) >= ENDS.index(how):
        return known
    return Surveyed(opened=known.opened, ended=how, **more)


def rounds(state: Complaint) -> dict[int, Surveyed]:
    """Each round's survey, also where only its score is known."""
    ends: dict[int, SurveyEnd] = {
        cycle: "expired" if score is None else "answered" for cycle, score in state.scores.items()
    }
    alone = {cycle: Surveyed(ended=end) for cycle, end in ends.items()}
    return dict(sorted((alone | state.surveys).items()))


def asking(state: Complaint) -> Asking | None:
    """How asking came out over all rounds: answered if one was, else as the last one that was asked."""
    known = list(rounds(state).values())
    asked = [each for each in known if each.asked]
    if any(each.ended == "answered" for each in asked):
        return "answered"
    if not asked:
        return "skipped" if known else None
    match asked[-1].ended:
        case None:
            return "open"
        case "declined":
            return "declined"
    return "expired"
