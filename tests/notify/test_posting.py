"""Posting: laws of a box, whatever the order of questions, their repetition, and the hour they come at."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.posting import (
    FULL,
    KEPT,
    KNOWN,
    LISTED,
    Ask,
    Box,
    Digest,
    Rule,
    answer,
    ask,
    claim_digests,
    deliver_digest,
    finish_digest,
    quiet_until,
)
from services.notify.domain.record import Notice, Outcome, Report
from services.notify.domain.sending import HOLD, PAUSES, Verdict
from shared.documents import Draft
from shared.envelope import Cause
from shared.policy import KINDS, Posting
from shared.problems import Conflict, NotFound
from tests.kit.complaint import COMPLAINT, START, decide

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = {"quiet_from": time(22), "quiet_until": time(7)}


def rule(**given: Any) -> Rule:
    return Rule(Posting.model_validate(given), SHANGHAI)


def notice(name: str, kind: Any = "deadline_breached") -> Notice:
    about = {"id": uuid5(COMPLAINT, name), "kind": kind, "cycle": 1, "to": "quality", "route": "email"}
    return Notice.model_validate(about | {"address": "q@example.com", "details": {}, "state": "queued"})


def question(name: str, by: Rule, at: datetime = START, kind: Any = "deadline_breached") -> Cause[Ask]:
    told = notice(name, kind)
    return Cause(uuid5(told.id, "ask"), COMPLAINT, name, at, "notify", Ask(told, name, "en", by, at))


def asked(questions: list[Cause[Ask]]) -> Box:
    draft: Draft[Box] = Draft(COMPLAINT)
    for each in questions:
        decide(draft, ask, each, "notify")
    assert draft.state is not None
    return draft.state


NAMES = [f"RC-{number}" for number in range(12)]


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=30).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    ),
    st.integers(1, 8),
)
def test_every_notice_is_sent_or_folded_once_in_any_order_and_however_often_it_is_asked(
    orders: tuple[list[str], list[str]], most: int
) -> None:
    names = set(orders[0])
    for order in orders:
        box = asked([question(name, rule(most_per_hour=most)) for name in order])
        told = Counter(answer(box, notice(name).id).what for name in names)
        items = [found for digest in box.digests for found in digest.items.values()]
        folded = [name for found in items for name in found.values()]
        assert told["send"] == min(most, len(names)) == len(box.hour)
        assert Counter(folded) == Counter(
            {name: 1 for name in names if answer(box, notice(name).id).what == "fold"}
        )


@given(st.lists(st.integers(0, 180), min_size=1, max_size=60), st.integers(1, 5))
def test_never_more_than_so_many_in_any_hour(minutes: list[int], most: int) -> None:
    times = sorted(minutes)
    box: Box | None = None
    sent = []
    for number, minute in enumerate(times):
        at = START + timedelta(minutes=minute)
        box, _ = ask(box, question(f"RC-{number}", rule(most_per_hour=most), at))
        if answer(box, notice(f"RC-{number}").id).what == "send":
            sent.append(minute)
    assert all(sum(begin <= minute < begin + 60 for minute in sent) <= most for begin in sent)
    assert len(sent) + sum(sum(each.counts.values()) for each in (box.digests if box else [])) == len(times)


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("2026-09-18T21:59", None),
        ("2026-09-18T22:00", "2026-09-19T07:00"),
        ("2026-09-19T06:59", "2026-09-19T07:00"),
        ("2026-09-19T07:00", None),
    ],
)
def test_quiet_hours_are_those_of_the_packs_calendar(local: str, ends: str | None) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)
    found = quiet_until(rule(**NIGHT), at)
    assert found == (datetime.fromisoformat(ends).replace(tzinfo=SHANGHAI) if ends else None)
    assert quiet_until(rule(), at) is None


def test_quiet_hours_within_a_day() -> None:
    noon = rule(quiet_from=time(12), quiet_until=time(13))
    at = datetime(2026, 9, 18, 12, 30, tzinfo=SHANGHAI)
    assert quiet_until(noon, at) == datetime(2026, 9, 18, 13, tzinfo=SHANGHAI)
    assert quiet_until(noon, at.replace(hour=13)) is None


def test_what_comes_at_night_is_in_the_mornings_digest() -> None:
    at = datetime(2026, 9, 18, 23, tzinfo=SHANGHAI)
    box = asked([question(f"RC-{number}", rule(**NIGHT), at) for number in range(3)])
    (digest,) = box.digests
    assert (digest.counts, box.hour) == ({"deadline_breached": 3}, [])
    morning = datetime(2026, 9, 19, 7, tzinfo=SHANGHAI)
    assert digest.next_at is not None
    assert abs(digest.next_at - morning) < timedelta(seconds=1)


def test_a_digest_that_would_fall_into_the_night_waits_for_the_morning() -> None:
    at = datetime(2026, 9, 18, 21, 50, tzinfo=SHANGHAI)
    late = rule(**NIGHT, most_per_hour=1, digest_minutes=30)
    box = asked([question(name, late, at) for name in NAMES])
    assert box.next_due is not None
    assert box.next_due >= datetime(2026, 9, 19, 7, tzinfo=SHANGHAI)


def test_a_digest_closes_when_it_is_sent_and_the_next_one_comes_no_sooner() -> None:
    by = rule(most_per_hour=1, digest_minutes=30)
    box = asked([question(name, by) for name in NAMES[:3]])
    due = box.next_due
    assert due is not None
    taken: Cause[datetime] = Cause(uuid4(), COMPLAINT, "box", due, "notify", due)
    held, _ = claim_digests(box, taken)
    later, _ = ask(held, question("RC-late", by, START + timedelta(minutes=30)))
    assert [each.state for each in later.digests] == ["sending", "open"]
    assert later.digests[1].next_at is not None
    assert later.digests[1].next_at - due >= timedelta(minutes=29)


def test_a_digest_holds_so_many_at_most_and_none_is_lost() -> None:
    many = [notice(f"RC-{number}") for number in range(LISTED)]
    items: Any = {"deadline_breached": {each.id: "RC" for each in many}}
    full = Digest(id=uuid4(), at=START, state="open", language="en", items=items, next_at=START)
    box = Box(route="email", address="q@example.com", hour=[START], digests=[full])
    after, _ = ask(box, question("RC-more", rule(most_per_hour=1)))
    assert [sum(each.counts.values()) for each in after.digests] == [LISTED, 1]
    assert after.digests[1].next_at == START
    assert answer(after, notice("RC-more").id).what == "fold"


def attempt(box: Box, outcome: Outcome) -> Box:
    """One attempt at every digest that waits."""
    due = max(each.next_at for each in box.digests if each.next_at)
    taken: Cause[datetime] = Cause(uuid4(), COMPLAINT, "box", due, "notify", due)
    held, _ = claim_digests(box, taken)
    ended = {each.id: outcome for each in held.digests if each.claim == taken.id}
    done, facts = deliver_digest(
        held, Cause(uuid4(), COMPLAINT, "box", due, "notify", Report(claim=taken.id, ended=ended))
    )
    assert facts == []
    return done


def folded() -> Box:
    return asked([question(name, rule(most_per_hour=1), kind=KINDS[7]) for name in NAMES])


def test_a_digest_is_tried_as_often_as_a_notice_and_then_somebodys_task() -> None:
    box = folded()
    for _ in range(len(PAUSES)):
        box = attempt(box, Outcome(reason="refused"))
        assert box.digests[0].state == "queued"
    box = attempt(box, Outcome(reason="refused"))
    assert (box.digests[0].state, box.next_due, len(box.digests[0].log)) == ("task", None, len(PAUSES) + 1)
    done, _ = finish_digest(box, Cause(uuid4(), COMPLAINT, "box", START, "staff:1", box.digests[0].id))
    assert (done.digests[0].state, done.digests[0].log[-1].by) == ("sent", "staff:1")
    with pytest.raises(Conflict):
        finish_digest(done, Cause(uuid4(), COMPLAINT, "box", START, "staff:1", box.digests[0].id))
    with pytest.raises(NotFound):
        finish_digest(done, Cause(uuid4(), COMPLAINT, "box", START, "staff:1", uuid4()))


def test_a_claim_that_ran_out_is_made_anew_and_the_old_one_counts_for_nothing() -> None:
    box = folded()
    due = box.next_due
    assert due is not None
    first: Cause[datetime] = Cause(uuid4(), COMPLAINT, "box", due, "notify", due)
    second: Cause[datetime] = Cause(uuid4(), COMPLAINT, "box", due, "notify", due + HOLD)
    held, _ = claim_digests(box, first)
    assert claim_digests(held, first)[0] == held
    again, _ = claim_digests(held, second)
    ended = {box.digests[0].id: Outcome(reason="slow")}
    late: Cause[Report] = Cause(uuid4(), COMPLAINT, "box", due, "notify", Report(claim=first.id, ended=ended))
    assert deliver_digest(again, late)[0] == again


def test_while_its_endpoint_is_away_a_digest_goes_on_collecting() -> None:
    box = folded()
    due, id = box.next_due, box.digests[0].id
    assert due is not None
    until = due + timedelta(minutes=1)
    asked_: Cause[datetime] = Cause(uuid4(), COMPLAINT, "box", due, "notify", due)
    waiting, _ = claim_digests(box, asked_, {id: Verdict("away", until, "its endpoint is away")})
    assert (waiting.digests[0].state, waiting.next_due) == ("open", until)


def test_of_what_was_sent_long_ago_only_figures_are_kept() -> None:
    kinds: Any = {"deadline_breached": {uuid4(): "RC-1"}}
    old = [
        Digest(id=UUID(int=number), at=START, state="sent", language="en", items=kinds)
        for number in range(KEPT + 5)
    ]
    fresh = folded()
    box = attempt(fresh.model_copy(update={"digests": [*old, *fresh.digests]}), Outcome(delivered=True))
    assert len(box.digests) == KEPT
    assert [bool(each.items) for each in box.digests] == [False] * (KEPT - KNOWN) + [True] * KNOWN
    assert {sum(each.counts.values()) for each in box.digests} == {1, len(NAMES) - 1}


def test_tasks_that_nobody_does_stay_few_and_lose_no_figure() -> None:
    box = Box(route="email", address="q@example.com")
    for number in range(KEPT + 10):
        items: Any = {"deadline_breached": {uuid4(): "RC"}}
        each = Digest(
            id=UUID(int=number), at=START, state="queued", language="en", items=items, next_at=START
        )
        box = attempt(box.model_copy(update={"digests": [*box.digests, each]}), Outcome(final=True))
    assert len(box.digests) == KEPT
    assert [bool(each.items) for each in box.digests] == [False] * (KEPT - KNOWN) + [True] * KNOWN
    assert sum(sum(each.counts.values()) for each in box.digests) == KEPT + 10


def test_a_box_that_is_full_takes_no_more_until_a_digest_has_gone() -> None:
    def whole(number: int) -> Digest:
        items: Any = {"deadline_breached": {uuid4(): "RC" for _ in range(LISTED)}}
        return Digest(id=UUID(int=number), at=START, state="open", language="en", items=items, next_at=START)

    digests = [whole(number) for number in range(FULL // LISTED)]
    full = Box(route="email", address="q@example.com", hour=[START], digests=digests)
    late = question("RC-more", rule(most_per_hour=1))
    assert ask(full, late)[0] == full
    assert answer(full, notice("RC-more").id).what == "wait"
    gone = full.model_copy(
        update={"digests": [digests[0].model_copy(update={"state": "sent"}), *digests[1:]]}
    )
    assert answer(ask(gone, late)[0], notice("RC-more").id).what == "fold"
