"""Offsets that retention passed while nobody read them are told once, with what follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from hubapp.local.kafka import Cluster
from tests.engine_rig import Worker, admin_of, answered, content, create_topics, load, no_worker_left, read, until

pytestmark = pytest.mark.live


async def test_what_is_gone_is_told_once_with_what_follows(kafka: Cluster, unique: str, scratch: Path) -> None:
    await create_topics(kafka.address, unique, later=1, source=0, tallied=0)
    worker = Worker(scratch, "w1", unique, kafka.address)
    with no_worker_left(worker):
        await load(kafka.address, [f"{unique}later"], 10)
        await run(worker, kafka, unique, until_offset=10)
        await load(kafka.address, [f"{unique}later"], 10, first=10)
        async with admin_of(kafka.address) as client:
            await client.delete_records({TopicPartition(f"{unique}later", 0): RecordsToDelete(before_offset=15)})
        await run(worker, kafka, unique, until_offset=20)
        assert await gaps(kafka, unique) == [[10, 15]]


async def run(worker: Worker, kafka: Cluster, unique: str, until_offset: int) -> None:
    async def all_answered() -> bool:
        return await answered(kafka.address, unique, "later") == until_offset

    worker.start()
    await until(all_answered, worker)
    assert await worker.stop() == 0


async def gaps(kafka: Cluster, unique: str) -> list[list[int]]:
    told = [content(record) for records in (await read(kafka.address, f"{unique}log")).values() for record in records]
    return [one["gap"] for one in told if "gap" in one]
