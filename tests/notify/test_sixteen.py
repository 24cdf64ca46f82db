"""Sixteen ways in which services that notify are known to fail, each as a test against real servers."""

import asyncio
from collections import Counter
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any, get_args
from uuid import uuid4

import pytest
import structlog

from deploy.local.outside import text_of
from services.notify.channels import delivery, digests
from services.notify.channels.wording import words
from services.notify.domain.record import Report
from services.notify.domain.sending import HOLD, PAUSES, claim
from services.notify.store.notices import notices
from shared import clock, policy
from shared.envelope import Cause
from shared.events import EmergencyDeclared, Language
from shared.policy import KINDS
from tests.kit.complaint import NUMBER, registered
from tests.kit.doors import settled
from tests.kit.endpoints import Mails, Robot, told
from tests.kit.post import (
    ANN,
    acknowledged,
    at_work,
    attempted,
    breached,
    digest,
    hurry,
    hurry_boxes,
    messaged,
    of,
    only,
    posting,
    settle,
    tell,
    until,
    until_digests,
    until_state,
)

HUNG = 30


async def test_1_what_the_server_refused_is_not_marked_as_sent(mails: Mails) -> None:
    mails.answer = lambda address: told("451 greylisted, try later")
    complaint = await acknowledged()
    async with at_work():
        await until(lambda: attempted(complaint, 1))
    notice = await only(complaint)
    assert (notice.state, notice.reason, mails.taken) == ("queued", "refused with 451", [])
    assert [(each.outcome, each.reason) for each in notice.log] == [("failed", "refused with 451")]


async def test_2_a_failure_for_good_is_a_persons_task_and_a_fact(mails: Mails) -> None:
    mails.answer = lambda address: told("550 no such user")
    complaint = await acknowledged()
    async with at_work():
        notice = await until_state(complaint, "task")
    assert (notice.reason, notice.attempts, len(mails.asked)) == ("refused with 550", 1, 1)
    assert [each.outcome for each in notice.log] == ["failed"]


