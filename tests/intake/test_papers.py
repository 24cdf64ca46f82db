"""Papers: every form of every regulation is printed in words, in every language, and for its reader only."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest

from services.intake.api.papers import _printed
from services.intake.domain.complaint import Complaint
from services.intake.domain.facts import pack_of
from services.intake.domain.papers import Page, filled, heading, page, sheet, source, words
from services.intake.domain.papers.filling import ready
from services.intake.domain.papers.layout import ACTS, blocks, signatures
from services.intake.domain.papers.record import FIELDS
from services.intake.domain.papers.wording import PURPOSES
from services.intake.domain.roles import Actor
from services.intake.domain.stages import Stage
from services.intake.domain.vocabulary import CAUSES, DEMANDS, LANGUAGES
from shared.events import Demand, Language
from shared.policy import PRINTABLE, Act, traditional
from shared.policy import shelf as shelves
from shared.policy.papers import REACHED
from shared.policy.soundness import RECORD
from tests.kit.complaint import COMPLAINT, NUMBER, START
from tests.kit.intake import STAFF, at_dispatched
from tests.kit.papers import HOSTILE, PACKS, SAID, WROTE, Read, pack_for, shelved, whole

SPOKEN: tuple[Language, ...] = get_args(Language)
RAW = re.compile(
    r"[{}\[\]]|None|True|False|withheld|datetime|Decimal\(|staff:|T\d\d:\d\d:\d\d|\b[a-z]+_[a-z_]+\b"
)
"""What no sentence for people has in it."""


@pytest.fixture(autouse=True)
def on_the_shelf() -> Iterator[None]:
    """Every pack can be used; those with unbound parameters with those of their vectors."""
    before = dict(shelves._published)
    for pack in ("cn-product-general", "cn-after-sales-24h"):
        shelved(pack)
    yield
    shelves._published.clear()
    shelves._published.update(before)


def laid_out(state: Complaint, name: str, language: Language, reader: Actor = STAFF) -> Page:
    made = filled(state, name, state.personal, reader, language)
    pack = pack_of(state)
    return page(made, source(state, pack, state.personal, reader), words(pack, language), START)


def html(found: Page) -> str:
    return bytes(_printed("paper.html", found.language, page=found).body).decode()


ALL = [(pack, name) for pack in PACKS for name in pack_for(pack).papers]


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize(("pack", "name"), ALL)
def test_every_paper_of_every_pack_is_printed_in_words(pack: str, name: str, language: Language) -> None:
    state = whole(pack_for(pack))
    made = filled(state, name, state.personal, STAFF, language)
    assert made.title
    assert [each.name for each in made.fields if not each.title.strip()] == []
    assert tuple(each.name for each in made.fields) == pack_for(pack).papers[name].fields
    shown = [each.words for each in made.fields]
    said = chain.from_iterable((*each.lines, *each.headings, *chain(*each.rows)) for each in shown)
    mine = {*WROTE.values(), SAID["complainant"]["email"]}
    raw = [each for each in said if RAW.search(each) and each not in mine]
    assert raw == []
    text = Read(html(laid_out(state, name, language))).texts
    assert made.title in text
    assert [each for each in text if RAW.search(each) and each not in mine] == []


def own_words(state: Complaint) -> set[str]:
    """What people wrote of this complaint; it stays as they wrote it."""
    given = [SAID["place"], *SAID["complainant"].values(), SAID["description"], *SAID["product"].values()]
    solved = state.solution
    assert solved is not None
    return {*map(str, given), *WROTE.values(), solved.measure, str(solved.permanent), "第三车间的说明"}


@pytest.mark.parametrize(("pack", "name"), ALL)
def test_what_the_house_says_on_a_paper_for_taiwan_has_no_simplified_character(pack: str, name: str) -> None:
    state = whole(pack_for(pack))
    texts = Read(html(laid_out(state, name, "zh-TW"))).texts
    mine = own_words(state)
    assert [each for each in texts if each not in mine and traditional(each) != each] == []
    assert any(re.search("[\u4e00-\u9fff]", each) for each in texts)


def test_words_of_the_customer_stay_as_they_were_written_in_every_language() -> None:
    state = whole(pack_for("base"))
    for language in SPOKEN:
        text = Read(html(laid_out(state, "complaint_record", language))).texts
        assert SAID["description"] in text
        assert "王秀兰" in text


def test_values_stand_in_words() -> None:
    state = whole(pack_for("cn-kpi-95"))
    record = filled(state, "complaint_record", state.personal, STAFF, "zh-CN")
    found = {each.name: each.words for each in record.fields}
    assert found["channel"].lines == ("热线",)
    assert found["received_at"].lines == ("2026年9月18日 17:59",), "where the pack is at home"
    assert found["demand"].lines == ("CNY 1,299.50",)
    assert found["demand_type"].lines == ("退款",)
    assert found["contact"].lines == ("+86 138 0000 0001", "wang@example.com", "上海市黄浦区示范路 8 号")
    assert found["recorder"].lines == ("chen",)
    assert found["evidence"].rows[0][1:4] == ("底座照片.jpg", "证据", "image/jpeg")
    sheet_ = filled(state, "correction_sheet", state.personal, STAFF, "en")
    found = {each.name: each.words for each in sheet_.fields}
    assert found["cause"].lines == ("Material",)
    assert found["due"].lines == ("18 September 2026, 17:59",)
    assert found["verification"].rows == (("Passed", "li", "18 September 2026, 17:59", WROTE["audit"]),)
    report = filled(state, "feedback_report", state.personal, STAFF, "en")
    solution = next(each.words for each in report.fields if each.name == "solution")
    assert ("Cost", "CNY 1,500.00") in solution.rows
    assert ("Person responsible", "li") in solution.rows


def test_hostile_words_do_nothing() -> None:
    said = SAID | {"description": HOSTILE, "place": HOSTILE[:60], "product": {"name": HOSTILE[:60]}}
    state = whole(pack_for("base"), said)
    state = state.model_copy(update={"personal": state.personal | dict.fromkeys(WROTE, HOSTILE)})
    for name in pack_for("base").papers:
        text = html(laid_out(state, name, "en"))
        plain = Read(html(laid_out(whole(pack_for("base")), name, "en")))
        assert "<script" not in text
        assert Read(text).tags.count("table") == plain.tags.count("table")
    assert HOSTILE.strip() in Read(html(laid_out(state, "complaint_record", "en"))).texts


# what is not there


def test_what_is_not_known_yet_is_a_line_to_be_filled_in_by_hand() -> None:
    record = at_dispatched("cn-kpi-95", product={"name": "pump"})
    found = filled(record.state, "information_sheet", record.state.personal, STAFF, "en")
    empty = [each.name for each in found.fields if each.words.lines == () and each.words.rows == ()]
    assert {"model", "batch"} <= set(empty)
    text = html(page(found, source(record.state, pack_of(record.state), record.state.personal, STAFF),
                     words(pack_of(record.state), "en"), START))  # fmt: skip
    assert text.count('class="blank"') == len(empty)
    assert "To be filled in" in text


def test_who_was_erased_shows_as_erased() -> None:
    state = whole(pack_for("cn-vehicle-1wd")).model_copy(update={"personal": {}, "erased": START})
    made = filled(state, "market_report", {}, STAFF, "en")
    found = {each.name: each.words.lines for each in made.fields}
    told = ("(personal data erased)",)
    assert found["name"] == found["contact"] == found["description"] == found["place"] == found["vin"] == told
    assert found["model"] == ("TW-18",), "what points to nobody stays"
    assert "王秀兰" not in html(laid_out(state, "market_report", "zh-CN"))


def test_a_reader_sees_neither_hidden_fields_nor_the_recorder_anywhere() -> None:
    pack = pack_for("cn-petition")
    state = whole(pack).model_copy(update={"respondents": ["li"], "caller": "staff:chen"})
    approvals = [each.model_copy(update={"by": "staff:chen"}) for each in state.approvals]
    actions = [each.model_copy(update={"by": "staff:chen"}) for each in state.actions]
    state = state.model_copy(update={"approvals": approvals, "actions": actions})
    respondent = Actor("staff:li", STAFF.roles)
    for name in pack.papers:
        text = html(laid_out(state, name, "zh-CN", respondent))
        assert [each for each in ("chen", *SAID["complainant"].values()) if each in text] == []
    assert "chen" in html(laid_out(state, "complaint_record", "zh-CN"))


# who signs


def test_approvals_and_audits_stand_in_the_block_of_signatures() -> None:
    state = whole(pack_for("cn-kpi-95"))
    approved = state.approvals[0].model_copy(update={"role": "management_representative", "instead_of": None})
    beside = state.approvals[0].model_copy(update={"role": "general_manager"})
    state = state.model_copy(update={"approvals": [approved, beside]})
    signed = {
        (each.act, each.role): (each.name, each.at)
        for each in laid_out(state, "correction_sheet", "zh-CN").signatures
    }
    when = "2026年9月18日 17:59"
    assert signed == {
        ("编制", "经办人"): ("", ""),
        ("审核", "品管科组长"): ("", ""),
        ("验证", "品质管理部"): ("li", when),
        ("批准", "管理者代表"): ("zhao", when),
        ("批准", "总经理"): ("zhao（代sun）", when),
    }
    assert laid_out(state, "receipt", "zh-CN").signatures == [], "customers do not learn who approved"


def test_an_audit_that_was_not_passed_verifies_nothing() -> None:
    state = whole(pack_for("cn-kpi-95")).model_copy(update={"passed": False})
    found = laid_out(state, "correction_sheet", "en")
    assert [each.name for each in found.signatures if each.act == "Verified by"] == [""]


def test_every_field_has_its_row_and_order() -> None:
    state = whole(pack_for("base"))
    made = filled(state, "feedback_report", state.personal, STAFF, "zh-CN")
    rows = blocks(made.fields)
    assert [each.name for row in rows for each in row.fields] == [each.name for each in made.fields]
    assert {len(row.fields) for row in rows} == {1, 2}


# sheets


def test_a_sheet_has_a_line_for_each_complaint_and_blanks_for_what_its_pack_does_not_know() -> None:
    dealer = pack_for("cn-dealer-abc")
    mine, other = whole(dealer), whole(pack_for("base")).model_copy(update={"number": "RC-OTHER"})
    read = [(COMPLAINT, each, each.personal) for each in (mine, other)]
    found = sheet("daily_report", dealer, read, STAFF, "zh-TW", (START, START), more=False)
    assert [each.title for each in found.columns][:2] == ["受理編號", "接收時間"]
    assert [each.number for each in found.lines] == [NUMBER, "RC-OTHER"]
    assert found.lines[0].words["score"].lines == ("9",), "the customer gave another score later"
    assert found.lines[1].words["score"].lines == ("9",)
    text = bytes(
        _printed(
            "sheet.html", "zh-TW", sheet=found, at=words(dealer, "zh-TW").instant,
            head=heading(dealer.papers["daily_report"], words(dealer, "zh-TW"), START),
            signatures=signatures(dealer.papers["daily_report"], words(dealer, "zh-TW"), {}),
        ).body
    ).decode()  # fmt: skip
    texts = Read(text).texts
    assert "每日回饋表" in texts
    house = [each for each in texts if not any(said in each for said in own_words(mine))]
    assert [each for each in house if traditional(each) != each] == []


def test_only_complaints_that_came_so_far_are_on_a_sheet() -> None:
    pack = pack_for("cn-field-24-48-5")
    closed, open_ = whole(pack), whole(pack).model_copy(update={"stage": Stage.ACCEPTED, "number": "RC-OPEN"})
    read = [(COMPLAINT, each, each.personal) for each in (closed, open_)]
    found = sheet("review_input", pack, read, STAFF, "en", (START, START), more=False)
    assert [each.number for each in found.lines] == [NUMBER]


# the tables agree


def test_every_field_that_a_paper_may_name_can_be_printed() -> None:
    assert FIELDS.keys() == {*PRINTABLE}
    assert {*RECORD} <= {*PRINTABLE}
    assert ACTS.keys() == {*get_args(Act)}
    assert PURPOSES.keys() == {"evidence", "proof"}
    assert DEMANDS.keys() == {*get_args(Demand.model_fields["type"].annotation)}
    assert LANGUAGES.keys() == {*SPOKEN}
    closed = whole(pack_for("base"))
    assert [each for each in REACHED if not ready(closed, each)] == []


@pytest.mark.parametrize("pack", PACKS)
def test_every_cause_of_every_pack_has_a_name(pack: str) -> None:
    assert {each for kind in pack_for(pack).classes.values() for each in kind.causes} <= CAUSES.keys()


def test_the_document_names_every_field_and_signature() -> None:
    text = (Path(__file__).parents[2] / "docs" / "papers.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {each.zh} | {each.en}" for name, each in FIELDS.items()]
    assert [each for each in (*rows, *(f"`{act}`" for act in ACTS)) if each not in text] == []


UNION = {
    "客诉记录表", "客户投诉处理表", "客户抱怨处理表", "每日反馈表", "信息传递单", "纠正和预防措施处理单",
    "客户投诉/反馈报告", "跟踪台账", "受理回执", "清洁质量检查记录", "投诉者登记表", "投诉处理记录表",
    "递进流程图",
}  # fmt: skip
"""What the regulations call their forms (POLICIES 1.4)."""


def test_every_paper_that_a_regulation_names_is_in_a_pack() -> None:
    titles = {paper.title["zh-CN"] for pack in PACKS for paper in pack_for(pack).papers.values()}
    assert titles >= UNION
    assert any(each.startswith("客户投诉通知单") for each in titles)
