"""Why a complaint has the grade it has, and what people decide about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.triage import store
from services.triage.domain.adjudication import Adjudicated
from services.triage.domain.case import Decided
from services.triage.domain.grading import Grading, decide
from shared import clock, telemetry
from shared.envelope import Cause
from shared.events import Name
from shared.http import Caller, caller
from shared.policy import explained, load

router = APIRouter(prefix="/v1/gradings", tags=["gradings"], dependencies=[Depends(caller)])
ratios = APIRouter(prefix="/v1/adjudications", tags=["gradings"], dependencies=[Depends(caller)])

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class NewDecision(BaseModel):
    """A person's decision: the answer to a question, or a grade or class against the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Literal["question", "grade", "class"]
    name: str = Field("", description="The question's name, or the scheme's; nothing for a class")
    choice: Name
    role: Name = Field(description="The role in which they decide, one of the pack's")
    who: Name | None = Field(None, description="Who decides; default: the caller")
    why: Words


@router.get("/{complaint}")
async def grading(complaint: UUID) -> dict[str, Any]:
    """The judgement that counts for each cycle with every reason, in words too; history and decisions."""
    return view(await store.one(complaint))


@router.post("/{complaint}/decisions", status_code=201)
async def decision(complaint: UUID, given: NewDecision, by: Caller) -> dict[str, Any]:
    """Record what a person decided; it wins over the rules. Deciding the same again changes nothing."""
    state = await store.one(complaint)
    telemetry.concerns(complaint, state.traceparent)
    asked = given.model_dump(exclude={"who"})
    data = Decided(**asked, by=given.who or by, caller=by, cycle=state.cycle, at=clock.now())
    trace = telemetry.traceparent()
    cause = Cause(uuid4(), complaint, state.number, data.at, by, data, traceparent=trace)
    await store.judge_soon(complaint, decide, cause)
    return view(await store.one(complaint))


@ratios.get("")
async def adjudications(
    pack: str, month: Annotated[str, Query(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]
) -> list[Adjudicated]:
    """How people answered the questions of a pack in a month, beside the share that the regulation wants."""
    return await store.adjudications(pack, datetime.fromisoformat(f"{month}-01"))


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
        **_plain(state.model_dump(mode="json", include=kept)),
    }


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """The judgements under the name that readers expect."""
    return {"history" if name == "records" else name: value for name, value in state.items()}
