"""Replaying: at any point of any way a complaint made of its journal is the one that went that way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.complaint import Complaint
from services.intake.domain.ending import absorb
from services.intake.domain.facts import pack_of
from services.intake.domain.handling import AddEvidence, allowed
from services.intake.domain.person import Erasure, erase
from services.intake.domain.replaying import as_of, kept, replay
from services.intake.domain.stages import SIDE_WAYS
from services.intake.domain.steps import Communicate, WriteNote
from shared.documents import Change, Draft
from shared.envelope import Cause
from shared.events import (
    ComplaintMigrated,
    DeadlineMet,
    DeadlineSet,
    Fact,
    NoticeSent,
    SurveyDeclined,
    SurveyExpired,
    SurveyOpened,
    SurveySkipped,
)
from shared.problems import Conflict, Forbidden, Invalid, NotFound
from tests.intake import test_ways
from tests.intake.test_stages import EVENTS, PACKS, PEOPLE, REQUIRED, form, heard
from tests.intake.test_ways import USABLE
from tests.kit.complaint import COMPLAINT, START
from tests.kit.intake import Record, cause, evidence

NOT_KEPT = {"requests"}
"""Which requests were answered under which keys: no journal needs that."""
BESIDE = ("note", "letter", "file", "facts", "private", "people", "absorbed", "acknowledged", "clock set",
          "clock met", "migrated", "unanswered", "asked", "declined", "not asked", "erased", "gravest",
          "looked into")  # fmt: skip


SURVEYS: dict[str, Fact] = {
    "asked": SurveyOpened(cycle=1, expires=START),
    "declined": SurveyDeclined(cycle=1),
    "not asked": SurveySkipped(cycle=2, reason="not_sampled"),
}
WAYS = (
    test_ways.test_a_complaint_is_solved,
    test_ways.test_there_is_no_agreement,
    test_ways.test_it_is_not_ours,
    test_ways.test_it_is_withdrawn_at_once_and_begun_anew,
)


SOUGHT: dict[str, Any] = {"details": {"remedy_sought": "a new one"}}


class Journalled(Record):
    """A record with its journal; something happens every seventh minute."""

    def decide(self, change: Change[Complaint, Any], state: Complaint | None, cause: Cause[Any]) -> Complaint:
        if state is None:
            self.draft: Draft[Complaint] = Draft(COMPLAINT)
            self.minutes = 0
        self.minutes += 7
        at = START + timedelta(minutes=self.minutes)
        by = cause.data.owner if isinstance(cause.data, Fact) else cause.by
        type = cause.data.type if isinstance(cause.data, Fact) else ""
        self.draft.decide(change, replace(cause, time=at, by=by, type=type), "intake", journal=kept)
        assert self.draft.state is not None
        return self.draft.state

    @property
    def journal(self) -> Sequence[Mapping[str, Any]]:
        return self.draft.journal


def plain(state: Complaint) -> dict[str, Any]:
    return state.model_dump(mode="json", exclude=NOT_KEPT)


def again(record: Journalled) -> dict[str, Any]:
    return plain(replay(record.state, COMPLAINT, record.journal))


def beside(record: Journalled, what: str) -> None:
    """Something that is no step."""
    cycle, due = record.state.cycle, START + timedelta(days=3)
    match what:
        case "note":
            record.ask(WriteNote(text="called twice"))
        case "letter":
            record.ask(Communicate(text="sent", direction="in", channel="letter", at=START))
        case "file":
            record.ask(AddEvidence(evidence(), {}))
        case "facts":
            record.revise(facts={"injured": record.minutes}, verified=True)
        case "private":
            stays = [name for name, fact in pack_of(record.state).facts.items() if fact.stays]
            record.revise(details=dict.fromkeys(stays[:1], "said"))
        case "people":
            record.revise(respondents=[f"clerk {record.minutes}"])
        case "absorbed":
            record.state = record.decide(absorb, record.state, cause(uuid4()))
        case "acknowledged":
            record.hear(NoticeSent(notice="n", kind="acknowledgement", channel="email", cycle=cycle))
        case "clock set":
            record.hear(DeadlineSet(cycle=cycle, clock="accept", due=due, started=START))
        case "clock met":
            record.hear(DeadlineMet(cycle=cycle, clock="accept", due=due, stopped=START))
        case "migrated":
            pack = record.state.pack
            record.hear(ComplaintMigrated(migration=record.heard, pack=pack, pack_version=1, from_version=1))
        case "unanswered":
            record.hear(SurveyExpired(cycle=cycle))
        case "asked" | "declined" | "not asked":
            record.hear(SURVEYS[what])
        case "gravest":
            record.graded(next(iter(pack_of(record.state).scheme.grades)))
        case "looked into":
            record.do("investigate", cause=None)
        case "erased":
            record.state = record.decide(erase, record.state, cause(Erasure(why="requested")))


@settings(max_examples=1_000, deadline=None)
@given(st.sampled_from([*PACKS, "iso-10002"]), st.data())
def test_at_any_point_of_any_way_the_journal_gives_the_complaint(pack: str, data: st.DataObject) -> None:
    record = Journalled(pack, **(SOUGHT if pack == "iso-10002" else REQUIRED.get(pack, {})))
    assert again(record) == plain(record.state)
    for _ in range(data.draw(st.integers(1, 30))):
        ahead = forward(record)
        move = data.draw(st.sampled_from([*ahead * (60 // len(ahead)), *allowed(record.state), *OTHERS]))
        try:
            if move in EVENTS:
                heard(record, move)
            elif move in BESIDE:
                beside(record, move)
            else:
                record.do(move, data.draw(st.sampled_from(PEOPLE)), **form(record, move))
        except (Conflict, Forbidden, Invalid):
            continue
        assert again(record) == plain(record.state)


OTHERS = (*EVENTS, *BESIDE)
NEWS: Mapping[str, tuple[str, ...]] = {
    "registered": ("graded",), "reopened": ("graded",), "screened": ("graded",), "graded": ("dispatched",),
    "answered": ("told",), "fed_back": ("scored low", "scored high"),
}  # fmt: skip


def forward(record: Record) -> list[str]:
    """What leads on; drawn at random alone, hardly any way gets far before it is withdrawn."""
    steps = [step for step in allowed(record.state) if step not in {*SIDE_WAYS, "archive"}]
    return [*steps, *NEWS.get(record.stage, ())] or ["note"]


class Checked(Journalled):
    """One that is compared with its journal at every point."""

    def decide(self, change: Change[Complaint, Any], state: Complaint | None, cause: Cause[Any]) -> Complaint:
        after = super().decide(change, state, cause)
        assert plain(replay(after, COMPLAINT, self.journal)) == plain(after)
        return after


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("pack", USABLE)
def test_on_every_way_to_the_end_of_every_regulation(
    way: Callable[[str], None], pack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_ways, "Record", Checked)
    way(pack)


def journal_of(record: Journalled) -> list[dict[str, Any]]:
    """The journal as if everything had been noted at the moment when it was."""
    return [{**entry, "noted": entry["time"]} for entry in record.journal]


def test_it_is_shown_as_it_stood() -> None:
    record = Journalled()
    record.ask(WriteNote(text="called twice")).graded().dispatched().do("assign", handler="Li")
    record.do("accept").do("assign", handler="Wang").revise(respondents=["Zhao"])
    instants = sorted({entry["time"] for entry in record.journal})
    journal = journal_of(record)
    stood = [as_of(record.state, COMPLAINT, journal, at, at) for at in instants]
    assert [each.stage.value for each in stood] == ["registered"] * 2 + ["graded"] + ["dispatched"] * 2 + [
        "accepted"
    ] * 3
    assert [each.handler for each in stood] == [None] * 4 + ["Li"] * 2 + ["Wang"] * 2
    assert [len(each.notes) for each in stood] == [0] + [1] * 7
    assert [each.respondents for each in stood] == [[]] * 7 + [["Zhao"]]
    assert [each.edition for each in stood] == list(range(1, 9))
    assert len(stood[0].personal) < len(stood[1].personal)


def test_what_came_late_was_not_known_before_it_came() -> None:
    record = Journalled()
    record.graded().dispatched()
    journal = journal_of(record)
    late = journal[-1]["noted"] + timedelta(hours=2)
    journal[-1]["noted"] = late
    before = as_of(record.state, COMPLAINT, journal, late - timedelta(minutes=1), late)
    assert before.stage == "graded"
    after = as_of(record.state, COMPLAINT, journal, late, late)
    assert (after.stage, after.since) == ("dispatched", journal[-1]["time"])


def test_whoever_was_erased_is_not_shown_as_they_were() -> None:
    record = Journalled()
    record.graded()
    beside(record, "erased")
    journal = journal_of(record)
    before = as_of(
        record.state, COMPLAINT, journal, journal[0]["time"], record.state.since + timedelta(days=1)
    )
    assert (before.stage, before.personal) == ("registered", {})
    assert before.erased == record.state.erased is not None


def test_a_private_detail_that_was_written_anew_is_not_passed_off_as_the_old_one() -> None:
    record, name = Journalled("iso-10002", **SOUGHT), "remedy_sought"
    record.revise(details={name: "first"}).ask(WriteNote(text="n")).revise(details={name: "second"})
    journal = journal_of(record)
    times = sorted({entry["time"] for entry in journal})
    stood = [as_of(record.state, COMPLAINT, journal, at, times[-1]) for at in times]
    assert [f"details/{name}" in each.personal for each in stood] == [False, False, False, True]
    assert [each.withheld for each in stood] == [[name]] * 4


def test_before_it_was_there_and_in_the_future_there_is_nothing_to_show() -> None:
    record = Journalled()
    at = record.state.registered_at
    with pytest.raises(NotFound, match="registered at"):
        as_of(record.state, COMPLAINT, record.journal, at - timedelta(milliseconds=1), at)
    with pytest.raises(Invalid) as refused:
        as_of(record.state, COMPLAINT, record.journal, at + timedelta(milliseconds=1), at)
    assert refused.value.errors[0].pointer == "#/as_of"
    assert as_of(record.state, COMPLAINT, record.journal, at, at) == record.state
