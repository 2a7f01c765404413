"""Whether Kafka still has a record, and whether its bytes are those that were read, by their SHA-256. Nothing of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from hubapp import pipes
from hubapp.cluster import cluster_id
from hubapp.explain.evidence import Kept, Place
from hubapp.settings import Settings

ANSWER_SECONDS = 5
READING = {"enable_auto_commit": False, "max_poll_records": 1, "fetch_max_wait_ms": 100}


async def kept(settings: Settings, wanted: Mapping[Place, str]) -> dict[Place, Kept]:
    """Of each of *wanted*, with the SHA-256 that was noted of it, what Kafka has."""
    if not wanted:
        return {}
    cluster = await cluster_id(settings)
    here = [place for place in wanted if place[0] == cluster]
    found: dict[Place, Kept] = {place: "elsewhere" for place in wanted if place[0] != cluster}
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        there = (await consumer._client.fetch_all_metadata()).partitions_for_topic
        standing = [place for place in here if place[2] in (there(place[1]) or ())]
        found |= dict.fromkeys(here, "gone")
        begins, ends = await bounds(consumer, standing)
        consumer.assign(sorted(begins))
        consumer.pause(*begins)
        for place in standing:
            partition = TopicPartition(place[1], place[2])
            if begins[partition] <= place[3] < ends[partition]:
                found[place] = await looked_at(consumer, partition, place[3], wanted[place])
    return found


async def bounds(consumer: Any, standing: Iterable[Place]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Of each partition the first offset that is kept, and the end."""
    partitions = sorted({TopicPartition(topic, partition) for _, topic, partition, _ in standing})
    if not partitions:
        return {}, {}
    return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)


async def looked_at(consumer: Any, partition: TopicPartition, offset: int, noted: str) -> Kept:
    """The record at *offset*, compared with what was *noted* of it."""
    consumer.seek(partition, offset)
    consumer.resume(partition)
    try:
        record = await asyncio.wait_for(consumer.getone(partition), ANSWER_SECONDS)
    except TimeoutError:
        return "not-asked"
    finally:
        consumer.pause(partition)
    return compared(record.value, noted) if record.offset == offset else "gone"


def compared(value: bytes | None, noted: str) -> Kept:
    return "same" if sha256(value or b"").hexdigest() == noted else "differs"
