"""A service that one event kills, started again each time: `python -m tests.kit.fatal AMQP_URL CAUSE`.

It says `died` and whichever event it has handled, line by line, and goes on until it is killed itself.
"""

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

from shared import inbox as receiving
from shared.bus import Publisher
from shared.envelope import Cause
from shared.events import ComplaintRegistered
from shared.inbox import Inbox


def main(url: str, fatal: str) -> None:
    receiving.APART_S = 0.3  # that nobody has to wait for it
    while True:
        if child := os.fork():  # of a process that has imported everything: a start takes no time
            os.waitpid(child, 0)
            say("died")
        else:
            asyncio.run(serve(url, UUID(fatal)))


async def serve(url: str, fatal: UUID) -> None:
    inbox = Inbox("triage")

    @inbox.on(ComplaintRegistered)
    async def heard(event: Cause[Any]) -> None:
        if event.complaint == fatal:
            os._exit(1)
        say(str(event.complaint))

    await inbox.start(url, Publisher(url, "triage"))
    await asyncio.Event().wait()


def say(word: str) -> None:
    os.write(sys.stdout.fileno(), f"{word}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
