"""Of Kafka: the topics, the thresholds in force, how far the workers are, what could not be read."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, TypeAlias

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from hubapp import cluster, in_force, pipes, topics
from hubapp.doctor.line import Line, judged
from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.thresholds import Thresholds

Offsets: TypeAlias = dict[TopicPartition, int]

READING = {"isolation_level": "read_committed", "enable_auto_commit": False}
# A worker in its stride is a second behind; markers of transactions count as records, and nobody is ever quite at the end.
BEHIND = 10_000
DAY_MS = 86_400_000
# More than this of a source, and more than as many, is what puts a mark on its findings.
SHARE, MANY = 0.1, 100


async def topics_as_declared(settings: Settings) -> Line:
    found = await cluster.check(settings)
    if not found:
        return Line("topics", "good", "as declared")
    one = found[0]
    first = f"{one.topic}: {one.what} {one.there}, should be {one.should}"
    return Line("topics", "bad", f"{len(found)} differences, the first {first}; hub topics check")


async def thresholds_in_force(settings: Settings) -> Line:
    applied = await in_force.in_force(settings)
    if applied is None:
        return Line("thresholds", "bad", "none were ever applied: hub rules apply")
    try:
        wanted = in_force.of_file(settings.config)
    except Failure as failure:
        return Line("thresholds", "bad", str(failure))
    if applied == wanted:
        return Line("thresholds", "good", f"those of {settings.config}" if settings.config else "the defaults")
    if settings.config is None:
        return Line("thresholds", "unknown", "those in force are not the defaults, and HUB_CONFIG names no file to compare with")
    differ = differing(applied, wanted)
    return Line("thresholds", "bad", f"{settings.config} differs in {', '.join(differ)}: hub rules apply")


def differing(applied: Thresholds, wanted: Thresholds) -> list[str]:
    """The tables of hub.toml in which they differ."""
    return [name for name in Thresholds.__struct_fields__ if getattr(applied, name) != getattr(wanted, name)]


async def workers_behind(settings: Settings) -> Line:
    """How much of what the workers read is not committed yet."""
    async with cluster.admin(settings) as client:
        told = await client.list_consumer_group_offsets(settings.group)
    committed = {partition: found.offset for partition, found in told.items() if found.offset >= 0}
    if not committed:
        return Line("workers", "unknown", f"group {settings.group} has committed nothing: no worker has run here")
    return behind("workers", committed, await ends_of(settings, list(committed)), "start more workers, or look at their logs")


def behind(check: str, done: Offsets, ends: Offsets, advice: str) -> Line:
    lags = {partition: max(0, ends[partition] - offset) for partition, offset in done.items() if partition in ends}
    lag = sum(lags.values())
    if lag <= BEHIND:
        return Line(check, "good", f"{lag} records behind, of {len(lags)} partitions")
    worst = max(lags, key=lambda partition: (lags[partition], partition))
    return Line(check, "bad", f"{lag} records behind, most in {worst.topic}-{worst.partition} ({lags[worst]}): {advice}")


async def ends_of(settings: Settings, partitions: list[TopicPartition]) -> Offsets:
    """Of those that exist."""
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        there = await consumer.topics()
        found: Offsets = await consumer.end_offsets([one for one in partitions if one.topic in there])
        return found


async def quarantine_share(settings: Settings) -> Line:
    """Of the records of the last day that are kept, how many could not be read, by source."""
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        there = await consumer.topics()
        names = [name for topic in topics.READ if (name := settings.topics.get(topic.role, topic.role)) in there]
        parts = [one for name in names for one in await pipes.partitions(consumer, name)]
        since = await since_yesterday(consumer, parts)
        ends = await consumer.end_offsets(parts)
        unreadable = await quarantined(consumer, since)
    read: Counter[str] = Counter()
    for part in parts:
        read[part.topic] += ends[part] - since[part]
    return share("quarantine", unreadable, read)


def share(check: str, unreadable: Counter[str], read: Counter[str]) -> Line:
    total = read.total()
    if not total:
        return Line(check, "unknown", "the sources hold no record of the last day")
    says = f"{unreadable.total()} of {total} records of the last day could not be read"
    shares = {name: unreadable[name] / max(read[name], unreadable[name]) for name in unreadable}
    worst = max(shares, key=lambda name: (unreadable[name] > MANY, shares[name], name), default=None)
    if worst is None:
        return Line(check, "good", says)
    most = f"{says}, most of {worst} ({shares[worst]:.1%})"
    bad = shares[worst] > SHARE and unreadable[worst] > MANY
    return judged(check, bad, f"{most}: hub quarantine list --topic {worst}" if bad else most)


async def since_yesterday(consumer: Any, parts: list[TopicPartition]) -> Offsets:
    """The first offset that is a day old at most; the end where nothing is so young."""
    since = int(time.time() * 1000) - DAY_MS
    found = await consumer.offsets_for_times(dict.fromkeys(parts, since)) if parts else {}
    ends = await consumer.end_offsets(parts)
    return {part: found[part].offset if found.get(part) else ends[part] for part in parts}


async def quarantined(consumer: Any, since: Offsets) -> Counter[str]:
    """Records in the quarantine that stand in their source at *since* or behind it, by topic."""
    count: Counter[str] = Counter()
    parts = await pipes.partitions(consumer, topics.QUARANTINE)
    consumer.assign(parts)
    for part, offset in (await since_yesterday(consumer, parts)).items():
        consumer.seek(part, offset)
    async for record in pipes.read(consumer, await consumer.end_offsets(parts)):
        told = orjson.loads(record.value)
        place = TopicPartition(told["topic"], told["partition"])
        count[place.topic] += told["offset"] >= since.get(place, 0)
    return +count
