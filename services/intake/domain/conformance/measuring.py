"""Measuring: what the pack itself wants of a complaint: quotas, clocks, and what its targets count."""

from services.intake.domain.conformance.case import (
    OPEN,
    UNHANDLED,
    Case,
    Judgement,
    Verdict,
    beside,
    no,
    of_clocks,
    run_out,
    yes,
)


def quota(case: Case) -> Verdict:
    """It is none too many of its grade in the year."""
    graded = case.state.graded.get(case.state.cycle)
    if not case.pack.quotas:
        return beside("The pack has no quotas", "制度无年度指标")
    if case.state.exceeds:
        return no("One more than the year's quota", "超出年度指标")
    if graded is None:
        return beside("Never graded", "未定级") if case.ended else OPEN
    if any(graded.grades.get(each.scheme, graded.grade) == each.grade for each in case.pack.quotas):
        return yes("Within the year's quota", "在年度指标之内")
    return beside("Its grade has no quota", "该等级无年度指标")


def clock(case: Case, name: str) -> Verdict:
    """How one clock of the pack did, in all rounds and departments."""
    dues = of_clocks(case.state, {name})
    if any(run_out(due) for due in dues):
        return no("The time passed before it was done", "逾期")
    if any(due.outcome is None for due in dues) and not case.ended:
        return Verdict("open", "The clock runs, or stands still", "计时中或已暂停")
    if any(due.outcome == "met" for due in dues):
        return yes("Done in time", "按时完成")
    return beside("The clock did not run, or no longer counts", "未计时，或不再计算")


def resolved(case: Case) -> Judgement:
    """Of what came to its end as ours: whether a solution was agreed and carried out."""
    if case.state.outcome in (*UNHANDLED, "not_ours"):
        return "not_applicable"
    if not case.ended:
        return "open"
    return "met" if case.state.outcome == "resolved" else "not_met"


def satisfied(case: Case) -> Judgement:
    """Of those who scored: whether the last score is not so low that the pack begins anew."""
    scores = [score for _, score in sorted(case.state.scores.items()) if score is not None]
    if scores:
        return "met" if scores[-1] >= case.pack.survey.reopen_below else "not_met"
    return "not_applicable" if case.ended else "open"


def repeats(case: Case) -> Judgement:
    """Of what was graded: whether this customer complained of the matter before."""
    graded = case.state.grade
    if graded is None:
        return "not_applicable" if case.ended else "open"
    return "met" if graded.repeats > 1 else "not_met"
