"""Places in the history, each with a mark that tells whether the stream is still the one it was taken in."""

from datetime import datetime
from hashlib import blake2b
from typing import Literal, NamedTuple

MARK = "[0-9a-f]{16}"
"""The form of a mark."""


class Place(NamedTuple):
    """Where to go on: at an offset, behind so many events of the message there.

    `mark` is of the message that was read last: this one if some of its events were, else the one before.
    It is empty where nothing was read yet.
    """

    offset: int
    position: int = 0
    mark: str = ""

    @property
    def seen(self) -> int:
        """The offset of the message that was read last."""
        return self.offset if self.position else self.offset - 1

    def __str__(self) -> str:
        """As an operator gives it again; events of the message that were read come once more."""
        return f"{self.offset}:{self.mark}" if self.mark and not self.position else str(self.offset)


Start = Literal["first"] | int | datetime | Place
"""Where reading begins: at the first message left, at an offset, at an instant, or where somebody ended."""


def mark(id: str | None, body: bytes) -> str:
    """What tells a message from another that got its offset in another stream."""
    return blake2b((id or "").encode() + b"\0" + body, digest_size=8).hexdigest()
