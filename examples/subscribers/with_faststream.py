"""A subscriber with FastStream: one line for every event, each once (`faststream run with_faststream:app`)."""

import json
import os
import sqlite3
from logging import warning
from urllib.parse import urlsplit

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

URL = os.environ["TEAM_URL"]
queue = RabbitQueue(urlsplit(URL).username, declare=False)
DONE = sqlite3.connect("done.db")
DONE.execute("create table if not exists done (source, id, primary key (source, id))")
broker = RabbitBroker(URL, fail_fast=False, default_channel=Channel(prefetch_count=10), logger=None)
app = FastStream(broker)


def take(given):
    try:
        if isinstance(given, bytes):
            return [take(event) for event in json.loads(given)]
        with DONE:  # your own changes belong into this transaction: all is kept, or nothing
            if DONE.execute("insert or ignore into done values (:source, :id)", given).rowcount:
                print(given["time"], given["type"], given["subject"], given["id"], flush=True)
    except (LookupError, TypeError, ValueError, sqlite3.ProgrammingError) as why:
        warning("left out, because it would never go well: %r", why)


@broker.subscriber(queue, ack_policy=AckPolicy.MANUAL, no_reply=True)
async def on_batch(message: RabbitMessage):
    try:
        take(message.body)
        await message.ack()
    except sqlite3.Error as why:
        warning("this may go well later: %r", why)
        app.exit()  # what is not acknowledged comes again after the next start
