"""The epoch of the hub logs: a number made with them, in the compacted topic hub-meta; it grows when they are made anew."""

from __future__ import annotations

import time

from hubapp import kafka
from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.topics import META

KEY = b"log_epoch"


async def read(settings: Settings) -> int | None:
    """The newest that was written; None if none ever was."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    place = TopicPartition(META, 0)
    newest = None
    async with AIOKafkaConsumer(**kafka.client_options(settings), enable_auto_commit=False) as consumer:
        if META not in await consumer.topics():
            raise Failure(f"topic {META} does not exist: run `hub topics apply`")
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(place, timeout_ms=1000)).values():
                newest = next((int(record.value) for record in reversed(records) if record.key == KEY), newest)
    return newest


async def write(settings: Settings) -> int:
    """Milliseconds since 1970, and in any case more than the one before."""
    from aiokafka import AIOKafkaProducer

    made = max(time.time_ns() // 1_000_000, (await read(settings) or 0) + 1)
    async with AIOKafkaProducer(**kafka.client_options(settings), acks="all") as producer:
        await producer.send_and_wait(META, str(made).encode(), key=KEY)
    return made
