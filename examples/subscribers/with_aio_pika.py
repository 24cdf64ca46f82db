"""A subscriber with aio-pika: one line for every event, each once; `TEAM_URL` is the connection string."""

import asyncio
import json
import os
import sqlite3
from logging import warning

import aio_pika

DONE = sqlite3.connect("done.db")
DONE.execute("create table if not exists done (source, id, primary key (source, id))")


def take(given):
    try:
        if isinstance(given, bytes):
            return [take(event) for event in json.loads(given)]
        with DONE:  # your own changes belong into this transaction: all is kept, or nothing
            if DONE.execute("insert or ignore into done values (:source, :id)", given).rowcount:
                print(given["time"], given["type"], given["subject"], given["id"], flush=True)
    except (LookupError, TypeError, ValueError, sqlite3.ProgrammingError) as why:
        warning("left out, because it would never go well: %r", why)


async def main():
    while True:
        try:
            async with await aio_pika.connect(os.environ["TEAM_URL"]) as link, link.channel() as channel:
                await channel.set_qos(prefetch_count=10)
                async for message in await channel.get_queue(link.url.user, ensure=False):
                    take(message.body)
                    await message.ack()
        except (OSError, aio_pika.exceptions.AMQPError) as why:
            warning("the broker is away: %r", why)
            await asyncio.sleep(1)


asyncio.run(main())
