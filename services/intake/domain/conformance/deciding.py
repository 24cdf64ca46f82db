"""Deciding: the matter is assessed, looked into, put right, and the customer told."""

from services.intake.domain.approval import outstanding
from services.intake.domain.complaint import Action
from services.intake.domain.conformance.case import (
    ERASED,
    OPEN,
    SENT_ON,
    TAKEN_BACK,
    UNHANDLED,
    Case,
    Verdict,
    beside,
    no,
    yes,
)
from services.intake.domain.doing import class_of
from services.intake.domain.ending import ASKED
from services.intake.domain.surveys import rounds
from shared.events import Outcome

EXPLAINED: tuple[Outcome, ...] = ("not_ours", "refused", *SENT_ON)
"""Outcomes by which the customer gets reasons instead of a solution."""


def assessment(case: Case) -> Verdict:
    """Graded, with every question answered that the grade depends on."""
    graded = case.state.graded.get(case.state.cycle)
    if graded is not None and not graded.pending and not graded.undecided:
        return yes("Graded, no question open", "已定级，无待定问题")
    lacking = (
        no("Never assessed", "未评审") if graded is None else no("A question was left open", "评审问题未答复")
    )
    return case.until(OPEN, UNHANDLED, lacking)


def safety(case: Case) -> Verdict:
    """Who passed a safety gate was looked into by people."""
    state = case.state
    graded = state.graded.get(state.cycle)
    if graded is None or not graded.gates:
        if graded is None and not case.ended:
            return OPEN
        return beside("No safety gate was passed", "未触发安全红线")
    assessed = state.adverse_event is not None and state.adverse_event.assessed
    verified = state.revised is not None and state.revised.verified
    if verified or state.emergency is not None or assessed:
        return yes("People looked into the danger", "已由人员核实安全影响")
    return case.until(OPEN, ("merged", *SENT_ON), no("Nobody verified the danger", "安全影响未经核实"))


def investigation(case: Case) -> Verdict:
    """The cause was found, and is one that this kind of matter can have."""
    state, class_ = case.state, class_of(case.state)
    if state.outcome == "not_ours":
        return yes("Two people found that it is not ours", "两人认定非我方责任")
    if state.root_cause is None:
        return case.until(OPEN, UNHANDLED, no("No cause was found", "未查明原因"))
    if class_ is None or not class_.causes or state.root_cause in class_.causes:
        return yes("The cause was found", "原因已查明")
    lacking = no("The cause found is none of the class it has now", "所查原因不属于现有类别")
    return case.until(OPEN, UNHANDLED, lacking)


def response(case: Case) -> Verdict:
    """A solution was put to the customer, or they get reasons."""
    if case.last("offer")[1] is not None:
        return yes("A solution was put to them", "已向投诉人提出方案")
    if case.state.outcome in EXPLAINED and case.state.reply is not None:
        return yes("They got reasons", "已说明理由")
    return case.until(OPEN, TAKEN_BACK, no("Neither solution nor reasons", "既无方案也无理由"))


def prevention(case: Case) -> Verdict:
    """The solution says what keeps it from coming again."""
    solution = case.state.solution
    if case.state.outcome not in ASKED:
        return beside("There is no solution to carry out", "无需执行方案")
    if solution is not None and solution.permanent is not None:
        return yes("The solution keeps it from coming again", "方案含防止再发的措施")
    return case.until(OPEN, (), no("Nothing was planned against its coming again", "未制定防止再发的措施"))


def approval(case: Case) -> Verdict:
    """Every role of the approval matrix approved."""
    state = case.state
    if not case.pack.approvals or state.outcome != "resolved":
        return beside("There is nothing to approve", "无需审批")
    if state.solution is None:
        return beside("There is nothing to approve", "无需审批") if case.ended else OPEN
    if left := outstanding(state):
        names = ", ".join(left)
        return case.until(OPEN, (), no(f"Never approved by: {names}", f"未经审批：{names}"))
    if not state.approvals:
        return beside("No role had to approve", "无须任何角色审批")
    return yes("Approved by all who must", "应审批者均已批准")


def separation(case: Case) -> Verdict:
    """Whoever checked the result neither proposed it nor carried it out."""
    state = case.state
    at, audit = case.last("audit")
    if state.passed is not True or audit is None:
        if state.outcome == "resolved":
            return case.until(OPEN, (), no("Nobody checked the result", "处理结果未经审核"))
        return beside("There was no result to check", "无处理结果可审核") if case.ended else OPEN
    doers = {state.solution.by} if state.solution else set[str]()
    doers |= {*state.disowned} | {each.by for each in state.actions[:at] if _did(each, state.cycle)}
    if audit.by in doers:
        return no("Checked by somebody who had a hand in it", "审核人参与过处理")
    return yes("Checked by somebody who had no hand in it", "由未参与处理者审核")


def _did(action: Action, cycle: int) -> bool:
    return action.cycle == cycle and action.what == "implement"


def decision(case: Case) -> Verdict:
    """The customer was told how it was decided."""
    if case.state.cycle in case.state.told:
        return yes("The decision has reached them", "决定已送达投诉人")
    if case.state.erased is not None:
        return ERASED
    return case.until(OPEN, TAKEN_BACK, no("They were never told", "始终未告知决定"))


def carried_out(case: Case) -> Verdict:
    """What was agreed was done, and there is proof or a report of it."""
    state = case.state
    at, done = case.last("implement")
    if state.outcome != "resolved":
        return beside("There was nothing to carry out", "无需执行")
    if done is None or at < case.last("propose")[0] or not state.agreed or state.passed is False:
        return case.until(OPEN, (), no("What was agreed was not carried out", "商定方案未执行"))
    if state.proof or "report" in done.words:
        return yes("Carried out, with proof or a report", "已执行，有证明或报告")
    if state.erased is not None:
        return ERASED
    return case.until(OPEN, (), no("Carried out, without proof or report", "已执行，但无证明或报告"))


def recourse(case: Case) -> Verdict:
    """Whoever does not accept hears which other ways are open."""
    state = case.state
    if state.outcome == "disagreed":
        return yes("No agreement; other remedies were named", "协商不成，已告知其他途径")
    if state.outcome in ("refused", *SENT_ON):
        return yes("They heard why, and where to turn", "已说明理由及其他去处")
    told = state.details
    if case.ended and told.get("rejected") is True and told.get("recourse_told") is not True:
        return no("They did not accept, and heard of no other way", "投诉人不接受，且未告知其他途径")
    if case.ended or state.agreed:
        return beside("They accepted, or it ended otherwise", "投诉人已接受，或以其他方式终结")
    return OPEN


def satisfaction(case: Case) -> Verdict:
    """The customer was asked how content they are."""
    state = case.state
    survey = rounds(state).get(state.cycle)
    if survey is not None and not survey.asked:
        return beside("They were not to be asked", "按规定无需征询")
    if state.cycle in state.scores:
        if state.scores[state.cycle] is None:
            return yes("Asked; there was no answer", "已征询，未获答复")
        return yes("Asked and answered", "已征询并获答复")
    if state.outcome not in ASKED:
        return beside("Nobody is asked after such an end", "此类终结无需征询")
    if state.erased is not None:
        return ERASED
    return case.until(OPEN, (), no("They were not asked", "未征询满意度"))
