"""The steps that a customer sees begin: what a random life shows is what somebody who always looks sees."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.complaint import Complaint
from services.intake.domain.handling import allowed
from services.intake.domain.receipts import Progress, progress, words
from services.intake.domain.stages import Stage
from shared.events import Fact
from shared.problems import Conflict, Forbidden, Invalid
from tests.intake.test_stages import EVENTS, form, heard
from tests.kit.complaint import START
from tests.kit.intake import OTHER, STAFF, Record

HOUR = timedelta(hours=1)
USUAL = ["received", "examining", "solving", "offered", "carrying_out", "answered", "closed"]


class Life(Record):
    """A record with its journal, an hour between two events; `saw` are the steps as they followed."""

    def __init__(self, pack: str = "base", **changes: Any) -> None:
        super().__init__(pack, **changes)
        self.lived: list[Fact] = list(self.facts)
        self.saw: list[str] = [words(self.state).step]

    def _after(self, news: Iterable[Fact]) -> None:
        self.lived += news
        self.saw.append(words(self.state).step)

    def hear(self, *facts: Fact) -> "Life":
        for fact in facts:
            known = len(self.facts)
            super().hear(fact)
            self._after([fact, *self.facts[known:]])
        return self

    def ask(self, asked: Any, by: Any = STAFF, at: Any = START) -> "Life":
        known = len(self.facts)
        super().ask(asked, by, at)
        self._after(self.facts[known:])
        return self

    @property
    def journal(self) -> list[dict[str, Any]]:
        times = (START + number * HOUR for number in range(len(self.lived)))
        return [
            {"type": fact.type, "time": at, "sequence": 1, "data": fact.model_dump(mode="json")}
            for fact, at in zip(self.lived, times, strict=True)
        ]

    @property
    def now(self) -> datetime:
        return START + len(self.lived) * HOUR

    def seen(self) -> Progress:
        return progress(self.state, self.journal, self.now)


def walked(data: st.DataObject, most: int = 25) -> Life:
    """Whatever may befall a complaint; what its rules refuse has not happened."""
    life = Life(language=data.draw(st.sampled_from(["zh-CN", "en"])))
    for _ in range(data.draw(st.integers(0, most))):
        news = [event for event in EVENTS if in_order(life.state, event)]
        move = data.draw(st.sampled_from([*allowed(life.state), *news]))
        who = data.draw(st.sampled_from([STAFF, OTHER]))
        try:
            if move in EVENTS:
                heard(life, move)
            else:
                life.do(move, who, **form(life, move))
        except (Conflict, Forbidden, Invalid):
            continue
    return life


def in_order(state: Complaint, event: str) -> bool:
    """Whether another service can have said so by now: what overtakes is sorted by its time."""
    match event:
        case "graded":
            return True
        case "dispatched":
            return state.cycle in state.graded
        case "told":
            return state.stage is Stage.ANSWERED
    return state.stage is Stage.FED_BACK


def test_the_usual_way_to_its_end() -> None:
    life = Life()
    assert (life.seen().step, [each.step for each in life.seen().ahead]) == ("received", USUAL[1:])
    life.graded()
    assert life.seen().step == "received"
    life.dispatched().do("accept").do("investigate")
    life.do("propose")
    assert (life.seen().step, life.seen().waits_for_you) == ("solving", False)
    life.do("offer")
    assert (life.seen().step, life.seen().waits_for_you) == ("offered", True)
    assert [each.step for each in life.seen().ahead] == ["carrying_out", "answered", "closed"]
    life.do("agree").do("start").do("implement").do("audit").do("answer")
    assert life.seen().stage["en"] == "Our answer is on its way to you"
    life.told()
    assert life.seen().stage["en"] == "We have answered you"
    life.scored(9)
    end = life.seen()
    assert (end.step, end.outcome, end.ahead, end.promise) == ("closed", "resolved", [], None)
    assert [each.step for each in end.history] == USUAL
    dates = [each.at for each in end.history]
    assert dates == sorted(set(dates))
    assert dates[0] == life.state.received_at


def test_another_round_is_told_as_one() -> None:
    life = Life()
    life.graded().dispatched().do("withdraw")
    life.do("reopen")
    assert life.seen().step == "reopened"
    life.graded()
    assert (life.seen().step, life.seen().stage["en"]) == (
        "reopened",
        "We have taken your complaint up again",
    )
    life.dispatched()
    steps = [each.step for each in life.seen().history]
    assert steps == ["received", "examining", "closed", "reopened", "examining"]
    assert [each.step for each in life.seen().ahead] == USUAL[2:]


def test_negotiating_goes_back_and_no_agreement_goes_on() -> None:
    life = Life()
    life.graded().dispatched().do("accept").do("investigate").do("propose")
    life.do("offer").do("negotiate")
    assert [each.step for each in life.seen().history][-3:] == ["solving", "offered", "solving"]
    life.do("propose").do("offer").do("disagree")
    assert "other ways" in life.seen().next["en"]
    assert [each.step for each in life.seen().ahead] == ["answered", "closed"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_history_is_what_a_customer_who_always_looks_sees(data: st.DataObject) -> None:
    life = walked(data)
    assert [each.step for each in life.seen().history] == [step for step, _ in groupby(life.saw)]
    assert life.seen().history[-1].step == life.seen().step


def test_a_rejection_inside_is_not_told_of() -> None:
    """Rejected inside and proposed anew: the customer sees one time of preparing."""
    life = Life()
    life.graded().dispatched().do("accept").do("investigate").do("propose").do("reject").do("propose")
    assert [each.step for each in life.seen().history] == ["received", "examining", "solving"]
