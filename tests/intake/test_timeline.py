"""The timeline without any server: what a partner reads of its own complaint."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from services.intake.domain.timeline import timeline
from shared import policy
from shared.events import ComplaintInvestigated, Fact, NoticeSent

START = datetime(2026, 11, 22, tzinfo=UTC)


def entry(fact: Fact, number: int) -> dict[str, Any]:
    data = fact.model_dump(mode="json", by_alias=True)
    told = {"id": uuid4(), "type": fact.type, "by": fact.owner, "time": START, "data": data}
    return told | {"sequence": number, "cause": None}


def test_a_partner_reads_neither_what_staff_was_told_nor_what_the_house_found() -> None:
    def sent(to: str) -> NoticeSent:
        return NoticeSent(notice=to, kind="acknowledgement", channel="email", cycle=1, to=to)

    facts = (sent("customer"), sent("supervisors"), ComplaintInvestigated(cycle=1, cause="delay"))
    journal = [entry(fact, number) for number, fact in enumerate(facts)]
    pack = policy.load("base", 1)
    assert [each.id for each in timeline(journal, pack, "en", for_partner=True)] == [str(journal[0]["id"])]
    assert len(timeline(journal, pack, "en")) == 3
