"""Receipts: where a complaint stands in the customer's own words, and nothing of how the house works.

What is told follows from a few fields of the record alone: no text, no name, no grade, no department.
Source: ISO 10002, 7.5 and 7.9 (the complainant is told of progress); what is promised are the pack's clocks.
"""

import base64
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, get_args

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.receipt_words import (
    ENDINGS,
    ERASED,
    LATE,
    NAMES,
    NO_DATE,
    PROMISED,
    REOPENED,
    STAGES,
    STANDS_STILL,
    WAITS,
    Pair,
    Public,
    Words,
    spoken,
)
from services.intake.domain.stages import ENDED, Stage
from shared.events import Language, Outcome
from shared.policy import everywhere, load_calendar

Texts = dict[Language, str]
SECRET, SECRET_BYTES = 26, 20
"""Characters of a secret: 130 bits in base32 (RFC 4648)."""
MISREAD = str.maketrans("018", "OIB", "- ")
"""What base32 does not have is what people take its letters for; they may group them."""


STEP_OF: Mapping[str, Public] = {
    "complaint.registered": "received",
    "complaint.dispatched": "examining",
    "complaint.accepted": "examining",
    "complaint.disowned": "examining",
    "complaint.investigated": "solving",
    "complaint.solution_proposed": "solving",
    "complaint.solution_rejected": "solving",
    "complaint.solution_disagreed": "solving",
    "complaint.agreement_failed": "solving",
    "complaint.solution_offered": "offered",
    "complaint.solution_agreed": "carrying_out",
    "complaint.implementation_started": "carrying_out",
    "complaint.solution_implemented": "carrying_out",
    "complaint.answered": "answered",
    "complaint.closed": "closed",
    "complaint.reopened": "reopened",
}
"""Event type without version -> the step that the customer sees begin with it."""
TAKEN_ON = ("complaint.dispatched", "complaint.accepted")
"""Other departments may be named, and accept, at any later stage: that begins nothing."""
NEW = ("received", "reopened")
REPLIES = frozenset({"answered", "fed_back", "closed"})
"""Marks that say that the customer has an answer."""


class Ahead(BaseModel):
    """A step that is still to come, if all goes its usual way."""

    step: Public
    words: Texts


class Passed(Ahead):
    """A step that has begun; the last one is the present."""

    at: AwareDatetime


class Progress(BaseModel):
    """Where a complaint stands, for the customer."""

    number: str
    language: Language = Field(description="The one in which the complaint came")
    received_at: AwareDatetime
    step: Public
    stage: Texts = Field(description="Where it stands, in words")
    next: Texts = Field(description="What happens next, in words")
    by: AwareDatetime | None = Field(description="By when an answer is promised")
    late: bool = Field(description="Whether that has passed without an answer")
    promise: Texts | None = Field(description="The same in words; null once there is an answer")
    waits_for_you: bool = Field(description="Whether it goes on only once the customer has said something")
    outcome: Outcome | None = Field(description="How it ended, once it has")
    history: list[Passed]
    ahead: list[Ahead]


# the secret


def secret_of(number: str, key: bytes) -> str:
    """What opens this receipt: derived from its number, so that nothing of it is kept."""
    return base64.b32encode(hmac.digest(key, number.encode(), "sha256")[:SECRET_BYTES]).decode()[:SECRET]


def opens(secret: str, number: str, key: bytes) -> bool:
    """Whether this secret is the one of this number, in the same time whatever they are."""
    given = secret.upper().translate(MISREAD)
    return hmac.compare_digest(secret_of(number, key).encode(), given.encode())


def plain_number(given: str) -> str:
    """A receipt number as it is kept, however it was typed."""
    return given.strip().upper()


# the progress


