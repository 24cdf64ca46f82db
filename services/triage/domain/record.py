"""The record: what triage knows of one complaint, and every judgement so far."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.triage.domain.adjudication import Asked, last_words
from services.triage.domain.case import Decided, Known
from services.triage.domain.outcome import standing
from services.triage.domain.series import Membership
from shared.events import ComplaintDispatched, ComplaintGraded, QuotaExceeded
from shared.policy import Entry


class Record(BaseModel):
    """One judgement, when it was made, and the person's decision that made it, if one did."""

    at: AwareDatetime
    graded: ComplaintGraded
    decided: Decided | None = None


class Grading(Known):
    """What is known, the judgements in their order, and how far its series know of it.

    `outdated` are cycles of which something was said since they were judged, `asked` the questions that wait
    for people; of the cycle `dropped`, which was withdrawn or merged, and those before nothing is asked.
    `joined` are the entries that series have; `entering` and `leaving` what they must still be told.
    """

    traceparent: str | None = None
    joined: dict[str, Entry] = {}
    entering: list[Membership] = []
    leaving: list[UUID] = []
    marks: dict[str, AwareDatetime] = {}
    records: list[Record] = []
    outdated: list[int] = []
    asked: list[Asked] = []
    dropped: int = 0
    routes: dict[int, ComplaintDispatched] = {}
    escalated: list[str] = []
    linked: list[UUID] = []
    exceeded: list[QuotaExceeded] = []

    @property
    def pack_name(self) -> str | None:
        return self.registered.pack if self.registered else None

    @property
    def answered(self) -> list[Decided]:
        """The answers to questions on which the judgements rest."""
        words = (each for each in last_words(self.decided) if each.about == "question")
        return [each for each in words if standing(self.latest(each.cycle), each)]

    @property
    def unsettled(self) -> bool:
        """Whether a series must still be told something."""
        return bool(self.entering or self.leaving)

    def latest(self, cycle: int) -> ComplaintGraded | None:
        """The judgement that counts for a cycle."""
        found = [each.graded for each in self.records if each.graded.cycle == cycle]
        return found[-1] if found else None
