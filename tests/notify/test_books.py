"""The books: what is written down of attempts that were late, or went wrong."""

from typing import Any
from uuid import uuid4

import pytest

from services.notify.domain.record import Notices, Outcome, Report
from services.notify.domain.sending import HOLD, claim, deliver
from shared.envelope import Cause
from tests.kit.complaint import COMPLAINT, NUMBER, START
from tests.kit.endpoints import Mails, told
from tests.kit.post import (
    at_work,
    breached,
    hurry_boxes,
    posting,
    settle,
    until_digests,
    waiting,
)


def test_a_late_report_that_it_left_the_house_still_counts() -> None:
    """The books were away for longer than the claim held; it is not sent again after that."""
    state = Notices(notices=[waiting()])
    first: Cause[Any] = Cause(uuid4(), COMPLAINT, NUMBER, START, "notify", START)
    second: Cause[Any] = Cause(uuid4(), COMPLAINT, NUMBER, START, "notify", START + HOLD)
    held, _ = claim(state, first)
    again, _ = claim(held, second)
    report = Report(claim=first.id, ended={again.notices[0].id: Outcome(delivered=True)})
    done, facts = deliver(again, Cause(uuid4(), COMPLAINT, NUMBER, START, "notify", report))
    assert (done.notices[0].state, [fact.type for fact in facts]) == ("sent", ["notice.sent.v1"])


async def test_a_digest_that_fails_marks_nothing_as_told(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting(monkeypatch, most_per_hour=1, digest_minutes=1)
    some = [await breached() for _ in range(3)]
    async with at_work():
        await settle(*some)
        mails.answer = lambda address: told("550 no such user")
        await hurry_boxes()
        (failed,) = await until_digests("task")
    assert (failed.state, failed.reason, sum(failed.counts.values())) == ("task", "refused with 550", 5)
