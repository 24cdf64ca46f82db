"""The stages of a complaint, and which step leads from where to where: the table is the law.

Steps are what people do; the bare moves between them follow from events of the other services:

    registered (or screened, reopened) ─▶ graded ─▶ dispatched      triage reported; a pack that screens
                                                                    waits for the screening
    answered ─▶ fed_back ─▶ surveyed                                notify and survey reported
    surveyed ─▶ closed                                              where the pack closes by itself
    surveyed ─▶ reopened                                            on a low score

Source: ISO 10002, clause 7, and the regulations that the packs run. What a regulation does not know its pack
switches off by `without`.
"""

from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    REGISTERED = "registered"
    SCREENED = "screened"
    REOPENED = "reopened"
    GRADED = "graded"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    INVESTIGATING = "investigating"
    INVESTIGATED = "investigated"
    PROPOSED = "proposed"
    APPROVED = "approved"
    OFFERED = "offered"
    AGREED = "agreed"
    DISAGREED = "disagreed"
    IMPLEMENTING = "implementing"
    IMPLEMENTED = "implemented"
    AUDITED = "audited"
    DISOWNED = "disowned"
    NOT_OURS = "not_ours"
    ANSWERED = "answered"
    FED_BACK = "fed_back"
    SURVEYED = "surveyed"
    CLOSED = "closed"
    ARCHIVED = "archived"


S = Stage
ENDED = frozenset({S.CLOSED, S.ARCHIVED})
TOLD = frozenset({S.ANSWERED, S.FED_BACK, S.SURVEYED})
OPEN = tuple(stage for stage in Stage if stage not in ENDED | TOLD)
"""The stages at which the matter itself is still in hand."""
IN_HAND = tuple(stage for stage in OPEN if stage not in (S.REGISTERED, S.SCREENED, S.REOPENED, S.GRADED))
"""Those of them at which departments have it."""
SOLVING = (S.OFFERED, S.AGREED, S.IMPLEMENTING)
"""Those at which a solution is on its way; what has become graver since must be approved anew."""
STAYS = None


class Arrow(NamedTuple):
    """A step leads from any of `sources` to `target` (STAYS: nowhere else); `when` tells its ways apart."""

    step: str
    when: str
    sources: tuple[Stage, ...]
    target: Stage | None


TABLE: tuple[Arrow, ...] = (
    Arrow("screen", "in_scope", (S.REGISTERED, S.REOPENED), S.SCREENED),
    Arrow("screen", "refused", (S.REGISTERED, S.REOPENED), S.ANSWERED),
    Arrow("screen", "transferred", (S.REGISTERED, S.REOPENED), S.ANSWERED),
    Arrow("screen", "referred", (S.REGISTERED, S.REOPENED), S.ANSWERED),
    Arrow("accept", "", (S.DISPATCHED,), S.ACCEPTED),
    Arrow("accept", "beside the lead", IN_HAND, STAYS),
    Arrow("assign", "", IN_HAND, STAYS),
    Arrow("investigate", "", (S.ACCEPTED,), S.INVESTIGATING),
    Arrow("investigate", "cause found", (S.ACCEPTED, S.INVESTIGATING), S.INVESTIGATED),
    Arrow("disown", "", (S.DISPATCHED, S.ACCEPTED, S.INVESTIGATING, S.INVESTIGATED), S.DISOWNED),
    Arrow("disown", "again", (S.DISOWNED,), S.NOT_OURS),
    Arrow("own", "", (S.DISOWNED, S.NOT_OURS), S.DISPATCHED),
    Arrow("propose", "", (S.INVESTIGATED, S.DISAGREED), S.PROPOSED),
    Arrow("approve", "more to come", (S.PROPOSED, S.APPROVED), S.PROPOSED),
    Arrow("approve", "last", (S.PROPOSED, S.APPROVED), S.APPROVED),
    Arrow("approve", "since the offer", SOLVING, STAYS),
    Arrow("reject", "", (S.PROPOSED, S.APPROVED, *SOLVING), S.INVESTIGATED),
    Arrow("offer", "", (S.PROPOSED, S.APPROVED), S.OFFERED),
    Arrow("agree", "", (S.OFFERED,), S.AGREED),
    Arrow("negotiate", "", (S.OFFERED,), S.INVESTIGATED),
    Arrow("disagree", "", (S.OFFERED,), S.DISAGREED),
    Arrow("start", "", (S.AGREED,), S.IMPLEMENTING),
    Arrow("implement", "", (S.AGREED, S.IMPLEMENTING), S.IMPLEMENTED),
    Arrow("audit", "passed", (S.IMPLEMENTED,), S.AUDITED),
    Arrow("audit", "failed", (S.IMPLEMENTED,), S.AGREED),
    Arrow("audit", "without a solution", (S.DISAGREED, S.NOT_OURS), STAYS),
    Arrow("answer", "", (S.AUDITED, S.DISAGREED, S.NOT_OURS), S.ANSWERED),
    Arrow("close", "", (S.SURVEYED,), S.CLOSED),
    Arrow("archive", "", (S.CLOSED,), S.ARCHIVED),
    Arrow("reopen", "", (S.CLOSED,), S.REOPENED),
    Arrow("withdraw", "", OPEN, S.CLOSED),
    Arrow("merge", "", OPEN, S.CLOSED),
    Arrow("relate", "", tuple(stage for stage in Stage if stage is not S.ARCHIVED), STAYS),
    Arrow("emergency", "", OPEN, STAYS),
    Arrow("adverse_event", "", OPEN, STAYS),
    Arrow("pause", "", IN_HAND, STAYS),
    Arrow("resume", "", IN_HAND, STAYS),
)

SIDE_WAYS = frozenset(
    {"withdraw", "merge", "relate", "emergency", "adverse_event", "assign", "pause", "resume"}
)
"""Steps that are possible beside the way through the house; answers name them last."""


def arrow(stage: Stage, step: str, when: str = "") -> Arrow | None:
    """The arrow of this step from this stage, if the table has it."""
    found = (each for each in TABLE if (each.step, each.when) == (step, when) and stage in each.sources)
    return next(found, None)


def steps_from(stage: Stage) -> list[str]:
    """The steps that the table has from this stage, those of the way through the house first."""
    found = dict.fromkeys(each.step for each in TABLE if stage in each.sources and not _beside(each))
    return sorted(found, key=lambda step: step in SIDE_WAYS)


def _beside(each: Arrow) -> bool:
    """Whether it is nobody's next step: a department beside the lead may always say that it accepts."""
    return each.when == "beside the lead"
