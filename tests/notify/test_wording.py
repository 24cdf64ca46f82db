"""Wording: every kind in every language says what it must, as people say it, and nothing smuggled in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from opencc import OpenCC

from services.notify.channels.letters import letters
from services.notify.channels.samples import CAME, DUE, NUMBER, SAID, sample
from services.notify.channels.spoken import Given, deadline, instant, money
from services.notify.channels.wording import TEMPLATES, page, worded, words
from services.notify.domain.notices import hear
from services.notify.domain.record import Notices
from shared.envelope import Cause
from shared.events import (
    ComplaintAnswered,
    ComplaintDispatched,
    ComplaintGraded,
    ComplaintInvestigated,
    ContactRecorded,
    DeadlineEscalated,
    DeadlineSet,
    Fact,
    Language,
    Money,
    ReplyRecorded,
    SolutionProposed,
    SurveyInvited,
)
from shared.policy import ALWAYS, KINDS, TO_CUSTOMER, NoticeKind, load, words_for, wrong_in
from tests.kit.complaint import COMPLAINT, START, registered
from tests.kit.complaint import NUMBER as RECEIPT

LANGUAGES: tuple[Language, ...] = get_args(Language)
BASE = load("base", 1)
EVERY = [pytest.param(kind, language, id=f"{language} {kind}") for kind in KINDS for language in LANGUAGES]
URL = f"https://intake.invalid/receipts/{RECEIPT}?secret=ABC"
CONTACT = ContactRecorded(name="李雷", email="li@example.cn", receipt_url=URL)


def told(*facts: Fact, language: Language = "en", pack: str = "base") -> Notices:
    state: Notices | None = None
    for number, fact in enumerate([registered(language=language, pack=pack), CONTACT, *facts]):
        made: Cause[Any] = Cause(COMPLAINT, COMPLAINT, RECEIPT, START, fact.owner, fact, number)
        state, _ = hear(state, made, START)
    assert state is not None
    return state


# every kind in every language


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_our_own_text_names_only_what_the_catalogue_gives(kind: NoticeKind, language: Language) -> None:
    text = (TEMPLATES / language / f"{kind}.txt").read_text(encoding="utf-8")
    assert list(wrong_in(text, words_for(kind))) == []


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_it_has_words_with_all_that_is_known_and_with_nothing_but_what_always_is(
    kind: NoticeKind, language: Language
) -> None:
    whole = sample(kind, BASE, language)
    for known in (whole, {word: whole[word] if word in ALWAYS else None for word in whole}):
        said = worded(BASE, kind, language, known)
        assert NUMBER in said.subject
        assert "\n" not in said.subject
        assert "None" not in said.subject + said.body
        assert "\n\n\n" not in said.body
    said = worded(BASE, kind, language, whole)
    for word in words_for(kind):
        missing = str(whole[word]) not in said.subject + said.body
        assert not missing or word in ("title", "cycle", "received_at", "class", "grade", "receipt_url"), word


@pytest.mark.parametrize("kind", TO_CUSTOMER)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_customer_is_greeted_and_a_house_signs(kind: NoticeKind, language: Language) -> None:
    known = sample(kind, BASE, language)
    body = worded(BASE, kind, language, known).body.strip().splitlines()
    greeting = {"en": "Dear {}", "zh-CN": "{}，您好", "zh-TW": "{} 您好"}[language]
    assert greeting.format(known["name"]) in body[0]
    assert body[-1] == {"en": "Your service desk", "zh-CN": "客户服务部", "zh-TW": "客戶服務部"}[language]


def test_there_is_a_file_for_every_kind_and_no_other() -> None:
    for language in LANGUAGES:
        assert {each.stem for each in (TEMPLATES / language).glob("*.txt")} - {"digest"} == {*KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_simplified_is_left_in_what_taiwan_reads(kind: NoticeKind) -> None:
    text = (TEMPLATES / "zh-TW" / f"{kind}.txt").read_text(encoding="utf-8")
    assert OpenCC("s2tw").convert(text) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_of_a_mail_to_staff_names_no_customer(kind: NoticeKind) -> None:
    personal = {"name", "reply", "offer", "question", "receipt_url", "link"}
    assert kind in TO_CUSTOMER or not personal & {*words_for(kind)}


# made of what happened


def test_the_words_are_those_of_the_complaint_as_it_stands() -> None:
    graded = ComplaintGraded(cycle=1, class_="usage", suggested=False, grade="serious", matches=())
    late = DeadlineEscalated(cycle=1, clock="resolve", due=START, rung=2, roles=("general_manager",))
    state = told(graded, late)
    text = words(state, state.notices[-1])
    assert text.subject == f"Complaint {RECEIPT}: Resolution and answer is overdue, level 2"
    assert "General manager" in text.body
    assert "18 September 2026, 17:59" in text.body
    assert f"Class: {BASE.classes['usage'].title['en']}; grade: Serious." in text.body
    again = told(graded.model_copy(update={"grade": "minor", "revision": 2}), graded, late)
    assert "grade: Minor" in words(again, again.notices[-1]).body


def test_progress_names_departments_and_the_promise_in_the_zone_of_the_house() -> None:
    due = datetime(2026, 9, 29, 16, 0, tzinfo=UTC)
    facts = [
        ComplaintDispatched(cycle=1, lead="outlet", departments=("outlet", "branch_office")),
        DeadlineSet(cycle=1, clock="resolve", due=due, started=START),
    ]
    expected = {
        "en": ("the end of 29 September 2026", "Outlet, Branch headquarters"),
        "zh-CN": ("2026年9月29日 24:00", "营业网点、分行主管部门"),
        "zh-TW": ("2026年9月29日 24:00", "營業據點、分行主管部門"),
    }
    for language in LANGUAGES:
        state = told(*facts, language=language, pack="cn-bank-7cat")
        said = words(state, next(each for each in state.notices if each.kind == "progress"))
        when, who = expected[language]
        assert when in said.subject
        assert when in said.body
        assert who in said.body
        assert said.link == URL


def test_a_corrective_action_names_the_paper_and_where_it_is() -> None:
    proposed = SolutionProposed(
        cycle=1, measure="new seal", department="production", due=START,
        cost=Money(value=Decimal(1280), currency="CNY"),
    )  # fmt: skip
    state = told(ComplaintInvestigated(cycle=1, cause="seal"), proposed, pack="cn-kpi-95")
    said = words(state, state.notices[-1])
    for part in ("Cause: seal", "Measure: new seal", "Due: 18 September 2026, 17:59", "Cost: CNY 1,280.00"):
        assert part in said.body.splitlines()
    assert "Corrective and preventive action" in said.body
    assert said.link is not None
    assert said.link.endswith(f"/v1/complaints/{COMPLAINT}/papers/correction_sheet")
    assert said.link in said.body.splitlines()
    assert "李雷" not in said.subject + said.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_customers_find_the_page_of_their_receipt_and_a_survey_has_one_link(language: Language) -> None:
    facts = [
        ComplaintAnswered(cycle=1), ReplyRecorded(cycle=1, text="<b>done</b>"),
        SurveyInvited(cycle=1, link="https://survey.invalid/s/x", expires=START),
    ]  # fmt: skip
    state = told(*facts, language=language)
    said = {each.kind: words(state, each) for each in state.notices}
    assert said["acknowledgement"].link == said["result"].link == URL
    assert said["survey"].link == "https://survey.invalid/s/x"
    assert URL not in said["survey"].body
    assert all("secret" not in each.subject for each in said.values())
    result = next(each for each in state.notices if each.kind == "result")
    assert "&lt;b&gt;done" in letters([(state, result)])
    assert "&lt;b&gt;done&lt;/b&gt;" in page(said["result"])


def test_whoever_has_no_page_reads_of_none() -> None:
    for language in LANGUAGES:
        known = sample("acknowledgement", BASE, language) | {"receipt_url": None}
        assert "http" not in worded(BASE, "acknowledgement", language, known).body


# a pack's own text


def test_a_packs_own_text_counts_and_taiwan_reads_it_too() -> None:
    pack = load("uk-fca-disp", 1)
    named: dict[Language, str] = {"en": "Financial Ombudsman Service", "zh-TW": "英國金融申訴專員"}
    for language, ombudsman in named.items():
        known = sample("result", pack, language)
        assert ombudsman in worded(pack, "result", language, known).body
        assert ombudsman not in worded(BASE, "result", language, known).body


# dates and sums


def test_instants_are_told_as_people_say_them() -> None:
    at = datetime(2026, 9, 18, 9, 59, tzinfo=UTC)
    assert instant(at, BASE, "en") == "18 September 2026, 17:59"
    assert instant(at, BASE, "zh-CN") == instant(at, BASE, "zh-TW") == "2026年9月18日 17:59"
    london = load("uk-fca-disp", 1)
    assert instant(at, london, "en") == "18 September 2026, 10:59"
    midnight = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert deadline(midnight, BASE, "en") == "the end of 31 December 2026"
    assert deadline(midnight, BASE, "zh-CN") == "2026年12月31日 24:00"
    assert deadline(midnight + timedelta(minutes=1), BASE, "en") == "1 January 2027, 00:01"


def test_sums_are_told_as_people_write_them() -> None:
    assert money(Decimal("1234567.5"), "GBP", "en") == "GBP 1,234,567.50"
    assert money(Decimal(80), "CNY", "zh-CN") == "80.00 元"
    assert money(Decimal(80), "CNY", "zh-TW") == "人民幣 80.00 元"
    assert money(Decimal(80), "USD", "zh-CN") == "80.00 USD"


# what people smuggle in


class Tags(HTMLParser):
    """The tags and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background")]


