"""Publishing: a version of a pack is proposed by one, approved by another, and never changes again."""

import hashlib
import json
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel

from shared.envelope import Cause
from shared.events import Fact, PolicyPublished
from shared.problems import Conflict, NotFound, PreconditionFailed


class Proposing(BaseModel):
    """The command to propose a version; `content` is the whole pack, whatever it extends included."""

    pack: str
    version: int
    content: dict[str, Any]


class Proposal(BaseModel):
    """A version on its way to being published."""

    pack: str
    version: int
    content: dict[str, Any]
    author: str
    proposed_at: AwareDatetime
    state: Literal["proposed", "published"] = "proposed"
    approver: str | None = None
    published_at: AwareDatetime | None = None

    @property
    def digest(self) -> str:
        """What tells this text from another under the same name."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()[:32]


Published = tuple[Proposal, list[Fact]]


def propose(state: Proposal | None, cause: Cause[Proposing]) -> Published:
    """Put a version forward, or another text for one that is not published yet. Raises Conflict."""
    given = cause.data
    if state is not None and state.state == "published":
        if state.content == given.content:
            return state, []
        raise Conflict(f"{given.pack}/{given.version} is published and never changes; take the next version")
    if state is not None and (state.content, state.author) == (given.content, cause.by):
        return state, []
    return Proposal(**given.model_dump(), author=cause.by, proposed_at=cause.time), []


def approve(state: Proposal | None, cause: Cause[str]) -> Published:
    """Publish what another proposed, if it still is what `cause.data` names.

    Raises NotFound, PreconditionFailed for another text, or Conflict if author and approver are one.
    """
    if state is None:
        raise NotFound("This version was not proposed")
    if state.digest != cause.data:
        raise PreconditionFailed("The proposal is another text now; read it again before you approve it")
    if state.state == "published":
        return state, []
    if state.author == cause.by:
        raise Conflict("Somebody else must approve: nobody publishes a policy alone")
    news = {"state": "published", "approver": cause.by, "published_at": cause.time}
    event = PolicyPublished(pack=state.pack, version=state.version, content=state.content)
    return state.model_copy(update=news), [event]
