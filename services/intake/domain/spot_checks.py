"""Spot checks: complaints drawn by lot, and what a supervisor finds in each.

Source: the supervising group of P01 asks whether the process is regular, the result as agreed and
satisfaction reached; P25 wants two or three checks a month. Whoever handled a complaint does not check it
(ISO 10002, 5.3).
"""

import heapq
from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from services.intake.domain.complaint import Complaint, check_same
from services.intake.domain.forms import Given
from services.intake.domain.ledger import Filters
from services.intake.domain.roles import Actor
from services.intake.domain.steps import Reason
from shared.envelope import Cause
from shared.events import CheckAnswers, Fact, SpotCheckCompleted, SpotCheckDrawn
from shared.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from shared.sealing import at_rest

Answer = Literal["yes", "no", "not_applicable"]
Seed = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,100}$")]
RULE = "the `size` complaints whose SHA-256 of the seed's and the id's characters, in hex, come first"
ASKED = ("process_followed", "result_as_agreed", "satisfaction_reached")
NOT_HANDLING = frozenset({"note"})
"""What one may have done with a complaint and still check it."""


class NewCheck(Given):
    """A check to be drawn: from what the filters take, so many, and why."""

    filters: Filters = Filters()
    size: int = Field(ge=1, le=200)
    seed: Seed | None = Field(None, description="Default: a random one; a given one is marked as such")
    reason: Reason


class Drawn(BaseModel):
    """A complaint that was drawn, as it was then."""

    complaint: UUID
    number: str
    departments: tuple[str, ...]


class NewFinding(Given):
    """What was found in one complaint."""

    complaint: UUID
    process_followed: Answer = Field(description="Whether it was handled as the regulation says")
    result_as_agreed: Answer = Field(description="Whether the customer got what was agreed")
    satisfaction_reached: Answer
    remark: Reason | None = Field(None, description="Goes with the customer's data when those are erased")


class NewFindings(Given):
    """What was found, in one complaint or several."""

    findings: list[NewFinding] = Field(min_length=1, max_length=200)


class Finding(BaseModel):
    """The same as it is kept: `remark` is sealed under the key of whoever complained."""

    process_followed: Answer
    result_as_agreed: Answer
    satisfaction_reached: Answer
    remark: str | None = None
    by: str
    at: AwareDatetime


class SpotCheck(BaseModel):
    """A check: drawn from a `population` of so many, which `population_digest` tells from any other.

    Of the digest: the SHA-256 of the ids' characters, in the order of the ledger.
    """

    digest: str
    filters: Filters
    size: int
    seed: str
    seed_given: bool
    reason: Annotated[str, *at_rest("reason")]
    population: int
    population_digest: str
    drawn: list[Drawn]
    by: str
    at: AwareDatetime
    findings: dict[UUID, Finding] = {}
    completed_at: AwareDatetime | None = None


Checked = tuple[SpotCheck, list[Fact]]


class Lot:
    """Draws `size` ids by lot, while a population of any length goes by; the same seed draws the same."""

    def __init__(self, seed: str, size: int) -> None:
        self.population = 0
        self._seed, self._size = seed.encode(), size
        self._digest = sha256()
        self._lowest: list[tuple[int, UUID]] = []

    def pass_by(self, ids: Iterable[UUID]) -> None:
        for id in ids:
            name = str(id).encode()
            self.population += 1
            self._digest.update(name)
            lot = -int.from_bytes(sha256(self._seed + name).digest())
            if len(self._lowest) < self._size:
                heapq.heappush(self._lowest, (lot, id))
            elif lot > self._lowest[0][0]:
                heapq.heapreplace(self._lowest, (lot, id))

    @property
    def drawn(self) -> list[UUID]:
        """Those drawn, in the order of their lots."""
        return [id for _, id in sorted(self._lowest, reverse=True)]

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def put(state: SpotCheck | None, cause: Cause[SpotCheck]) -> Checked:
    """Record a draw, once for its key: the first one stays.

    Raises Invalid for another one under its key, Conflict where there was nothing to draw from.
    """
    if state is not None:
        check_same(state.digest, cause.data.digest)
        return state, []
    if not cause.data.drawn:
        raise Conflict("These filters take no complaint: there is nothing to draw from")
    return cause.data, [SpotCheckDrawn(population=cause.data.population, drawn=len(cause.data.drawn))]


def check_may_find(state: Complaint, by: Actor) -> None:
    """Raises Forbidden for whoever handled this complaint, or is complained about."""
    solution = state.solution.by if state.solution else None
    did = {each.by for each in state.actions if each.what not in NOT_HANDLING}
    handled = {*did, state.handler, solution, state.recorder, *state.respondents} - {None}
    if by.is_one_of(name for name in handled if name):
        raise Forbidden(f"You had a part in {state.number}: somebody else must check it")


def find(state: SpotCheck | None, cause: Cause[dict[UUID, Finding]]) -> Checked:
    """Record what was found; the check is complete once something was found in each that was drawn.

    Raises NotFound, Invalid for what was not drawn, Conflict for what somebody has found otherwise already.
    """
    if state is None:
        raise NotFound("There is no spot check with this id")
    drawn = check_drawn(state, cause.data)
    new = {id: each for id, each in cause.data.items() if not _known(state.findings.get(id), each)}
    if twice := [drawn[id] for id in new if id in state.findings]:
        raise Conflict(f"A finding stays as it was recorded: {', '.join(twice)}")
    findings = state.findings | new
    if not new or len(findings) < len(drawn):
        return state.model_copy(update={"findings": findings}), []
    done = state.model_copy(update={"findings": findings, "completed_at": cause.time})
    return done, [SpotCheckCompleted(drawn=len(drawn), **answers(done))]


def check_drawn(state: SpotCheck, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The numbers of the complaints that were drawn. Raises Invalid for one that was not."""
    drawn = {each.complaint: each.number for each in state.drawn}
    if strange := [id for id in ids if id not in drawn]:
        faults = [Fault(detail=f"{id} is not one of them", pointer="#/findings") for id in strange]
        raise Invalid("Findings are for the complaints that were drawn", faults)
    return drawn


def _known(known: Finding | None, given: Finding) -> bool:
    """Whether the same person has found the same before."""
    return known is not None and known.model_copy(update={"at": given.at}) == given


def answers(state: SpotCheck) -> dict[str, CheckAnswers]:
    """How often each question was answered how."""
    return {question: _counted(question, state.findings.values()) for question in ASKED}


def _counted(question: str, findings: Iterable[Finding]) -> CheckAnswers:
    given = [getattr(each, question) for each in findings]
    return CheckAnswers(
        yes=given.count("yes"), no=given.count("no"), not_applicable=given.count("not_applicable")
    )


def rate(counted: CheckAnswers) -> float | None:
    """The share of yes where the question applies; None where it applies nowhere (no rate is not 0)."""
    asked = counted.yes + counted.no
    return counted.yes / asked if asked else None
