"""Registration: a complaint is taken in, if its pack can take it."""

from datetime import datetime

from services.intake.domain.complaint import Complaint, NewComplaint, Registration
from services.intake.domain.particulars import check_class, check_required, first_known, read_details
from shared.envelope import Cause
from shared.events import ComplaintRegistered, ContactRecorded, Fact, StatementRecorded
from shared.policy import Pack, load
from shared.problems import Fault, Invalid


def register(state: Complaint | None, cause: Cause[Registration]) -> tuple[Complaint, list[Fact]]:
    """Take a complaint in. Raises Invalid for what its pack does not know or misses, or a future instant."""
    if state is not None:
        return state, []
    asked, given = cause.data, cause.data.given
    pack = load(asked.pack, asked.pack_version)
    check(given, cause.time, pack)
    pinned = {"pack": asked.pack, "pack_version": asked.pack_version}
    received_at = given.received_at or cause.time
    details = read_details(given.details, pack)
    registered = ComplaintRegistered(
        **pinned,
        **first_known(given, details, pack),
        channel=given.channel,
        language=given.language,
        received_at=received_at,
    )
    check_required(given, registered, details, pack)
    complaint = Complaint(
        number=cause.subject,
        traceparent=cause.traceparent,
        received_at=received_at,
        registered_at=cause.time,
        **asked.model_dump(exclude={"given", "fingerprints", "keyed"}),
        given=given,
        details=details,
    )
    return complaint, [
        registered,
        ContactRecorded.model_validate(given.complainant.model_dump()),
        StatementRecorded(**pinned, text=given.description, fingerprints=asked.fingerprints),
    ]


def check(given: NewComplaint, now: datetime, pack: Pack) -> None:
    """What the form alone cannot tell. Raises Invalid."""
    check_class(given.class_, pack)
    if given.channel not in pack.channels:
        raise Invalid(
            f"The policy pack {pack.pack} takes no complaints by this channel",
            [Fault(detail=f"use one of {', '.join(pack.channels)}", pointer="#/channel")],
        )
    if given.received_at is not None and given.received_at > now:
        raise Invalid(
            "A complaint cannot have been received in the future",
            [Fault(detail="give an instant not later than now", pointer="#/received_at")],
        )
