"""What may be said: the pack's own questions, by whom they want an answer, and what is told of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.survey.domain.answering import Reply, answer, from_form, wrong
from services.survey.domain.form import ids
from services.survey.domain.record import Surveys
from services.survey.domain.wording import mend
from shared.events import ComplaintFedBack
from shared.problems import Invalid
from tests.kit.complaint import COMPLAINT, registered
from tests.survey.kit import cause, heard, piloted, told

QUESTIONS: dict[str, Any] = {
    "speed": {"title": {"zh-CN": "速度", "en": "Speed"}, "type": "score"},
    "settled": {"title": {"zh-CN": "解决", "en": "Settled"}, "type": "yes_no", "required": True},
    "way": {
        "title": {"zh-CN": "方式", "en": "Way"},
        "type": "choice",
        "options": {"repair": {"zh-CN": "修", "en": "Repair"}, "refund": {"zh-CN": "退", "en": "Refund"}},
    },
    "wish": {"title": {"zh-CN": "愿望", "en": "Wish"}, "type": "text"},
}
RULE: dict[str, Any] = {"questions": QUESTIONS, "comment_below": 6, "consent": True}
GOOD: dict[str, Any] = {"score": 7, "answers": {"settled": True}, "consent": True}
BAD = [
    ({"score": None}, "#/score"),
    ({"score": 5}, "#/comment"),
    ({"score": 5, "comment": "  \n "}, "#/comment"),
    ({"comment": "x" * 2_001}, "#/comment"),
    ({"consent": False}, "#/consent"),
    ({"answers": {}}, "#/answers/settled"),
    ({"answers": {"settled": "yes"}}, "#/answers/settled"),
    ({"answers": {"settled": True, "speed": 11}}, "#/answers/speed"),
    ({"answers": {"settled": True, "speed": True}}, "#/answers/speed"),
    ({"answers": {"settled": True, "way": "theft"}}, "#/answers/way"),
    ({"answers": {"settled": True, "wish": 3}}, "#/answers/wish"),
    ({"answers": {"settled": True, "wish": "x" * 2_001}}, "#/answers/wish"),
    ({"answers": {"settled": True, "colour": "red"}}, "#/answers/colour"),
    ({"declined": True}, "#/declined"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
def test_what_does_not_fit_the_packs_questions_is_refused(change: dict[str, Any], pointer: str) -> None:
    with piloted(**RULE) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        with pytest.raises(Invalid) as refused:
            answer(state, cause((state.surveys[0].id, Reply.model_validate(GOOD | change))))
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_an_answer_tells_all_but_the_words() -> None:
    said = {"settled": False, "speed": 0, "way": "refund", "wish": " A shorter queue. "}
    with piloted(**RULE) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        reply = Reply(score=5, comment=" It took weeks. ", answers=said, consent=True)
        state, facts = answer(state, cause((state.surveys[0].id, reply)))
    kept = state.surveys[0].answer
    assert kept is not None
    assert (kept.comment, kept.texts, kept.consent) == ("It took weeks.", {"wish": "A shorter queue."}, True)
    told = facts[0].model_dump()
    assert told["answers"] == {"settled": False, "speed": 0, "way": "refund"}
    assert told["answers"]["settled"] is False
    stored = state.model_dump_json(context=COMPLAINT)
    assert "queue" not in stored
    assert "weeks" not in stored
    assert Surveys.model_validate_json(stored, context=COMPLAINT) == state


FORM = st.dictionaries(
    st.sampled_from(
        ["score", "comment", "consent", "decline", *(f"answers/{name}" for name in QUESTIONS), "more"]
    ),
    st.sampled_from(["", "0", "5", "10", "11", "-1", "٣", "yes", "no", "repair", " ", "x" * 2_001])
    | st.text(),
)


@given(FORM)
def test_whatever_a_form_says_it_counts_or_is_told_why_not(fields: dict[str, str]) -> None:
    with piloted(**RULE) as pack:
        state, _ = heard(None, registered(**pack), ComplaintFedBack(cycle=1))
        rule = state.rule
        reply = from_form(fields, rule)
        amiss = wrong(reply, rule)
        known = ids(rule)
        assert all(each.field in known and mend(each.why, "zh-TW") for each in amiss)
        said = cause((state.surveys[0].id, reply))
        if amiss:
            with pytest.raises(Invalid):
                answer(state, said)
        else:
            after, facts = answer(state, said)
            assert told(facts) == ["survey.declined.v1" if reply.declined else "survey.answered.v1"]
            assert after.surveys[0].state in ("answered", "declined")