PLAIN_TAGS = {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "br", "a"}


@drawn(st.sampled_from(TO_CUSTOMER), st.text(max_size=200))
def test_no_word_becomes_markup_template_or_header(kind: NoticeKind, text: str) -> None:
    hostile = f"{text}\r\nBcc: x@y.z\n{{{{ 7 * 7 }}}}<script src=//x></script>"
    known: Given = dict.fromkeys(words_for(kind), hostile)
    said = worded(BASE, kind, "en", known | {"number": "RC-1", "cycle": 1})
    assert said.subject.isprintable()
    assert "{{ 7 * 7 }}" in said.body
    seen = Tags(page(said))
    assert {*seen.tags} <= PLAIN_TAGS
    assert seen.addresses == []


@pytest.mark.parametrize("link", ["javascript:alert(1)", 'https://x.invalid/"><script>', "x"])
def test_only_an_address_of_the_web_becomes_a_link(link: str) -> None:
    said = worded(BASE, "survey", "en", sample("survey", BASE, "en") | {"link": link})
    seen = Tags(page(said))
    assert "script" not in seen.tags
    assert [each for each in seen.addresses if not each.startswith("https://")] == []


def test_samples_say_the_same_in_every_language() -> None:
    assert {frozenset(SAID[each]) for each in LANGUAGES} == {frozenset(SAID["en"])}
    assert CAME < DUE
