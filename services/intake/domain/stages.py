"""The stages of a complaint, and which step leads from where to where: the table is the law.

    registered ─▶ graded ─▶ dispatched ─accept▶ accepted ─investigate▶ investigated ─propose▶ proposed
    ─offer▶ offered ─agree▶ agreed ─implement▶ implemented ─audit▶ audited ─answer▶ answered ─▶ fed_back
    ─▶ closed

    offered ─disagree▶ investigated      implemented ─audit, not passed▶ agreed
    fed_back ─▶ reopened ─▶ graded ...   (on a low score)

Arrows with a name are a person's steps; the others follow from events of the other services.
"""

from enum import StrEnum


class Stage(StrEnum):
    REGISTERED = "registered"
    REOPENED = "reopened"
    GRADED = "graded"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    INVESTIGATED = "investigated"
    PROPOSED = "proposed"
    OFFERED = "offered"
    AGREED = "agreed"
    IMPLEMENTED = "implemented"
    AUDITED = "audited"
    ANSWERED = "answered"
    FED_BACK = "fed_back"
    CLOSED = "closed"


STEPS: dict[str, tuple[Stage, Stage]] = {
    "accept": (Stage.DISPATCHED, Stage.ACCEPTED),
    "investigate": (Stage.ACCEPTED, Stage.INVESTIGATED),
    "propose": (Stage.INVESTIGATED, Stage.PROPOSED),
    "offer": (Stage.PROPOSED, Stage.OFFERED),
    "agree": (Stage.OFFERED, Stage.AGREED),
    "disagree": (Stage.OFFERED, Stage.INVESTIGATED),
    "implement": (Stage.AGREED, Stage.IMPLEMENTED),
    "audit": (Stage.IMPLEMENTED, Stage.AUDITED),
    "answer": (Stage.AUDITED, Stage.ANSWERED),
}
"""Step -> the stage it starts from, the stage it leads to."""

AUDIT_FAILED = Stage.AGREED


WAITING = frozenset(start for start, _ in STEPS.values())
"""The stages at which a complaint can wait for somebody outside; it stays where it is meanwhile."""


def possible(stage: Stage, *, waits: bool = False) -> list[str]:
    """The steps that a person can take at this stage."""
    steps = [step for step, (start, _) in STEPS.items() if start is stage]
    return [*steps, "resume" if waits else "pause"] if stage in WAITING else steps
