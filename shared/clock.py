"""The clock: the one place that asks what time it is.

Business time is an affine map of the machine's time, so that a demo or a test can shift or speed the whole
system alike. `REDRESS_CLOCK` holds `<machine instant>/<business instant>/<speed>`, for example
`2026-11-22T08:00:00+00:00/2026-09-18T09:59:00+00:00/3600`; unset, both are the same.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Clock:
    """A map from machine time to business time; `speed` business seconds pass in one of the machine's."""

    machine: datetime
    business: datetime
    speed: float

    @classmethod
    def parse(cls, text: str) -> "Clock":
        """Read `REDRESS_CLOCK`. Raises ValueError on another form or a speed that is not positive."""
        machine, business, speed = text.split("/")
        clock = cls(datetime.fromisoformat(machine), datetime.fromisoformat(business), float(speed))
        if clock.speed <= 0 or None in (clock.machine.tzinfo, clock.business.tzinfo):
            raise ValueError("REDRESS_CLOCK takes two instants with offset and a speed above 0")
        return clock

    def __str__(self) -> str:
        return f"{self.machine.isoformat()}/{self.business.isoformat()}/{self.speed}"

    def business_time(self, machine: datetime) -> datetime:
        return (self.business + (machine - self.machine) * self.speed).astimezone(UTC)

    def machine_time(self, business: datetime) -> datetime:
        return (self.machine + (business - self.business) / self.speed).astimezone(UTC)


_ALMOST_A_MS = timedelta(microseconds=999)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_clock = (
    Clock.parse(os.environ["REDRESS_CLOCK"])
    if os.environ.get("REDRESS_CLOCK")
    else Clock(_EPOCH, _EPOCH, 1.0)
)


def now() -> datetime:
    """Business time in UTC, to the millisecond."""
    return _to_ms(_clock.business_time(datetime.now(UTC)))


def machine_now() -> datetime:
    """The machine's own time in UTC, to the millisecond, for pauses between attempts."""
    return _to_ms(datetime.now(UTC))


def wake_at(due: datetime) -> datetime:
    """The machine's instant when business time has reached `due`: what an index on `$$NOW` holds."""
    return _to_ms(_clock.machine_time(due) + _ALMOST_A_MS)


def _to_ms(instant: datetime) -> datetime:
    """MongoDB keeps milliseconds; an instant that is compared with one it kept must have no more."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
