"""Records that meet, or break, what is asked of a complaint."""

from datetime import timedelta
from typing import Any

from services.intake.domain.conformance import judged
from services.intake.domain.hearing import hear
from shared.events import (
    DeadlineBreached,
    DeadlineFact,
    DeadlineMet,
    DeadlineMissed,
    DeadlineSet,
    NoticeSent,
    QuotaExceeded,
    SurveyExpired,
)
from tests.kit.complaint import START
from tests.kit.intake import OTHER, Record, at_dispatched, at_proposed, cause

DUE = START + timedelta(hours=24)


def verdict(record: Record, line: str) -> str:
    return judged(record.state)[line].judgement


def on(kind: type[DeadlineFact], clock: str, **more: Any) -> DeadlineFact:
    told: dict[str, Any] = {"cycle": 1, "clock": clock, "due": DUE} | more
    if kind is DeadlineSet:
        told["started"] = START
    if kind in (DeadlineMet, DeadlineMissed):
        told["stopped"] = DUE
    return kind(**told)


def acknowledged(record: Record, hours: float = 0) -> Record:
    told = NoticeSent(notice="n", kind="acknowledgement", channel="email", cycle=1)
    record.heard += 1
    record.news.append(told)
    state, _ = hear(record.state, cause(told, record.heard, START + timedelta(hours=hours)))
    assert state is not None
    record.state = state
    return record


def implemented(**proposal: Any) -> Record:
    record = at_dispatched().do("accept").do("investigate")
    return record.do("propose", **proposal).through("offer", "agree").do("implement", report="Sent.")


def solved(**proposal: Any) -> Record:
    return implemented(**proposal).do("audit", OTHER).do("answer").told().scored(9)


def at_sea(**changes: Any) -> Record:
    """At the departments, past a safety gate."""
    return Record(**changes).graded(gates=("harm",)).dispatched()


def expired() -> Record:
    record = implemented().do("audit", OTHER).do("answer").told()
    return record.hear(SurveyExpired(cycle=1))


def overdue() -> Record:
    return at_dispatched().hear(on(DeadlineSet, "accept"), on(DeadlineBreached, "accept"))


def ended(record: Record) -> Record:
    return record.do("audit", OTHER).do("answer").told().scored(9)


def disagreed() -> Record:
    return at_proposed().through("offer", "disagree", "answer").told().scored(2)


def refused() -> Record:
    return Record("cn-petition").do("screen", decision="refused", reason="For the court.").told()


def rejected_late() -> Record:
    """After the answer it turns out that the customer does not accept, and nobody named other ways."""
    known = {"complexity": "low", "impact": "single", "safety_implication": False, "immediate_action": False}
    record = Record("iso-10002", details=known | {"remedy_sought": "a new one", "decision_reasoned": True})
    record.graded().dispatched().through("accept", "investigate", "propose", "offer", "agree", "implement")
    record.do("audit").do("answer").revise(details={"rejected": True})
    return record.told().scored(9)


def quoted(record: Record) -> Record:
    told = QuotaExceeded(scheme="abcd", grade="a", year=2026, number=1, limit=0)
    return record.hear(told)


def ended_with_question() -> Record:
    record = Record().graded(undecided=True).dispatched()
    record.through("accept", "investigate", "propose", "offer", "agree").do("implement", report="Sent.")
    return ended(record)


def solved_until_answer() -> Record:
    return implemented().do("audit", OTHER).do("answer")


def regraded(record: Record) -> Record:
    """It turns out to be of another class, whose catalogue does not hold the cause that was found."""
    return record.graded(class_="service")


def harmful_after(record: Record) -> Record:
    """It turns out late that somebody was hurt, so that more roles ought to have approved."""
    record.revise(facts={"injured": 1})
    return ended(record)
