"""`python -m tests.docs.park SERVICE` has a message parked that nobody can read, and tells its id."""

import asyncio
import os
import sys

import aio_pika

from deploy.parked.messages import listed


async def park(url: str, service: str) -> str:
    """Sent to its inbox by an operator; the service parks it, under an id of its own."""
    before = {each.id for each in await listed(url, service)}
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        unreadable = aio_pika.Message(b"unreadable")
        await channel.default_exchange.publish(unreadable, f"{service}.inbox", mandatory=True)
    while not (new := {each.id for each in await listed(url, service)} - before):
        await asyncio.sleep(0.2)
    return new.pop()


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(park(os.environ["REDRESS_OPERATOR_AMQP_URL"], sys.argv[1])))
