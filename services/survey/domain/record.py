"""The record: every asking about one complaint, and what was heard that decides whom to ask and who may."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared import clock
from shared.events import (
    ComplaintDispatched,
    ComplaintMigrated,
    ComplaintRegistered,
    FactsRevised,
    Language,
    Outcome,
    Product,
)
from shared.policy import Pack, Route, SurveyRule, pack_of
from shared.sealing import at_rest

State = Literal["open", "answered", "declined", "expired", "closed", "skipped"]
"""Waits for an answer; has one; the customer wants to give none; its time passed; the complaint was reopened
or the customer erased meanwhile; was never put to the customer."""
Reason = Literal["outcome", "rule", "not_sampled", "erased", "reopened"]
"""Why a survey was skipped; the last two also why one was closed."""
Said = bool | int | str


class Kept(BaseModel):
    """An answer as it is stored: its words are sealed, and empty once the customer was erased."""

    score: int
    comment: Annotated[str, *at_rest("comment")] = ""
    answers: dict[str, Said] = {}
    texts: Annotated[dict[str, str], *at_rest("texts")] = {}
    consent: bool = False


class Survey(BaseModel):
    """One asking; `id` says nothing about the complaint.

    `asked` is when the answer to the complaint reached the customer, `month` that instant's by the pack's
    calendar, and `route` how the pack wants them to be asked. Of `reminders` so many were `reminded`. By an
    `interviewer` if the customer said it on the phone.
    """

    id: UUID
    cycle: int
    asked: AwareDatetime
    month: str
    route: Route
    expires: AwareDatetime | None = None
    state: State = "open"
    reason: Reason | None = None
    ended: AwareDatetime | None = None
    reminders: list[AwareDatetime] = []
    reminded: int = 0
    interviewer: str | None = None
    answer: Kept | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether it can be answered."""
        return self.state == "open" and self.expires is not None and at < self.expires

    @property
    def wakes(self) -> list[datetime]:
        """The machine's instants at which something is to be done about it."""
        if self.state != "open" or self.expires is None:
            return []
        return [clock.wake_at(each) for each in (self.expires, *self.reminders[self.reminded :])]


class FedBack(BaseModel):
    """When a cycle's answer reached the customer, and how the cycle ended."""

    asked: AwareDatetime
    outcome: Outcome


class Surveys(BaseModel):
    """All askings about one complaint; `reopened` is the newest cycle that began after another one.

    `handlers` are by cycle the people who handled the complaint, or whom it is about; `sent` is by cycle the
    way by which the customer was asked. Once the customer is `erased` nothing can
    be answered.
    """

    number: str = ""
    traceparent: str | None = None
    registered: ComplaintRegistered | None = None
    revised: FactsRevised | None = None
    migrated: ComplaintMigrated | None = None
    fed_back: dict[int, FedBack] = {}
    dispatched: dict[int, ComplaintDispatched] = {}
    handlers: dict[int, list[str]] = {}
    sent: dict[int, str] = {}
    reopened: int = 1
    surveys: list[Survey] = []
    erased: bool = False

    @property
    def language(self) -> Language:
        return self.registered.language if self.registered else "en"

    @property
    def pack(self) -> Pack:
        """The regulation that the complaint is handled by."""
        assert self.registered is not None
        return pack_of(self.registered, self.migrated)

    @property
    def rule(self) -> SurveyRule:
        """What it says of surveys."""
        return self.pack.survey

    @property
    def next_due(self) -> datetime | None:
        """The machine's instant of the earliest reminder or expiry."""
        return min((at for each in self.surveys for at in each.wakes), default=None)

    def with_id(self, id: UUID) -> Survey | None:
        return next((each for each in self.surveys if each.id == id), None)

    def replaced(self, survey: Survey) -> "Surveys":
        """The same with this survey in place of the one of its id."""
        found = [survey if each.id == survey.id else each for each in self.surveys]
        return self.model_copy(update={"surveys": found})


def line(state: Surveys, survey: Survey) -> dict[str, Any]:
    """What lists and figures need of one asking; `at` is when it came to its state."""
    routed, given = state.dispatched.get(survey.cycle), state.registered
    known = state.revised or given
    found: dict[str, Any] = {
        "cycle": survey.cycle,
        "state": survey.state,
        "reason": survey.reason,
        "score": survey.answer.score if survey.answer else None,
        "asked": survey.asked.astimezone(UTC),
        "at": (survey.ended or survey.asked).astimezone(UTC),
        "month": survey.month,
        "route": state.sent.get(survey.cycle, survey.route),
        "department": routed.lead if routed else None,
        "product": (known.product if known else Product()).name,
        "channel": given.channel if given else None,
    }
    return {name: value for name, value in found.items() if value is not None}
