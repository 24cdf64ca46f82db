"""Deliveries: one for each event and endpoint, for ever, and how far it has come; in the machine's time."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel

from shared.envelope import Cause
from shared.events import Fact, WebhookFailed
from shared.problems import Conflict

PAUSES = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The longest pauses between attempts in seconds; each is taken at random up to that (full jitter)."""
SHORTEST_S = 1.0
GIVE_UP = timedelta(days=3)
MOST_ATTEMPTS = 30
LONGEST_WAIT_S = 3_600.0
"""The longest wait that an endpoint may ask for."""
MOMENT = timedelta(seconds=2)
HOLD = timedelta(seconds=45)
"""How long an attempt is waited for before it is made anew; attempts take less."""
KEPT, KEPT_WAITING = timedelta(days=30), timedelta(days=90)
"""How long a delivery is kept once it has ended, and one that never ends (its endpoint is disabled)."""

State = Literal["waiting", "delivered", "failed"]


class Attempt(BaseModel):
    """One attempt: when, how long it took, and why it did not go well, if so."""

    at: AwareDatetime
    ms: int
    status: int | None = None
    reason: str | None = None


class Outcome(BaseModel):
    """How an attempt ended; `gone` is 410, `wait` how many seconds the endpoint asked for."""

    attempt: Attempt
    delivered: bool = False
    gone: bool = False
    wait: float = 0


class Report(BaseModel):
    """What a claim came to; `chance` (0 to 1) spreads the pause; the endpoint was enabled at `enabled_at`."""

    claim: UUID
    outcome: Outcome
    chance: float
    enabled_at: AwareDatetime


class Delivery(BaseModel):
    """An event on its way to an endpoint; `body` is what is sent, always the same.

    `since` is when it was made, or asked for again: then it has three days. `tried` counts attempts since.
    """

    endpoint: UUID
    event: UUID
    type: str
    subject: str
    body: str
    traceparent: str | None = None
    made_at: AwareDatetime
    since: AwareDatetime
    state: State = "waiting"
    next_at: AwareDatetime
    claim: UUID | None = None
    tried: int = 0
    attempts: tuple[Attempt, ...] = ()
    ended_at: AwareDatetime | None = None
    replays: int = 0

    @property
    def kept_until(self) -> datetime:
        return self.ended_at + KEPT if self.ended_at else self.since + KEPT_WAITING


Told = tuple[Delivery, list[Fact]]


def delivery_id(event: UUID, endpoint: UUID) -> UUID:
    """The id of the one delivery of this event to this endpoint, its `webhook-id`."""
    return uuid5(endpoint, str(event))


def make(state: Delivery | None, cause: Cause[Delivery]) -> Told:
    """Once made, it is never made again."""
    return state or cause.data, []


def claim(state: Delivery | None, cause: Cause[datetime]) -> Told:
    """Take it on for a while, if it was due when the database's clock showed `cause.data`."""
    assert state is not None
    if state.state != "waiting" or state.next_at > cause.data:
        return state, []
    return state.model_copy(update={"claim": cause.id, "next_at": cause.data + HOLD}), []


def release(state: Delivery | None, cause: Cause[UUID]) -> Told:
    """Give back what was claimed (`cause.data`) and not tried: it is due again in a moment."""
    assert state is not None
    if state.state != "waiting" or state.claim != cause.data:
        return state, []
    return state.model_copy(update={"claim": None, "next_at": cause.time + MOMENT}), []


def hasten(state: Delivery | None, cause: Cause[datetime]) -> Told:
    """What waits is due once its endpoint is enabled, at `cause.data`, but for attempts begun since."""
    assert state is not None
    tried = bool(state.attempts) and state.attempts[-1].at >= cause.data
    if state.state != "waiting" or state.claim is not None or tried or state.next_at <= cause.data:
        return state, []
    return state.model_copy(update={"next_at": cause.data}), []


def record(state: Delivery | None, cause: Cause[Report]) -> Told:
    """Note how an attempt ended. A late success counts, a late failure does not: another attempt is on."""
    assert state is not None
    outcome = cause.data.outcome
    if state.state != "waiting" or not (outcome.delivered or state.claim == cause.data.claim):
        return state, []
    tried = state.tried + 1
    attempts = (*state.attempts, outcome.attempt)[-MOST_ATTEMPTS:]
    after = state.model_copy(update={"tried": tried, "attempts": attempts, "claim": None})
    if outcome.delivered:
        return after.model_copy(update={"state": "delivered", "ended_at": cause.time}), []
    ends = max(state.since, cause.data.enabled_at) + GIVE_UP
    if not outcome.gone and (cause.time >= ends or tried >= MOST_ATTEMPTS):
        return after.model_copy(update={"state": "failed", "ended_at": cause.time}), _failed(after)
    longest = PAUSES[min(tried, len(PAUSES)) - 1]
    pause = max(SHORTEST_S, outcome.wait, cause.data.chance * longest)
    soonest = cause.time + timedelta(seconds=pause)
    return after.model_copy(update={"next_at": min(soonest, max(ends, cause.time))}), []


def _failed(state: Delivery) -> list[Fact]:
    """Nobody is told that telling of a failure has failed: endpoints that are away would breed events."""
    if state.type.startswith("webhook."):
        return []
    reason = state.attempts[-1].reason or "unknown"
    return [
        WebhookFailed(
            endpoint=state.endpoint,
            event=state.event,
            event_type=state.type,
            attempts=state.tried,
            reason=reason,
        )
    ]


def replay(state: Delivery | None, cause: Cause[datetime]) -> Told:
    """Send one that has ended once more, under the same id. Raises Conflict if it is still on its way."""
    assert state is not None
    if state.state == "waiting":
        raise Conflict("This delivery is on its way already")
    update = {
        "state": "waiting",
        "since": cause.time,
        "next_at": cause.data,
        "tried": 0,
        "ended_at": None,
        "replays": state.replays + 1,
    }
    return state.model_copy(update=update), []


def replay_ended(state: Delivery | None, cause: Cause[datetime]) -> Told:
    """The same among many: one that is still on its way stays as it is."""
    assert state is not None
    return (state, []) if state.state == "waiting" else replay(state, cause)