def progress(state: Complaint, journal: Iterable[Mapping[str, Any]], now: datetime) -> Progress:
    """What the customer sees at this instant; of the journal types and times count."""
    step, stage, next = words(state)
    by, promise = promised(state, now)
    return Progress(
        number=state.number,
        language=state.given.language,
        received_at=local(state.received_at, state),
        step=step,
        stage=texts(stage),
        next=texts(next),
        by=local(by, state) if by else None,
        late=by is not None and by < now,
        promise=promise,
        waits_for_you=state.stage is Stage.OFFERED or state.waits_for == "customer",
        outcome=state.outcome if state.stage in ENDED else None,
        history=history(state, journal),
        ahead=[Ahead(step=each, words=texts(NAMES[each])) for each in ahead(state)],
    )


def local(at: datetime, state: Complaint) -> datetime:
    """The same instant where the pack's calendar is at home."""
    return at.astimezone(load_calendar(pack_of(state).calendar).zone)


def texts(pair: Pair) -> Texts:
    en, zh = pair
    return everywhere(zh, en)


def words(state: Complaint) -> Words:
    """Where a complaint stands, and what happens next."""
    if state.stage in ENDED:
        return Words("closed", *ENDINGS[state.outcome])
    told = STAGES[state.stage]
    if told.step == "received" and state.cycle > 1:
        told = REOPENED
    if state.waits_for is not None:
        return told._replace(next=WAITS[state.waits_for])
    if state.erased is not None and state.stage is not Stage.OFFERED:
        return told._replace(next=ERASED)
    return told


def history(state: Complaint, journal: Iterable[Mapping[str, Any]]) -> list[Passed]:
    """The steps so far, each from when it began; what the journal knows beyond the state is left out."""
    entries = sorted(journal, key=lambda each: (each["time"], each["sequence"]))
    moves = [(name, each["time"]) for each in entries if (name := each["type"].rpartition(".")[0]) in STEP_OF]
    steps: list[tuple[Public, datetime]] = []
    for name, at in moves:
        if name not in TAKEN_ON or (steps and steps[-1][0] in NEW):
            steps.append((STEP_OF[name], state.received_at if not steps else at))
    begun = [next(run) for _, run in groupby(steps, key=lambda each: each[0])]
    present = words(state).step
    last = max((place for place, each in enumerate(begun) if each[0] == present), default=None)
    begun = [*begun, (present, state.since)] if last is None else begun[: last + 1]
    return [Passed(step=step, words=texts(NAMES[step]), at=local(at, state)) for step, at in begun]


def ahead(state: Complaint) -> list[Public]:
    """The steps of the usual way that are still to come."""
    usual = [each for each in get_args(Public) if each != "reopened"]
    step = words(state).step
    if state.stage is Stage.DISAGREED:
        step = "carrying_out"  # there is nothing to agree on any more
    return usual[usual.index("received" if step == "reopened" else step) + 1 :]


def promised(state: Complaint, now: datetime) -> tuple[datetime | None, Texts | None]:
    """By when the customer was promised an answer, and that in words; nothing once they have it."""
    if state.stage in ENDED | {Stage.FED_BACK, Stage.SURVEYED}:
        return None, None
    clocks = reply_clocks(state)
    by = min((due for due in clocks if due is not None), default=None)
    if by is None:
        return None, texts(STANDS_STILL if clocks and state.waits_for else NO_DATE)
    (en, zh), (en_when, zh_when) = LATE if by < now else PROMISED, spoken(local(by, state))
    return by, texts((en.format(when=en_when), zh.format(when=zh_when)))


def reply_clocks(state: Complaint) -> list[datetime | None]:
    """When the clocks of this round are due that stop once the customer has an answer (None: not running)."""
    rules, found = pack_of(state).clocks, []
    for key, clock in state.deadlines.items():
        cycle, _, rest = key.partition(":")
        rule = rules.get(rest.rpartition(":")[0])
        if int(cycle) == state.cycle and rule and rule.stop in REPLIES and not rule.internal:
            found.append(clock.due)
    return found
