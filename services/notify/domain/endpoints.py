"""Endpoints: who gets which events where, with which secrets, and how healthy that is.

Times are the machine's. A circuit opens after some failures one after the other: then nothing is sent until
a pause is over, and then one probe.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.envelope import Cause
from shared.events import CATALOGUE, FOR_PARTNERS, Fact, SurveyAnswered, WebhookDisabled, is_for_partners
from shared.problems import Conflict, Invalid, NotFound, PreconditionFailed
from shared.sealing import at_rest

PATTERN = r"^[a-z0-9_.*]{1,100}$"
OVERLAP = timedelta(hours=24)
"""How long an old secret goes on signing."""
SHOWN = timedelta(hours=48)
"""How long a request that is repeated gets the secret that it asked for."""
MOST_SECRETS = 5
FAILURES = 5
"""After so many in a row the circuit opens."""
SHORTEST, LONGEST = timedelta(seconds=5), timedelta(minutes=5)
"""The first and the longest pause of an open circuit."""
PROBE = timedelta(seconds=30)
"""How long a probe is waited for before another one is sent."""
GIVEN_UP = timedelta(days=5)
"""After failing for so long on end an endpoint is disabled."""

PUBLIC = tuple(type for type, kind in CATALOGUE.items() if not kind.private)
OF_PARTNERS = tuple(type for type in PUBLIC if type in FOR_PARTNERS)


class Secret(BaseModel):
    """What signs; good for as long as it is not replaced, then `until`. `request` asked for it."""

    text: str
    made_at: AwareDatetime
    request: UUID
    until: AwareDatetime | None = None


class Endpoint(BaseModel):
    """Where `owner` gets events of these types; as a partner, those about complaints it handed in itself.

    `edition` counts what people changed, `disabled` says why it gets nothing. `failures` are in a row,
    `failing_since` is when the first of them was; `shut_until` is the pause of an open circuit. It is
    enabled, at this URL, since `enabled_at`; `held` if what waited until then is still to be made due.
    """

    owner: str
    of_partner: bool
    url: Annotated[str, *at_rest("url")]
    types: tuple[str, ...]
    description: str = ""
    secrets: Annotated[tuple[Secret, ...], *at_rest("secrets")]
    made_at: AwareDatetime
    enabled_at: AwareDatetime
    held: bool = False
    digest: str = ""
    edition: int = 1
    disabled: str | None = None
    removed: bool = False
    failures: int = 0
    failing_since: AwareDatetime | None = None
    shut_until: AwareDatetime | None = None
    probe: UUID | None = None

    def signs_with(self, now: datetime) -> list[str]:
        """The secrets that sign now, the newest first."""
        return [each.text for each in self.secrets if each.until is None or each.until > now]

    def shown_to(self, request: UUID, now: datetime) -> str | None:
        """The newest secret, to the request that asked for it and its repeats, for a while."""
        newest = self.secrets[0]
        return newest.text if newest.request == request and now < newest.made_at + SHOWN else None

    @property
    def state(self) -> Literal["enabled", "disabled", "failing"]:
        if self.disabled is not None:
            return "disabled"
        return "failing" if self.failures else "enabled"


Changed = tuple[Endpoint, list[Fact]]


class Revision(BaseModel):
    """What a person changes, on the edition that they read (None: on any)."""

    edition: int | None
    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None


class Rotation(BaseModel):
    """A new secret."""

    edition: int | None
    secret: str


class Switch(BaseModel):
    """Enabled again, or disabled by somebody."""

    edition: int | None
    on: bool


class Health(BaseModel):
    """How an attempt at this edition of an endpoint ended; `gone` if it says that it is, for good.

    `chance` (0 to 1) spreads the pauses, `wait` is how many seconds the endpoint asked for.
    """

    edition: int
    delivered: bool
    gone: bool = False
    wait: float = 0
    chance: float = 1


# what it wants


def matching(patterns: Sequence[str], types: Sequence[str]) -> list[str]:
    """The types that any of these patterns means; `*` stands for any text."""
    wanted = re.compile("|".join(re.escape(each).replace(r"\*", ".*") for each in patterns))
    return [type for type in types if wanted.fullmatch(type)]


def on_offer(of_partner: bool) -> tuple[str, ...]:
    """The types that such an owner may have."""
    return OF_PARTNERS if of_partner else PUBLIC


def for_partners(fact: Fact) -> Fact | None:
    """An event as the partner learns of it that handed the complaint in, if it does."""
    if not is_for_partners(fact.type, vars(fact)):
        return None
    return fact.model_copy(update={"answers": {}}) if isinstance(fact, SurveyAnswered) else fact


def is_about(id: UUID, fact: Fact) -> bool:
    """Whether an event tells of this endpoint itself, which must not hear of its own failures for ever."""
    return getattr(fact, "endpoint", None) == id


# by people


def establish(state: Endpoint | None, cause: Cause[Endpoint]) -> Changed:
    """Register an endpoint once. Raises Invalid for another under the same key, Conflict if it is gone."""
    if state is None:
        return cause.data, []
    if state.digest != cause.data.digest:
        raise Invalid("This Idempotency-Key was used for another endpoint; use a new key")
    if state.removed:
        raise Conflict("The endpoint that was made with this Idempotency-Key was removed; use a new key")
    return state, []


def revise(state: Endpoint | None, cause: Cause[Revision]) -> Changed:
    """Change what a person may change; a new URL has a clean record. Raises NotFound, PreconditionFailed."""
    found = _editable(state, cause.data.edition)
    given = cause.data.model_dump(exclude={"edition"}, exclude_none=True)
    after = found.model_copy(update=given | {"edition": found.edition + 1})
    return (_begun(after, cause) if after.url != found.url else after), []


def rotate(state: Endpoint | None, cause: Cause[Rotation]) -> Changed:
    """Sign with a new secret, and with the old ones for a while. Raises Conflict if that is too often."""
    found = _editable(state, cause.data.edition)
    there = [each for each in found.secrets if each.until is None or each.until > cause.time]
    if len(there) >= MOST_SECRETS:
        raise Conflict(f"{MOST_SECRETS} secrets sign already; wait until the oldest has run out")
    until = cause.time + OVERLAP
    old = (each.model_copy(update={"until": each.until or until}) for each in there)
    secrets = (Secret(text=cause.data.secret, made_at=cause.time, request=cause.id), *old)
    return found.model_copy(update={"secrets": secrets, "edition": found.edition + 1}), []


def switch(state: Endpoint | None, cause: Cause[Switch]) -> Changed:
    """Enable an endpoint, with a clean record, or disable it."""
    found = _editable(state, cause.data.edition)
    if cause.data.on == (found.disabled is None):
        return found, []
    if not cause.data.on:
        return _disabled(found, cause, "by hand", edition=found.edition + 1)
    return _begun(found.model_copy(update={"disabled": None, "edition": found.edition + 1}), cause), []


def remove(state: Endpoint | None, cause: Cause[int | None]) -> Changed:
    """Take an endpoint away with its secrets."""
    found = _editable(state, cause.data)
    return found.model_copy(update={"removed": True, "secrets": (), "url": "", "disabled": "removed"}), []


def _editable(state: Endpoint | None, edition: int | None) -> Endpoint:
    if state is None or state.removed:
        raise NotFound("There is no webhook with this id")
    if edition is not None and edition != state.edition:
        raise PreconditionFailed("The webhook has changed since it was read; read it again")
    return state


# by what happens to it


def make_due(state: Endpoint | None, cause: Cause[datetime]) -> Changed:
    """All that waited when it was enabled, at `cause.data`, is due."""
    assert state is not None
    return state.model_copy(update={"held": state.held and state.enabled_at != cause.data}), []


def take_note(state: Endpoint | None, cause: Cause[Health]) -> Changed:
    """The endpoint after an attempt: its circuit closed or open, or disabled after too much.

    What an attempt at an earlier edition comes to says nothing of this one.
    """
    assert state is not None
    if state.removed or state.disabled is not None or cause.data.edition != state.edition:
        return state, []
    if cause.data.delivered:
        return _healthy(state), []
    since = state.failing_since or cause.time
    failures = state.failures + 1
    wait = timedelta(seconds=cause.data.wait)
    if failures >= FAILURES:
        longest = min(LONGEST, SHORTEST * 2 ** min(failures - FAILURES, 10))
        wait = max(wait, longest * (0.5 + cause.data.chance / 2))
    update = {"failures": failures, "failing_since": since, "probe": None}
    after = state.model_copy(update=update | {"shut_until": cause.time + wait if wait else None})
    if cause.data.gone:
        return _disabled(after, cause, "it answered 410 Gone")
    if cause.time - since >= GIVEN_UP:
        return _disabled(after, cause, f"it failed for {GIVEN_UP.days} days on end")
    return after, []


def take_probe(state: Endpoint | None, cause: Cause[None]) -> Changed:
    """Whoever is first after the pause of an open circuit may send one event."""
    assert state is not None
    if state.shut_until is None or state.shut_until > cause.time:
        return state, []
    return state.model_copy(update={"shut_until": cause.time + PROBE, "probe": cause.id}), []


def _begun(state: Endpoint, cause: Cause[Any]) -> Endpoint:
    return _healthy(state).model_copy(update={"enabled_at": cause.time, "held": True})


def _healthy(state: Endpoint) -> Endpoint:
    return state.model_copy(update={"failures": 0, "failing_since": None, "shut_until": None, "probe": None})


def _disabled(state: Endpoint, cause: Cause[object], reason: str, **more: int) -> Changed:
    fact = WebhookDisabled(endpoint=cause.complaint, reason=reason)
    return state.model_copy(update={"disabled": reason, **more}), [fact]
