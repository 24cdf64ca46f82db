"""Spot checks over HTTP: drawn by lot, found in by somebody who had no part in the handling."""

import secrets
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.calling import By, digest_of
from services.intake.domain.ledger import Filters, query
from services.intake.domain.roles import check_may
from services.intake.domain.spot_checks import (
    ASKED,
    RULE,
    Answer,
    Finding,
    NewCheck,
    NewFindings,
    SpotCheck,
    answers,
    check_drawn,
    check_may_find,
    rate,
)
from services.intake.store import spot_checks as store
from services.intake.store.complaints import one
from services.intake.store.people import legible_remarks, sealed_remark
from shared import clock
from shared.events import CheckAnswers, Instant
from shared.http import Key, carries

router = APIRouter(prefix="/v1/spot-checks", tags=["supervision"])


class Found(BaseModel):
    """What was found in a complaint, by whom."""

    process_followed: Answer
    result_as_agreed: Answer
    satisfaction_reached: Answer
    remark: str | None = Field(description="None also once the customer's data were erased")
    by: str
    at: AwareDatetime


class Checked(BaseModel):
    """A complaint that was drawn."""

    complaint: UUID
    number: str
    departments: tuple[str, ...]
    finding: Found | None


class Rate(CheckAnswers):
    """Answers to a question; `rate` is the share of yes where it applies, None where it does nowhere."""

    rate: float | None


class Summary(BaseModel):
    """A check, and what came of it."""

    id: UUID
    by: str
    at: AwareDatetime
    reason: str
    filters: Filters
    size: int
    drawn: int
    found: int = Field(description="In how many of them something was found yet")
    completed_at: AwareDatetime | None
    process_followed: Rate
    result_as_agreed: Rate
    satisfaction_reached: Rate


class Whole(Summary):
    """A check whole: with `seed` and `rule` anybody can draw the same from the same population."""

    rule: str
    seed: str
    seed_given: bool = Field(description="Whoever drew it chose the seed")
    population: int
    population_digest: str = Field(description="SHA-256 of the ids' characters, in the order of the ledger")
    complaints: list[Checked]


class Checks(BaseModel):
    """Checks, the newest first."""

    checks: list[Summary]


def _summary(id: UUID, check: SpotCheck) -> Summary:
    counted = {question: Rate(**dict(each), rate=rate(each)) for question, each in answers(check).items()}
    return Summary(
        **check.model_dump(include={"by", "at", "reason", "size", "completed_at"}),
        id=id,
        filters=check.filters,
        drawn=len(check.drawn),
        found=len(check.findings),
        **counted,
    )


async def _whole(id: UUID, check: SpotCheck) -> Whole:
    remarks = await legible_remarks(
        id, {at: each.remark for at, each in check.findings.items() if each.remark}
    )
    found = {
        at: Found(**each.model_dump(exclude={"remark"}), remark=remarks.get(at))
        for at, each in check.findings.items()
    }
    return Whole(
        **dict(_summary(id, check)),
        **check.model_dump(include={"seed", "seed_given", "population", "population_digest"}),
        rule=RULE,
        complaints=[Checked(**dict(each), finding=found.get(each.complaint)) for each in check.drawn],
    )


@router.post("", status_code=201, responses={201: carries("Location")})
async def draw_check(given: NewCheck, by: By, key: Key, response: Response) -> Whole:
    """Draw complaints by lot from all that the filters take, so that anybody can draw the same again."""
    check_may(by, "draw", (), ())
    now, digest = clock.now(), digest_of(given)
    id, check = await store.asked_before(digest, by.name, key)
    if check is None:
        seed = given.seed or secrets.token_hex(16)
        lot, drawn = await store.draw(query(given.filters, by, now), seed, given.size)
        check = await store.keep(
            id,
            SpotCheck(
                digest=digest, filters=given.filters, size=given.size, seed=seed, reason=given.reason,
                seed_given=given.seed is not None, population=lot.population, population_digest=lot.digest,
                drawn=drawn, by=by.name, at=now,
            ),
        )  # fmt: skip
    response.headers["Location"] = f"/v1/spot-checks/{id}"
    return await _whole(id, check)


@router.get("")
async def find_checks(
    by: By,
    since: Annotated[Instant | None, Query(alias="from", description="Drawn then or later")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Drawn before")] = None,
    page_size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Checks:
    """The newest checks, of a month for example: how many a month, regulations want to know."""
    check_may(by, "check", (), ())
    return Checks(checks=[_summary(id, check) for id, check in await store.between(since, until, page_size)])


@router.get("/{id}")
async def show_check(id: UUID, by: By) -> Whole:
    """A check whole, with what was found."""
    check_may(by, "check", (), ())
    return await _whole(id, await store.one(id))


@router.post("/{id}/findings")
async def record_findings(id: UUID, given: NewFindings, by: By) -> Whole:
    """Record what you found in complaints that were drawn and that you had no part in.

    The same again changes nothing; otherwise a finding stays as it was recorded (409).
    """
    check_may(by, "check", (), ())
    check_drawn(await store.one(id), (each.complaint for each in given.findings))
    now = clock.now()
    findings: dict[UUID, Finding] = {}
    for each in given.findings:
        state = await one(each.complaint, by)
        check_may_find(state, by)
        remark = await sealed_remark(id, each.complaint, state, each.remark) if each.remark else None
        findings[each.complaint] = Finding(
            **each.model_dump(include=set(ASKED)), remark=remark, by=by.name, at=now
        )
    return await _whole(id, await store.found_in(id, findings, by.name))
