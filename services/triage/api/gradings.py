"""Why a complaint has the grade it has, and what people decide about it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.triage import store
from services.triage.domain.case import Decided
from services.triage.domain.grading import decide
from services.triage.domain.record import Grading
from shared import clock, telemetry
from shared.envelope import Cause
from shared.events import Name
from shared.http import Caller, Who, caller
from shared.policy import explained, load
from shared.problems import Forbidden

router = APIRouter(prefix="/v1/gradings", tags=["gradings"], dependencies=[Depends(caller)])

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class NewDecision(BaseModel):
    """A person's decision: the answer to a question, or a grade or class against the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Literal["question", "grade", "class"]
    name: str = Field("", description="The question's name, or the scheme's; nothing for a class")
    choice: Name
    role: Name = Field(description="The role in which they decide, one of the pack's")
    who: Name | None = Field(None, description="Who decides; default: the caller")
    cycle: int | None = Field(None, ge=1, le=10_000, description="Default: the present one")
    why: Words


@router.get("/{complaint}")
async def grading(complaint: UUID) -> dict[str, Any]:
    """The judgement that counts for each cycle with every reason, in words too; history and decisions."""
    return view(await store.one(complaint))


@router.post("/{complaint}/decisions", status_code=201)
async def decision(complaint: UUID, given: NewDecision, by: Caller, who: Who) -> dict[str, Any]:
    """Record what a person decided; it wins over the rules. Deciding the same again changes nothing.

    The role must be one of the caller's.
    """
    if not who.holds(given.role):
        raise Forbidden(f"You do not hold the role {given.role}")
    state = await store.one(complaint)
    telemetry.concerns(complaint, state.traceparent)
    asked = given.model_dump(exclude={"who", "cycle"})
    cycle = given.cycle or state.cycle
    data = Decided(**asked, by=given.who or by, caller=by, cycle=cycle, at=clock.now())
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), complaint, state.number, data.at, by, data, traceparent=trace)
    await store.judge_soon(complaint, decide, cause)
    return view(await store.one(complaint))


def view(state: Grading) -> dict[str, Any]:
    """A grading as people read it."""
    kept = {"routes", "records", "decided", "linked", "exceeded", "escalated"}
    cycles = sorted({each.graded.cycle for each in state.records})
    latest = {cycle: state.latest(cycle) for cycle in cycles}
    return {
        "number": state.number,
        "decisions": {cycle: told.model_dump(mode="json") for cycle, told in latest.items() if told},
        "explanation": {
            cycle: explained(told, load(told.pack, told.pack_version))
            for cycle, told in latest.items()
            if told
        },
        **_plain(state.model_dump(include=kept)),
    }


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """The judgements under the name that readers expect."""
    return {"history" if name == "records" else name: value for name, value in state.items()}
