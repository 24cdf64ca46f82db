"""What triage does when it hears of a complaint."""

from services.triage.domain import grading
from services.triage.store import gradings
from shared.bus import Inbox
from shared.envelope import Cause
from shared.events import ComplaintRegistered, ComplaintReopened, StatementRecorded

inbox = Inbox("triage")


@inbox.on(ComplaintRegistered)
async def on_registered(event: Cause[ComplaintRegistered]) -> None:
    await gradings.update(event.complaint, grading.register, event)


@inbox.on(StatementRecorded)
async def on_statement(event: Cause[StatementRecorded]) -> None:
    await gradings.update(event.complaint, grading.note_statement, event)


@inbox.on(ComplaintReopened)
async def on_reopened(event: Cause[ComplaintReopened]) -> None:
    await gradings.update(event.complaint, grading.reopen, event)
