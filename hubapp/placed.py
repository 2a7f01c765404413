"""Places of a file into the hub logs: which the topics do not tell, and which stand there already.

What was imported stands in the compacted topic hub-meta too, since the logs forget after a week: so a file that is read
again changes nothing, and a mended one only what was mended.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from hubapp import epoch, kafka, pipes, placing, topics
from hubapp.database import database_url
from hubapp.facts import AnyFact, BedPlaced, EncounterChanged, MonitorPlaced, encode_fact, fold
from hubapp.failure import Failure
from hubapp.intake.intake import record_of
from hubapp.placing import Row, Table, Told
from hubapp.settings import Settings
from hubapp.store.connection import opened
from hubapp.wire import Ignored, Malformed, Zones, decode

READING = {"isolation_level": "read_committed", "enable_auto_commit": False}
# Where the topics tell of places; few records, and all that is kept of them is read.
SOURCES = ("events-device", "events-patient")
KEY = b"place/"
SHOWN = 20
MONITORS = """SELECT DISTINCT monitor FROM facts
    WHERE hub = $1 AND NOT alarm AND monitor = ANY($2::text[]) AND "timestamp" >= $3 AND topic <> $4
    AND (type = 'MonitorPlaced' AND body->>'place' <> 'unsure' OR type = 'EncounterChanged' AND body ? 'bed')"""
UNIT = "SELECT EXISTS (SELECT 1 FROM findings WHERE hub = $1 AND epoch = $2 AND units @> ARRAY[$3::text])"


class Kept(msgspec.Struct):
    """A row as hub-meta keeps it; epoch: of the hub logs that it was written into."""

    epoch: int
    row: Row


class Done(NamedTuple):
    """monitors, units: placed. told: monitors and units that the topics tell of. unasked: why the store was not asked."""

    rows: int
    monitors: int
    units: int
    told: int
    unasked: str | None


def of_file(path: Path) -> tuple[dict[str, Row], str]:
    """The rows of a file, and the hash of its bytes. Raises Failure: every malformed line by its number."""
    try:
        content = path.read_bytes()
        return placing.parsed(content), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    except placing.Wrong as wrong:
        more = len(wrong.complaints) - SHOWN
        complaints = wrong.complaints[:SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise Failure(f"{path}: {'; '.join(complaints)}; nothing is written") from wrong


async def bring(settings: Settings, path: Path, *, dry: bool) -> Done:
    """Write what the file says, and is not known, into every partition of the hub logs, in one transaction; *dry*: don't."""
    rows, sha256 = of_file(path)
    await kafka.reach(settings)
    log_epoch = await epoch.read(settings)
    if log_epoch is None:
        raise Failure(f"topic {topics.META} holds no log_epoch: run `hub topics apply`")
    before = await imported(settings, log_epoch)
    sources = await told_by_sources(settings)
    stored, unasked = await told_by_store(settings, rows, before, log_epoch)
    known = Told(sources.monitors | stored.monitors, sources.ids, {**stored.names, **sources.names})
    after = placing.merged(before, rows, known)
    facts = placing.changes(before, after, known, time.time_ns() // 1_000, sha256)
    news = {key: row for key, row in after.items() if before.get(key) != row}
    if not dry and (facts or news):
        await write(settings, facts, news, log_epoch)
    units = {unit for row in rows.values() for unit in row.units}
    told = len(rows.keys() & known.monitors) + sum(known.has(unit) for unit in units)
    return Done(len(rows), *placing.counted(facts), told, unasked)


async def imported(settings: Settings, log_epoch: int) -> dict[str, Row]:
    """The rows that were written into these hub logs before."""
    found: dict[str, Row] = {}
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        meta = [TopicPartition(topics.META, 0)]
        consumer.assign(meta)
        await consumer.seek_to_beginning(*meta)
        async for record in pipes.read(consumer, await consumer.end_offsets(meta)):
            if record.key and record.key.startswith(KEY) and record.value:
                kept = msgspec.json.decode(record.value, type=Kept)
                if kept.epoch == log_epoch:
                    found[fold(kept.row.serial)] = kept.row
    return found


async def write(settings: Settings, facts: list[AnyFact], news: Table, log_epoch: int) -> None:
    options = kafka.client_options(settings) | {"transaction_timeout_ms": 10_000}
    async with AIOKafkaProducer(transactional_id=f"{settings.group}-places", **options) as producer, producer.transaction():
        for topic in (topics.PATIENTS, topics.HOUSE):
            for partition in await producer.partitions_for(topic):
                for fact in facts:
                    await producer.send(topic, encode_fact(fact), partition=partition)
        for key, row in news.items():
            await producer.send(topics.META, msgspec.json.encode(Kept(log_epoch, row)), key=KEY + key.encode())


async def told_by_sources(settings: Settings) -> Told:
    """What those records say of places that the sources still hold."""
    monitors: set[str] = set()
    ids: set[str] = set()
    names: dict[str, str | None] = {}
    for fact in [fact for role in SOURCES for fact in await told_by(settings, role)]:
        match fact:
            case MonitorPlaced(place="bed" | "none", serial=str(serial)) | EncounterChanged(serial=str(serial), bed=str()):
                monitors.add(fold(serial))
            case BedPlaced(unit=str(unit)) if fact.beds is not None or fact.deleted:
                ids.add(unit)
                if fact.name:
                    names[fold(fact.name)] = unit
    return Told(frozenset(monitors), frozenset(ids), names)


async def told_by(settings: Settings, role: str) -> list[AnyFact]:
    name = settings.topics.get(role, role)
    zones = Zones.named(settings.zone_authentication, settings.zone_platform)
    async with pipes.connected(AIOKafkaConsumer, settings, **READING) as consumer:
        if name not in await consumer.topics():
            return []
        parts = await pipes.partitions(consumer, name)
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        return [fact async for record in pipes.read(consumer, ends) for fact in facts_of(record, role, zones)]


def facts_of(record: Any, role: str, zones: Zones) -> Iterator[AnyFact]:
    """What cannot be read is in the quarantine already."""
    try:
        decoded = decode(record_of(record, role), zones)
    except Malformed:
        return
    if not isinstance(decoded, Ignored):
        yield from decoded


async def told_by_store(settings: Settings, rows: Table, before: Table, log_epoch: int) -> tuple[Told, str | None]:
    """What the topics told since these hub logs were made, as the store has it; or why it was not asked."""
    imported_names = {fold(unit.name) for row in before.values() for unit in row.units}
    units = {unit.name for row in rows.values() for unit in row.units if fold(unit.name) not in imported_names}
    since = datetime.fromtimestamp(log_epoch / 1000, UTC)
    try:
        async with opened(database_url(settings)) as pool:
            monitors = await pool.fetch(MONITORS, settings.name, list(rows), since, placing.TOPIC)
            known = {fold(name): None for name in units if await pool.fetchval(UNIT, settings.name, log_epoch, name)}
    except Failure as failure:
        return Told(), str(failure)
    return Told(frozenset(row["monitor"] for row in monitors), frozenset(), known), None