async def test_3_one_hung_endpoint_stalls_none_of_the_others(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, well = Robot(hangs=True), Robot()
    await asyncio.gather(hung.start(), well.start())
    mails.answer = lambda address: told(None, after=HUNG)
    with settled(monkeypatch, smtp_url=mails.url, gateways={"sms": hung.gateway(), "wechat": well.gateway()}):
        stuck = [await messaged("sms") for _ in range(20)] + [await acknowledged() for _ in range(20)]
        quick = [await messaged("wechat") for _ in range(20)]
        async with at_work():
            await asyncio.gather(*(until_state(each, "sent", "result") for each in quick))
            states = {(await of(each))[-1].state for each in stuck}
    keys = Counter(each.headers["idempotency-key"] for each in well.requests)
    assert {keys[str((await only(each, "result")).id)] for each in quick} == {1}
    assert states <= {"queued", "sending"}
    assert {each.path for each in hung.requests} <= {"/robot?access_token=HUSH"}
    await asyncio.gather(hung.stop(), well.stop())


@pytest.mark.parametrize("language", get_args(Language))
def test_4_no_language_falls_back_to_another(language: Language) -> None:
    for kind in KINDS:
        text = digests.digest_words(digest(kind, language))
        assert text.language == language
        assert (text.subject.isascii()) is (language == "en")


async def test_5_what_was_taken_on_before_a_crash_is_not_lost(mails: Mails) -> None:
    complaint = await acknowledged()
    taken = Cause(uuid4(), complaint, NUMBER, clock.machine_now(), "notify", clock.machine_now())
    held = await notices.update(complaint, claim, taken)
    assert held.state is not None
    assert held.state.notices[0].state == "sending", "the process dies here"
    async with at_work():
        await asyncio.sleep(0.3)
        assert mails.taken == [], "another one waits until the claim has run out"
        await hurry(complaint)
        notice = await until_state(complaint, "sent")
    assert notice.attempts == 2
    assert mails.ids == [str(notice.id)]


async def test_6_a_mail_that_was_sent_but_not_recorded_is_repeated_once_and_can_be_told(
    mails: Mails,
) -> None:
    complaint = await acknowledged()
    taken = Cause(uuid4(), complaint, NUMBER, clock.machine_now(), "notify", clock.machine_now())
    held = await notices.update(complaint, claim, taken)
    assert held.state is not None
    sent = await delivery.deliver(held.state, held.state.notices[0])
    assert sent.delivered, "and the process dies before it writes that down"
    await hurry(complaint)
    async with at_work():
        notice = await until_state(complaint, "sent")
        await hurry(complaint)
        await asyncio.sleep(0.5)
    assert mails.ids == [str(notice.id)] * 2


async def test_7_of_two_replicas_one_sends(mails: Mails) -> None:
    some = [await acknowledged() for _ in range(60)]
    async with at_work(replicas=3):
        await asyncio.gather(*(until_state(each, "sent") for each in some))
    assert Counter(mails.ids) == Counter({str((await only(each)).id): 1 for each in some})


async def test_8_every_attempt_has_a_time_out(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = Robot(hangs=True)
    await robot.start()
    monkeypatch.setattr("services.notify.channels.gateway.TIMEOUT_S", 0.3)
    monkeypatch.setattr("services.notify.channels.smtp.ATTEMPT_S", 0.3)
    mails.answer = lambda address: told(None, after=HUNG)
    with settled(monkeypatch, smtp_url=mails.url, gateways={"default": robot.gateway()}):
        message, mail = await messaged("sms"), await acknowledged()
        async with at_work():
            await until(lambda: attempted(message, 1, "result"))
            await until(lambda: attempted(mail, 1))
    assert (await only(message, "result")).reason == "the gateway is away: TimeoutError"
    assert (await only(mail)).reason == "the mail server is away: TimeoutError"
    assert timedelta(seconds=delivery.ATTEMPT_S) < HOLD, "a claim outlives its attempt"
    await robot.stop()


async def test_9_attempts_are_bounded_and_pauses_grow(mails: Mails) -> None:
    mails.answer = lambda address: told("450 busy")
    complaint = await acknowledged()
    pauses = []
    async with at_work():
        for count in range(1, len(PAUSES) + 1):
            await until(lambda count=count: attempted(complaint, count))  # type: ignore[misc]
            notice = await only(complaint)
            assert notice.next_at is not None
            pauses.append((notice.next_at - notice.log[-1].at).total_seconds())
            await asyncio.sleep(0.1)
            assert len(mails.asked) == count, "it is not tried before its pause is over"
            await hurry(complaint)
        await until_state(complaint, "task")
    assert len(mails.asked) == len(PAUSES) + 1
    assert all(least <= pause <= 1.5 * least for least, pause in zip(PAUSES, pauses, strict=True))


async def test_10_a_recipient_without_an_address_or_gateway_is_somebodys_task(mails: Mails) -> None:
    nowhere = await acknowledged(
        "email", ANN.model_copy(update={"email": None, "phone": None, "address": None})
    )
    unknown = await messaged("sms")
    async with at_work():
        called = await until_state(unknown, "task", "result")
    assert (called.route, called.reason) == ("call", "no gateway takes this channel")
    assert [(each.state, each.route) for each in await of(nowhere)] == [("task", "call")]


async def test_11_a_fault_in_the_words_of_one_is_of_that_one_alone(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, well = await acknowledged(), [await acknowledged() for _ in range(5)]

    def said(state: Any, notice: Any) -> Any:
        if notice.id == (faulty.id):
            raise KeyError("no such word")
        return words(state, notice)

    faulty = await only(broken)
    monkeypatch.setattr(delivery, "words", said)
    async with at_work():
        await asyncio.gather(*(until_state(each, "sent") for each in well))
        await until(lambda: attempted(broken, 1))
    assert str((await only(broken)).reason).startswith("wording: KeyError")


async def test_12_a_customers_text_makes_no_header_and_no_markup(mails: Mails) -> None:
    name = "Ann\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>{{ 7 * 7 }}"
    complaint = await acknowledged("email", ANN.model_copy(update={"name": name}))
    rude = await acknowledged(
        "email", ANN.model_copy(update={"email": "ann@example.com\r\nBcc: x@example.com"})
    )
    async with at_work():
        await until_state(complaint, "sent")
        refused = await until_state(rude, "task")
    (content,) = mails.to("ann@example.com")
    head = content.partition(b"\r\n\r\n")[0].lower()
    assert not any(line.startswith(b"bcc") for line in head.splitlines())
    assert b"{{ 7 * 7 }}" in content.partition(b"\r\n\r\n")[2]
    assert str(refused.reason).startswith("not to be sent")


async def test_13_no_personal_data_and_no_secret_in_logs_and_reasons(
    mails: Mails, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    robot = Robot(status=500)
    await robot.start()
    mails.answer = lambda address: told(f"550 <{address}> is unknown")
    caplog.set_level("DEBUG")
    with (
        settled(monkeypatch, smtp_url=mails.url, gateways={"default": robot.gateway(secret="HUSH-HUSH")}),
        structlog.testing.capture_logs() as logs,
    ):
        mail, message = await acknowledged(), await messaged("sms")
        async with at_work():
            refused = await until_state(mail, "task")
            await until(lambda: attempted(message, 1, "result"))
    reasons = [refused.reason, *(each.reason for each in (await only(message, "result")).log)]
    ours = [
        record.getMessage() for record in caplog.records if record.name.startswith(("services", "shared"))
    ]
    for secret in ("ann@example.com", str(ANN.phone), "HUSH", "Heron"):
        assert secret not in f"{reasons}{logs}{ours}"
    await robot.stop()


async def test_14_a_storm_is_a_few_mails_and_one_digest(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting(monkeypatch, most_per_hour=5, digest_minutes=1)
    some = [await breached() for _ in range(40)]
    async with at_work():
        await settle(*some)
        await hurry_boxes()
        await until_digests("sent")
    told_to = [each for complaint in some for each in await of(complaint)]
    states = Counter(each.state for each in told_to if not each.to_customer)
    assert states == {"sent": 5, "folded": 75}
    assert len(mails.taken) == 6
    told_of = text_of(message_from_bytes(mails.taken[-1][2], policy=default))
    assert sum(each.hex[-10:].upper() in told_of for each in some) >= 38


async def test_15_quiet_hours_do_not_swallow_what_is_urgent_and_a_restart_loses_no_item(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now().astimezone(policy.load_calendar(policy.load("base", 1).calendar).zone)
    around = {
        "quiet_from": (now - timedelta(hours=1)).time(),
        "quiet_until": (now + timedelta(hours=1)).time(),
    }
    posting(monkeypatch, **around)
    quiet, urgent = [await breached() for _ in range(5)], uuid4()
    await tell(urgent, registered(), EmergencyDeclared(cycle=1, roles=("general_manager",)))
    async with at_work():
        await until_state(urgent, "sent", "emergency")
        await settle(*quiet)
    assert [recipient for _, recipient, _ in mails.taken] == ["general-manager@departments.invalid"]
    async with at_work():
        await hurry_boxes()
        await until_digests("sent")
    (morning,) = mails.to("quality@departments.invalid")
    assert all(each.hex[-10:].upper() in morning.decode() for each in quiet)


async def test_16_a_fault_in_the_books_sends_nothing_again(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint, update = await acknowledged(), notices.update

    async def late(id: Any, change: Any, cause: Any) -> Any:
        if isinstance(cause.data, Report):
            await asyncio.sleep(1)
        return await update(id, change, cause)

    monkeypatch.setattr(notices, "update", late)
    async with at_work():
        await until(lambda: told(len(mails.taken) == 1))
        await hurry(complaint)
        await until_state(complaint, "sent")
        await asyncio.sleep(0.3)
    assert len(mails.taken) == 1
