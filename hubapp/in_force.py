"""Thresholds from hub.toml into the hub logs, and which are in force there.

They are a fact: all workers change at the same record. A copy stands in the compacted topic hub-meta, since the logs
forget after a week.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from hubapp import kafka
from hubapp.facts import RulesChanged, encode_fact
from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.thresholds import Thresholds, parse, read
from hubapp.topics import HOUSE, META, PATIENTS

KEY = b"thresholds"


def of_file(path: Path | None) -> Thresholds:
    """What hub.toml says; without one, the defaults. Raises Failure with place and allowed range."""
    if path is None:
        return Thresholds()
    try:
        return read(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror} (HUB_CONFIG)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise Failure(f"{path}: {error}") from error


async def apply(settings: Settings, thresholds: Thresholds) -> None:
    """Write *thresholds* into every partition of the hub logs, and beside them, in one transaction."""
    text = thresholds.text()
    options = kafka.client_options(settings)
    await kafka.reach(settings)
    async with AIOKafkaProducer(transactional_id=f"{settings.group}-rules", **options) as producer, producer.transaction():
        for topic in (PATIENTS, HOUSE):
            for partition in await producer.partitions_for(topic):
                await producer.send(topic, encode_fact(changed(text)), partition=partition)
        await producer.send(META, text.encode(), key=KEY)


def changed(text: str) -> RulesChanged:
    """A fact of the hub's own: its source is the file, its place the moment of its application."""
    now = time.time_ns() // 1_000
    return RulesChanged(at=now, sent=now, topic="hub.toml", partition=0, offset=now, timestamp=now, thresholds=text)


async def in_force(settings: Settings) -> Thresholds | None:
    """The thresholds applied last; None if none ever were."""
    await kafka.reach(settings)
    options = kafka.client_options(settings)
    meta, found = TopicPartition(META, 0), None
    async with AIOKafkaConsumer(isolation_level="read_committed", auto_offset_reset="earliest", **options) as consumer:
        if META not in await consumer.topics():
            raise Failure(f"topic {META} is missing: run hub topics apply")
        consumer.assign([meta])
        end = (await consumer.end_offsets([meta]))[meta]
        while await consumer.position(meta) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found = next((record.value for record in reversed(records) if record.key == KEY), found)
    return parse(found.decode()) if found else None


def rows(values: Any, defaults: Any, path: str = "") -> Iterator[tuple[str, Any, bool]]:
    """(place, value, is it the default) of each threshold, by its place in hub.toml."""
    for name, value in values.items():
        place = f"{path}.{name}" if path else name
        default = defaults.get(name) if isinstance(defaults, dict) else None
        if isinstance(value, dict) and value:
            yield from rows(value, default, place)
        else:
            yield place, value, value == default
