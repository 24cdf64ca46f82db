"""Lines of the ledger and papers, made from records in hand."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.clocks import clocks
from services.intake.domain.facts import pack_of
from services.intake.domain.ledger import Filters, cells, entry, matches, query, shows
from services.intake.domain.papers import filled, forms
from services.intake.domain.roles import Actor
from services.intake.domain.views import view
from shared.events import DeadlineCancelled, DeadlineSet
from shared.policy import in_use, load
from shared.problems import Conflict, NotFound
from tests.kit.complaint import START
from tests.kit.intake import OTHER, PARTNER, STAFF, Record, at_dispatched, at_proposed

ID = UUID(int=5)


def deadline(kind: type[Any], **more: Any) -> Any:
    return kind(cycle=1, clock="accept", due=START, **more)


def test_a_line_says_where_it_stands_and_whether_it_is_late() -> None:
    record = at_dispatched().hear(deadline(DeadlineSet, started=START))
    late = entry(ID, record.state, STAFF, START.replace(year=2030))
    assert (late.stage, late.lead, late.overdue, late.due) == ("dispatched", "quality", True, START)
    assert not entry(ID, record.state, STAFF, START).overdue
    record.hear(deadline(DeadlineCancelled))
    assert entry(ID, record.state, STAFF, START.replace(year=2030)).due is None


@pytest.mark.parametrize(
    ("given", "takes"),
    [
        ({"stage": "proposed"}, True), ({"stage": "offered"}, False), ({"open": True}, True),
        ({"open": False}, False), ({"class": "product_quality"}, True),
        ({"due_before": "2200-01-01T00:00:00Z"}, False),
        ({"department": "quality"}, True), ({"department": "sales"}, False), ({"overdue": False}, True),
        ({"overdue": True}, False), ({"registered_from": "2026-09-19T00:00:00Z"}, False),
        ({"registered_to": "2026-09-19T00:00:00Z"}, True), ({"handler": "Li"}, False),
        ({"channel": "email"}, True),
    ],
)  # fmt: skip
def test_a_board_shows_what_the_list_lists(given: dict[str, Any], takes: bool) -> None:
    state = at_proposed().state
    assert shows(Filters.model_validate(given), state, STAFF, START) is takes


@pytest.mark.parametrize(
    ("since", "until", "takes"),
    [(0, None, True), (1, None, False), (None, 0, False), (None, 1, True), (-1, 1, True), (-2, -1, False)],
)
def test_a_board_shows_what_falls_due_between(since: int | None, until: int | None, takes: bool) -> None:
    state = at_dispatched().hear(deadline(DeadlineSet, started=START)).state
    hours = {"due_from": since, "due_before": until}
    given = {name: START + timedelta(hours=each) for name, each in hours.items() if each is not None}
    assert shows(Filters.model_validate(given), state, STAFF, START) is takes


def test_the_clocks_of_a_complaint_are_shown_to_staff_while_it_is_open() -> None:
    record = at_dispatched().hear(deadline(DeadlineSet, started=START))
    assert [(each.clock, each.due) for each in clocks(record.state, STAFF)] == [("accept", START)]
    assert clocks(record.state, PARTNER) == []
    record.hear(deadline(DeadlineCancelled))
    assert clocks(record.state, STAFF) == []


def test_partners_lists_hold_their_own() -> None:
    assert query(Filters(), PARTNER, START)["caller"] == PARTNER.name
    assert not shows(Filters(), at_proposed(by="another").state, PARTNER, START)


def test_words_are_found_wherever_this_reader_may_look() -> None:
    state = at_dispatched().revise(respondents=[OTHER.name]).state
    words = {"statement": "It LEAKS badly", "complainant": '{"name":"Ann"}'}
    assert matches("leaks ann", state, words, STAFF)
    assert not matches("leaks bob", state, words, STAFF)


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    line = entry(ID, at_dispatched().state, STAFF, START).model_copy(update={"product": text})
    assert not any(
        isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells(line)
    )


def test_whoever_it_is_about_does_not_learn_who_wrote_it_down() -> None:
    record = Record(by="front-end", recorder="Rita").graded().dispatched().revise(respondents=[OTHER.name])
    shown = view(record.state, record.state.personal, OTHER)
    assert "Rita" not in str(shown)
    assert "Rita" in str(view(record.state, record.state.personal, STAFF))


# papers


@pytest.mark.parametrize("pack", sorted({pack for pack, _, trouble in in_use() if not trouble}))
def test_every_paper_of_every_pack_is_ready_at_some_stage(pack: str) -> None:
    stages = {paper.stage for paper in load(pack, 1).papers.values()}
    assert stages <= {"received", "acknowledged", "screened", "accepted", "investigated", "agreed", "audited",
                      "answered", "closed"}  # fmt: skip


def test_a_paper_waits_for_its_stage_and_holds_what_it_names() -> None:
    record = at_dispatched("cn-field-24-48-5", product={"name": "pump"})
    assert {each.paper: each.ready for each in forms(record.state, "en")}["review_input"] is False
    with pytest.raises(Conflict, match="stage 'closed'"):
        filled(record.state, "review_input", {}, STAFF, "en")
    texts = record.state.personal
    made = filled(record.state, "complaint_notice", texts, STAFF, "zh-CN")
    values = {each.name: each.value for each in made.fields}
    assert (values["name"], values["product"], values["description"]) == ("Ann", "pump", "It leaks.")
    assert {each.title for each in made.fields} >= {"客户姓名", "产品"}
    with pytest.raises(NotFound, match="complaint_notice"):
        filled(record.state, "love_letter", texts, STAFF, "en")


def test_a_paper_leaves_out_what_its_reader_may_not_see() -> None:
    record = Record("cn-petition", channel="letter").graded().do("screen").dispatched()
    record.revise(respondents=["other"])
    pack = pack_of(record.state)
    assert {"name", "contact"} <= {field for rule in pack.visibility for field in rule.fields}
    respondent = Actor("other", STAFF.roles)
    made = filled(record.state, "complaint_record", record.state.personal, respondent, "en")
    assert {"name", "contact"}.isdisjoint(each.name for each in made.fields)
