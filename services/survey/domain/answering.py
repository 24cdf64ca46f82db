"""Answering: what the customer says, whether it fits the pack's questions, and that the first word counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from services.survey.domain.questionnaire import Asked
from services.survey.domain.record import Kept, Survey, Surveys
from shared.envelope import Cause
from shared.events import Fact, Key, SurveyAnswered, SurveyDeclined
from shared.policy import Question, SurveyRule
from shared.problems import Conflict, Fault, Forbidden, Invalid, NotFound

LONGEST = 2_000
INTERVIEWERS = ("recorder", "service_manager", "supervisors")
"""The roles that ask customers on the phone: the desk, and who oversees it."""
READERS = INTERVIEWERS
"""The roles that read what customers wrote."""
STAFF = "staff:"
Why = Literal[
    "score", "comment", "consent", "required", "number", "option", "yes_no", "long", "unknown", "both"
]
WORDS: Mapping[Why, str] = {
    "score": "give a score from 0 to 10, or say that it is declined",
    "comment": "with a score this low, say why",
    "consent": "an answer counts only with the customer's consent",
    "required": "this question wants an answer",
    "number": "give a whole number from 0 to 10",
    "option": "give one of the options",
    "yes_no": "give true or false",
    "long": f"give at most {LONGEST} characters",
    "unknown": "the survey has no such question",
    "both": "whoever declines gives no score",
}


class Reply(BaseModel):
    """What the customer says: a score from 0 (not content at all) to 10 and more, or that they decline."""

    model_config = ConfigDict(extra="forbid")

    score: Annotated[StrictInt, Field(ge=0, le=10)] | None = Field(None, description=WORDS["score"])
    comment: StrictStr = Field("", json_schema_extra={"maxLength": LONGEST})
    answers: dict[Key, StrictBool | StrictInt | StrictStr] = Field(
        {}, max_length=30, description="To the pack's own questions, by name"
    )
    consent: StrictBool = False
    declined: StrictBool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is amiss with one field: `score`, `comment`, `consent`, `declined` or `answers/<question>`."""

    field: str
    why: Why


@dataclass(frozen=True, slots=True)
class Interviewer:
    """Whoever asks a customer on the phone."""

    name: str
    departments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Interview:
    """What a customer said on the phone; of the open survey, if no cycle is given."""

    reply: Reply
    by: Interviewer
    cycle: int | None = None


def from_form(fields: Mapping[str, str], rule: SurveyRule) -> Reply:
    """The reply of a filled form; what cannot be read of it is missing, or stays a text."""
    if "decline" in fields:
        return Reply(declined=True)
    named = {name: fields.get(f"answers/{name}", "").strip() for name in rule.questions}
    return Reply(
        score=_tenth(fields.get("score", "")),
        comment=_words(fields.get("comment", "")),
        answers={name: _typed(rule.questions[name], text) for name, text in named.items() if text},
        consent="consent" in fields,
    )


def _tenth(text: str) -> int | None:
    return next((number for number in range(11) if str(number) == text.strip()), None)


def _words(text: str) -> str:
    """Browsers write the end of a line as two characters, but count it as one."""
    return text.replace("\r\n", "\n").strip()


def _typed(question: Question, text: str) -> bool | int | str:
    if question.type == "yes_no" and text in ("yes", "no"):
        return text == "yes"
    number = _tenth(text) if question.type == "score" else None
    return _words(text) if number is None else number


def wrong(reply: Reply, rule: SurveyRule) -> list[Wrong]:
    """Everything that keeps a reply from counting, in the order of the page."""
    if reply.declined:
        return [Wrong("declined", "both")] if reply.score is not None else []
    return list(_wrong(reply, rule))


def _wrong(reply: Reply, rule: SurveyRule) -> Iterator[Wrong]:
    comment = reply.comment.strip()
    if reply.score is None:
        yield Wrong("score", "score")
    for name, question in rule.questions.items():
        said = reply.answers.get(name, "")
        why = ("required" if question.required else None) if _is_blank(said) else _unfit(question, said)
        if why is not None:
            yield Wrong(f"answers/{name}", why)
    if reply.score is not None and reply.score < rule.comment_below and not comment:
        yield Wrong("comment", "comment")
    if len(comment) > LONGEST:
        yield Wrong("comment", "long")
    if rule.consent and not reply.consent:
        yield Wrong("consent", "consent")
    yield from (Wrong(f"answers/{name}", "unknown") for name in reply.answers if name not in rule.questions)


def _is_blank(said: bool | int | str) -> bool:
    return isinstance(said, str) and not said.strip()


