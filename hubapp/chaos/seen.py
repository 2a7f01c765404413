"""All that is committed in topics, as a reader with read_committed sees it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from hubapp import kafka
from hubapp.cluster import admin
from hubapp.facts import SECOND, Micros, Progress, decode_log
from hubapp.rules.told import EpisodeTold, decode_house_log
from hubapp.settings import Settings
from hubapp.topics import PATIENTS, READ
from hubapp.ward.watermark import Watermark

Records = dict[str, dict[int, list[ConsumerRecord]]]
"""topic -> partition -> records"""
BOUNDS: dict[str, Micros] = {topic.role: topic.bound * SECOND for topic in READ}


def reader(settings: Settings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        **kafka.client_options(settings),
    )


async def everything(settings: Settings, topics: Iterable[str]) -> Records:
    """Every committed record of those of *topics* that exist, up to their present ends."""
    found: Records = {}
    async with reader(settings) as consumer:
        cluster = await consumer._client.fetch_all_metadata()
        for topic in topics:
            parts = [TopicPartition(topic, number) for number in sorted(cluster.partitions_for_topic(topic) or ())]
            found[topic] = {part.partition: [] for part in parts}
            if parts:
                await _read(consumer, parts, found[topic])
    return found


async def _read(consumer: AIOKafkaConsumer, parts: list[TopicPartition], into: dict[int, list[ConsumerRecord]]) -> None:
    consumer.assign(parts)
    ends = await consumer.end_offsets(parts)
    left = set(parts)
    while left := {part for part in left if await consumer.position(part) < ends[part]}:
        for part, records in (await consumer.getmany(timeout_ms=200)).items():
            into[part.partition] += (record for record in records if record.offset < ends[part])


async def changelogs(settings: Settings) -> list[str]:
    async with reader(settings) as consumer:
        names = (await consumer._client.fetch_all_metadata()).topics()
    return sorted(name for name in names if name.startswith(f"{settings.group}-") and name.endswith("-changelog"))


async def answered(settings: Settings) -> dict[tuple[str, int], int]:
    """The workers' committed offsets; empty while their coordinator moves."""
    with suppress(KafkaError):
        async with admin(settings) as client:
            offsets = await client.list_consumer_group_offsets(settings.group)
        return {(tp.topic, tp.partition): held.offset for tp, held in offsets.items()}
    return {}


class Following:
    """Reads hub-patients as it grows: where its watermark stands, and whether the input has ended in all of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.marks: defaultdict[int, Watermark] = defaultdict(Watermark)
        self.at: dict[int, Micros] = {}
        self.ended_at: dict[int, int] = {}

    async def __aenter__(self) -> Following:
        self.consumer = reader(self.settings)
        await self.consumer.start()
        parts = sorted((await self.consumer._client.fetch_all_metadata()).partitions_for_topic(PATIENTS) or ())
        self.consumer.assign([TopicPartition(PATIENTS, number) for number in parts])
        self.partitions = parts
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.consumer.stop()

    async def look(self) -> None:
        for part, records in (await self.consumer.getmany(timeout_ms=200)).items():
            for record in records:
                self._hear(part.partition, record)

    def _hear(self, partition: int, record: ConsumerRecord) -> None:
        told = decode_log(record.value)
        if isinstance(told, Progress):
            mark = self.marks[partition]
            mark.hear(told, {topic: record.timestamp * 1000 - bound for topic, bound in BOUNDS.items()})
            if mark.at is not None:
                self.at[partition] = mark.at
            if mark.counts and not mark.holders():
                self.ended_at.setdefault(partition, record.offset)

    async def concluded(self) -> bool:
        """The input has ended, and the workers have answered what says so."""
        await self.look()
        if len(self.ended_at) < len(self.partitions):
            return False
        held = await answered(self.settings)
        return all(held.get((PATIENTS, number), 0) > offset for number, offset in self.ended_at.items())


async def ends_of_facts(settings: Settings, logs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The offset of the last fact of each log partition: behind it stands progress alone."""
    found = await everything(settings, {topic for topic, _ in logs})
    ends: dict[tuple[str, int], int] = {}
    for log in logs:
        facts = (r.offset for r in found[log[0]][log[1]] if not isinstance(decode_house_log(r.value), Progress | EpisodeTold))
        ends[log] = max(facts, default=-1)
    return ends
