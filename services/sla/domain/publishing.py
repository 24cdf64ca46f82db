"""Publishing: a version of a calendar counts from now on, and never changes again."""

from typing import Any

from pydantic import AwareDatetime, BaseModel

from shared.envelope import Cause
from shared.events import CalendarPublished, Fact
from shared.problems import Conflict


class Edition(BaseModel):
    """A published version of a calendar, by whom and when."""

    calendar: str
    version: int
    content: dict[str, Any]
    by: str = ""
    at: AwareDatetime | None = None


def publish(state: Edition | None, cause: Cause[Edition]) -> tuple[Edition, list[Fact]]:
    """Make a version known to everybody. Raises Conflict if it was published with other content."""
    given = cause.data
    if state is not None and state.content == given.content:
        return state, []
    if state is not None:
        told = f"{given.calendar}/{given.version} is published and never changes; take the next version"
        raise Conflict(told)
    event = CalendarPublished(calendar=given.calendar, version=given.version, content=given.content)
    return given.model_copy(update={"by": cause.by, "at": cause.time}), [event]
