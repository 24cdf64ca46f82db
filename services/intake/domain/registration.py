"""Registration: a complaint is taken in, if its pack can take it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.complaint import Action, Complaint, Told
from services.intake.domain.facts import check_required, given_fields
from services.intake.domain.forms import NewComplaint
from services.intake.domain.particulars import Split, check_class, split, texts_of, told
from shared.envelope import Cause
from shared.events import ComplaintRegistered, ContactRecorded, Fact, StatementRecorded
from shared.policy import Pack
from shared.problems import Fault, Invalid


@dataclass(frozen=True, slots=True)
class Checked:
    """A complaint that its pack can take: what it tells, and what of it points to a person."""

    given: NewComplaint
    told: Told
    details: Split
    fields: set[str]
    registered: ComplaintRegistered

    @property
    def texts(self) -> dict[str, str]:
        """What points to a person, by the names under which it is kept."""
        return texts_of(self.given, self.details.private)


@dataclass(frozen=True, slots=True)
class Registration:
    """The command to register: what was given, checked, and by whom.

    `request` tells one request from another: by the caller's key where it is `keyed`, else by the content.
    `sealed` are the texts that point to a person, under the key of `person`. `receipt_url` is the page that
    tells the customer where it stands. `partner` is the caller, if it is one.
    """

    checked: Checked
    caller: str
    request: str
    keyed: bool
    digest: str
    person: UUID
    sealed: dict[str, str]
    receipt_url: str
    fingerprints: tuple[str, ...] = ()
    partner: str | None = None


def register(state: Complaint | None, cause: Cause[Registration]) -> tuple[Complaint, list[Fact]]:
    """Take a complaint in."""
    if state is not None:
        return state, []
    asked = cause.data
    given, made = asked.checked.given, asked.checked.registered
    complaint = Complaint(
        number=cause.subject,
        caller=asked.caller,
        recorder=given.recorder or asked.caller,
        request=asked.request,
        digest=asked.digest,
        traceparent=cause.traceparent,
        person=asked.person,
        personal=asked.sealed,
        has=sorted(asked.checked.fields),
        pack=made.pack,
        pack_version=made.pack_version,
        given=asked.checked.told,
        details=asked.checked.details.public,
        withheld=sorted(asked.checked.details.private),
        received_at=made.received_at,
        registered_at=cause.time,
        since=cause.time,
        held_since=cause.time,
        actions=[Action(at=cause.time, by=asked.caller, what="register", cycle=1)],
    )
    return complaint, [
        made,
        ContactRecorded(**dict(given.complainant), receipt_url=asked.receipt_url, partner=asked.partner),
        StatementRecorded(
            pack=made.pack,
            pack_version=made.pack_version,
            text=given.description,
            fingerprints=asked.fingerprints,
        ),
    ]


def checked(given: NewComplaint, now: datetime, pack: Pack) -> Checked:
    """A complaint as its pack takes it. Raises Invalid for what it does not know or misses, or lies ahead."""
    check_class(given.class_, pack)
    if given.channel not in pack.channels:
        raise Invalid(
            f"The policy pack {pack.pack} takes no complaints by this channel",
            [Fault(detail=f"use one of {', '.join(pack.channels)}", pointer="#/channel")],
        )
    _check_past("received_at", given.received_at, now)
    _check_past("occurred_at", given.occurred_at, now)
    details, form = split(given.details, pack), told(given)
    known = ComplaintRegistered(
        **{name: value for name, value in form if name != "occurred_at"},
        pack=pack.pack,
        pack_version=pack.version,
        details=details.public,
        received_at=given.received_at or now,
    )
    there = given_fields(given)
    check_required(known, given.channel, given.language, there, details.private, pack)
    return Checked(given, form, details, there, known)


def _check_past(name: str, given: datetime | None, now: datetime) -> None:
    if given is not None and given > now:
        fault = Fault(detail="give an instant not later than now", pointer=f"#/{name}")
        happened = "been received" if name == "received_at" else "occurred"
        raise Invalid(f"A complaint cannot have {happened} in the future", [fault])
