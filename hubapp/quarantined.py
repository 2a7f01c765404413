"""What lies in hub-quarantine: which records, and why. Never what they hold: the bytes of a broken record may name people."""

from __future__ import annotations

import base64
from collections import deque
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer

from hubapp import pipes, topics
from hubapp.facts import iso
from hubapp.settings import Settings

READING = {"isolation_level": "read_committed", "enable_auto_commit": False}


class Row(NamedTuple):
    """A record that could not be read: when it was written, where it stands, why, and how many bytes it has."""

    timestamp: str | None
    topic: str
    partition: int
    offset: int
    bytes: int | None
    reason: str


async def newest(settings: Settings, topic: str | None, count: int) -> list[Row]:
    """The last *count* records of hub-quarantine, of one source topic or of all."""
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        parts = await pipes.partitions(consumer, topics.QUARANTINE)
        ends = await consumer.end_offsets(parts)
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        rows = [row_of(orjson.loads(record.value)) async for record in pipes.read(consumer, ends)]
    return list(deque((row for row in rows if topic in (None, row.topic)), count))


def row_of(told: dict[str, Any]) -> Row:
    size = None if told["value"] is None else len(base64.b64decode(told["value"]))
    timestamp = None if told["timestamp"] < 0 else iso(told["timestamp"])
    return Row(timestamp, told["topic"], told["partition"], told["offset"], size, told["reason"])
