"""What customers see: every stage in words, the promise kept honestly, and nothing of how the house works."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import receipt_words
from services.intake.domain.complaint import Complaint, Due
from services.intake.domain.facts import pack_of
from services.intake.domain.receipt_words import ENDINGS, NAMES, STAGES, Public, spoken
from services.intake.domain.receipts import Progress, opens, plain_number, progress, secret_of
from services.intake.domain.stages import ENDED, Stage
from shared.events import Language, Outcome
from shared.policy import load_calendar
from tests.intake.test_receipt_ways import walked
from tests.kit.complaint import START
from tests.kit.intake import Record, at_dispatched, at_proposed

HOUR = timedelta(hours=1)
KEY = b"k" * 64
SEEN = {
    "number", "received_at", "stage", "since", "cycle", "erased", "waits_for", "outcome", "deadlines", "pack",
    "pack_version",
}  # fmt: skip
"""Fields of the record that what customers see is made of; and the language."""


def at_stage(stage: Stage, **changes: Any) -> Complaint:
    return Record().state.model_copy(update={"stage": stage, "closed_at": START} | changes)


# words


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_stage_and_every_ending_has_words_in_every_language(stage: Stage, outcome: Outcome) -> None:
    for state in (
        at_stage(stage, outcome=outcome),
        at_stage(stage, outcome=outcome, cycle=2),
        at_stage(stage, outcome=outcome, erased=START),
        at_stage(stage, outcome=outcome, waits_for="customer"),
    ):
        found = progress(state, [], START)
        assert found.stage.keys() == found.next.keys() == set(get_args(Language))
        for text in (found.stage, found.next, *(each.words for each in (*found.history, *found.ahead))):
            assert text["en"].isascii()
            assert len(text["en"]) > 5
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text["zh-CN"])
        assert found.outcome == (outcome if stage in ENDED else None)


def test_the_tables_are_complete_and_hold_nothing_else() -> None:
    assert STAGES.keys() == set(Stage) - ENDED
    assert ENDINGS.keys() == {*get_args(Outcome)}
    assert NAMES.keys() == {*get_args(Public)}


def test_the_words_are_none_of_the_house() -> None:
    house = ("grade", "department", "approv", "audit", "disown", "escalat", "dispatch", "triage", "liab")
    said = [text for name, text in vars(receipt_words).items() if name != "__doc__"]
    for word in (*house, "等级", "部门", "审批", "审核", "分派", "上报", "责任人"):
        told = [each for each in _strings(said) if word in each.casefold()]
        assert not told, told


def _strings(found: Any) -> Iterable[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        yield from _strings(list(found.values()))
    elif isinstance(found, list | tuple):
        for each in found:
            yield from _strings(each)


# the promise


def running(**due: int) -> dict[str, Due]:
    """Clocks of the first round by their names, due in so many hours."""
    return {f"1:{name}:": Due(sequence=1, due=START + hours * HOUR) for name, hours in due.items()}


def promise(state: Complaint, hours: int = 0) -> Progress:
    return progress(state, [], START + hours * HOUR)


def test_only_clocks_that_end_with_an_answer_are_a_promise() -> None:
    state = at_dispatched().state.model_copy(
        update={"deadlines": running(accept=2, propose=24, resolve=240, gone=1) | {"2:resolve:": Due(
            sequence=1, due=START + HOUR
        )}}
    )  # fmt: skip
    found = promise(state)
    assert found.by == START + 240 * HOUR
    assert found.promise is not None
    assert (found.promise["en"], found.promise["zh-CN"]) == (
        "We promised you an answer by 28 September 2026, 17:59.",
        "我们承诺在 2026年9月28日 17:59 前答复您。",
    )
    assert not found.late
    late = promise(state, 241)
    assert late.late
    assert "sorry" in (late.promise or {})["en"]
    for stage in (Stage.FED_BACK, Stage.SURVEYED, Stage.CLOSED):
        told = promise(state.model_copy(update={"stage": stage}), 241)
        assert (told.by, told.promise, told.late) == (None, None, False)


def test_what_stands_still_is_said_to() -> None:
    at_work = at_dispatched()
    assert (promise(at_work.state).promise or {})["en"] == "No date is set for our answer yet."
    at_work.do("pause")
    state = at_work.state.model_copy(update={"deadlines": {"1:resolve:": Due(sequence=2, due=None)}})
    found = promise(state)
    assert found.waits_for_you
    assert "stands still" in (found.promise or {})["en"]


def test_midnight_is_the_end_of_the_day_before() -> None:
    zone = load_calendar("cn-mainland").zone
    assert spoken(datetime(2026, 3, 1, tzinfo=zone)) == ("the end of 28 February 2026", "2026年2月28日 24:00")


# nothing else


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_internal_makes_no_difference(data: st.DataObject) -> None:
    """Two complaints that are alike in what customers see are told alike, whatever else the record holds."""
    one, other = walked(data, 15), walked(data, 15)
    alike = {name: getattr(one.state, name) for name in SEEN}
    alike["given"] = other.state.given.model_copy(update={"language": one.state.given.language})
    mixed = other.state.model_copy(update=alike)
    bare = [each | {"data": {}} for each in one.journal]
    assert progress(mixed, bare, one.now) == one.seen()


def test_no_name_no_grade_no_cause_no_cost_is_told() -> None:
    record = at_proposed(
        complainant={"name": "Wilhelmina", "email": "w@weir.example"}, description="Samovar sings."
    )
    record.do("assign", handler="Handler-Li")
    record.do("reject", reason="Rejected-by-boss").do(
        "propose", measure="Measure-X", owner="Owner-Wang", cost={"value": "4321.50", "currency": "CNY"}
    )
    record.do("relate", to=str(UUID(int=77))).do("offer")
    pack = pack_of(record.state)
    titled = [
        *(each.title for each in pack.grades.values()),
        *(each.title for each in pack.departments.values()),
        *(each.title for each in pack.clocks.values()),
    ]
    secrets = [
        "Wilhelmina", "weir", "amovar", "Handler-Li", "Rejected", "Measure-X", "Owner-Wang", "4321",
        str(UUID(int=77)), "minor", "material", "desk", "shop", "quality",
        *(title for titles in titled for title in titles.values() if title not in ("其他", "一般")),
    ]  # fmt: skip
    told = progress(record.state, [], START).model_dump_json()
    assert [each for each in secrets if each in told] == []


# the secret


def test_the_secret_opens_its_own_receipt_however_it_is_typed() -> None:
    secret = secret_of("RC-TESTTESTAA", KEY)
    assert len(secret) * 5 >= 128
    grouped = "-".join(secret[start : start + 5] for start in range(0, len(secret), 5))
    for typed in (
        secret,
        secret.lower(),
        grouped,
        f" {grouped} ",
        secret.replace("O", "0").replace("B", "8"),
    ):
        assert opens(typed, "RC-TESTTESTAA", KEY)
    assert plain_number(" rc-testtestaa ") == "RC-TESTTESTAA"


@given(st.text(max_size=40))
def test_nothing_else_opens_it(guess: str) -> None:
    assert not opens(guess, "RC-TESTTESTAA", KEY)


def test_a_secret_is_of_one_number_and_one_house() -> None:
    secret = secret_of("RC-TESTTESTAA", KEY)
    assert not opens(secret, "RC-TESTTESTAB", KEY)
    assert not opens(secret, "RC-TESTTESTAA", b"l" * 64)
    assert not opens(secret[:-1], "RC-TESTTESTAA", KEY)