def _unfit(question: Question, said: bool | int | str) -> Why | None:
    """Why this cannot be the answer to a question."""
    match question.type:
        case "score" if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= 10:
            return "number"
        case "choice" if not isinstance(said, str) or said not in question.options:
            return "option"
        case "yes_no" if not isinstance(said, bool):
            return "yes_no"
        case "text" if not isinstance(said, str):
            return "required"
        case "text" if len(str(said)) > LONGEST:
            return "long"
    return None


def faults(found: list[Wrong]) -> list[Fault]:
    """The same for programs."""
    return [Fault(detail=WORDS[each.why], pointer=f"#/{each.field}") for each in found]


def answer(state: Surveys | None, cause: Cause[tuple[UUID, Reply]]) -> Asked:
    """What the customer says behind their link.

    Raises NotFound; Conflict if it was answered, has expired or is closed; Invalid for what does not fit.
    """
    id, reply = cause.data
    survey = state.with_id(id) if state else None
    if state is None or survey is None:
        raise NotFound("There is no such survey")
    return _recorded(state, survey, cause, reply, None)


def answer_if_open(state: Surveys | None, cause: Cause[tuple[UUID, Reply]]) -> Asked:
    """The same, but what is over changes nothing: of two who answer at once, the second finds it so."""
    survey = state.with_id(cause.data[0]) if state else None
    if state is not None and survey is not None and not survey.is_open(cause.time):
        return state, []
    return answer(state, cause)


def interview(state: Surveys | None, cause: Cause[Interview]) -> Asked:
    """What a customer said on the phone. Raises Forbidden for those whose work it is about, and as above."""
    said = cause.data
    if state is None:
        raise NotFound("No surveys are known for this complaint id")
    survey = next((each for each in state.surveys if _is_meant(each, said.cycle)), None)
    if survey is None and said.cycle is None:
        raise Conflict("No survey of this complaint is open")
    if survey is None:
        raise NotFound("There is no survey of this cycle")
    check_no_self_rating(state, survey.cycle, said.by)
    return _recorded(state, survey, cause, said.reply, said.by.name)


def _is_meant(survey: Survey, cycle: int | None) -> bool:
    return survey.state == "open" if cycle is None else survey.cycle == cycle


def check_no_self_rating(state: Surveys, cycle: int, by: Interviewer) -> None:
    """Raises Forbidden for those whose work it is about."""
    if (whose := rated(state, cycle, by)) is not None:
        raise Forbidden(f"Nobody asks how content a customer is with {whose}")


def rated(state: Surveys, cycle: int, by: Interviewer) -> str | None:
    """Whose work is rated, for those who handled the complaint, or whom it is about, or whose department
    answers for it; None for anybody else."""
    handled = {name for number, names in state.handlers.items() if number <= cycle for name in names}
    if by.name.removeprefix(STAFF) in {name.removeprefix(STAFF) for name in handled}:
        return "their own work"
    routed = state.dispatched.get(cycle)
    if routed and by.departments & {routed.lead, *routed.departments}:
        return "the work of their own department"
    return None


def _recorded(
    state: Surveys, survey: Survey, cause: Cause[object], reply: Reply, interviewer: str | None
) -> Asked:
    if not survey.is_open(cause.time):
        told = {"answered": "answered already", "declined": "declined already"}
        raise Conflict(f"This survey is {told.get(survey.state, 'no longer open')}")
    if found := wrong(reply, state.rule):
        raise Invalid("The answer does not fit the survey", faults(found))
    ended = {"ended": cause.time, "interviewer": interviewer}
    if reply.declined:
        declined = survey.model_copy(update=ended | {"state": "declined"})
        return state.replaced(declined), [SurveyDeclined(cycle=survey.cycle)]
    kept = _kept(reply, state.rule)
    after = survey.model_copy(update=ended | {"state": "answered", "answer": kept})
    return state.replaced(after), [_answered(survey.cycle, kept, interviewer)]


def _kept(reply: Reply, rule: SurveyRule) -> Kept:
    assert reply.score is not None
    given = {name: said for name, said in reply.answers.items() if not _is_blank(said)}
    words = {name: str(said).strip() for name, said in given.items() if rule.questions[name].type == "text"}
    return Kept(
        score=reply.score,
        comment=reply.comment.strip(),
        answers={name: said for name, said in given.items() if name not in words},
        texts=words,
        consent=reply.consent,
    )


def _answered(cycle: int, kept: Kept, interviewer: str | None) -> Fact:
    by: Literal["customer", "interviewer"] = "interviewer" if interviewer is not None else "customer"
    return SurveyAnswered(cycle=cycle, score=kept.score, answers=kept.answers, by=by)
