"""The engine answers each record once, whatever ends when; and the check that says so can fail."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from hubapp.local.kafka import Cluster
from tests.engine_rig import Worker, answered, create_topics, faults, load, no_worker_left, until

pytestmark = pytest.mark.live


@pytest.mark.slow
async def test_records_lazy_work_and_beats_are_exact_while_workers_are_killed(kafka: Cluster, unique: str, scratch: Path) -> None:
    await create_topics(kafka.address, unique)
    count, luck = 20_000, random.Random(9)
    workers = [
        Worker(scratch, name, unique, kafka.address, settings={"instance": name, "session_timeout": 6, "quiet_after_error": 2})
        for name in ("w1", "w2")
    ]
    with no_worker_left(*workers):
        for worker in workers:
            worker.start()
        loading = asyncio.create_task(load(kafka.address, [f"{unique}source", f"{unique}tallied"], count, per_second=1_000))
        await until(lambda: all(worker.told().get("ready") for worker in workers))
        for _ in range(4):
            await asyncio.sleep(luck.uniform(1.0, 4.0))
            victim = luck.choice(workers)
            victim.kill()
            victim.start()
        await loading
        await all_answered(kafka, unique, count, *workers)
        await until(lambda: all(worker.told().get("ready") for worker in workers), *workers)
        assert [await worker.stop() for worker in workers] == [0, 0]
        assert not await faults(kafka.address, unique, count, *workers)


async def test_a_planted_defect_turns_the_check_red_and_an_abort_does_not(kafka: Cluster, unique: str, scratch: Path) -> None:
    found = await asyncio.gather(
        *[run(kafka, f"{unique}{fault}-", scratch, fault) for fault in ("abort", "early", "drop", "twice")]
    )
    aborted, early, drop, twice = found
    assert not aborted
    assert early.wrong_totals
    assert drop.lost == 1
    assert twice.twice == 1


async def run(kafka: Cluster, prefix: str, scratch: Path, fault: str) -> object:
    await create_topics(kafka.address, prefix)
    worker = Worker(scratch, "w1", prefix, kafka.address, fault=fault)
    with no_worker_left(worker):
        worker.start()
        await load(kafka.address, [f"{prefix}source", f"{prefix}tallied"], 3_000, per_second=300)
        await all_answered(kafka, prefix, 3_000, worker)
        assert await worker.stop() == 0
    if fault == "abort":
        assert "a transaction is aborted" in worker.log.read_text()
    return await faults(kafka.address, prefix, 3_000, worker)


async def all_answered(kafka: Cluster, prefix: str, count: int, *workers: Worker) -> None:
    await until(lambda: all_read(kafka, prefix, count, "source", "tallied"), *workers, seconds=120)


async def all_read(kafka: Cluster, prefix: str, count: int, *topics: str) -> bool:
    return all([await answered(kafka.address, prefix, topic) >= count for topic in topics])


async def test_a_record_that_always_fails_ends_the_process_with_the_reason(kafka: Cluster, unique: str, scratch: Path) -> None:
    await create_topics(kafka.address, unique)
    await load(kafka.address, [f"{unique}source"], 1_000)
    worker = Worker(scratch, "w1", unique, kafka.address, fault="poison")
    with no_worker_left(worker):
        assert await worker.start().ended() == 1
    assert "PoisonedBatch: TP(topic='" in worker.log.read_text()
    worker.given["fault"] = ""
    with no_worker_left(worker.start()):
        await until(lambda: all_read(kafka, unique, 1_000, "source"), worker)
        assert await worker.stop() == 0
    found = await faults(kafka.address, unique, 1_000, worker)
    assert (found.lost, found.twice, found.wrong_totals, found.wrong_log) == (0, 0, 0, 0)
