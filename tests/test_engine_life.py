"""What a worker waits for, what it takes in while it runs, and when it may say that nothing comes."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions

from hubapp.local.kafka import Cluster
from tests.engine_rig import Worker, admin_of, answered, content, create_topics, load, no_worker_left, read, until

pytestmark = pytest.mark.live
REST = 4.0


@pytest.mark.slow
async def test_a_worker_waits_takes_in_what_appears_and_claims_no_silence_that_it_cannot_prove(scratch: Path) -> None:
    """One worker's life, told as a timeline: each part begins where the one before it ends."""
    cluster = Cluster(scratch / "life-kafka")
    cluster.directory.mkdir(parents=True)
    cluster._settle_ports()
    worker = Worker(
        scratch, "w1", "life-", cluster.address, settings={"quiet_after_error": REST, "consumer_metadata_max_age_ms": 1_000}
    )
    with no_worker_left(worker.start()):
        try:
            await it_waits_for_the_broker_and_says_so(worker, cluster)
            await sources_that_appear_are_read_from_their_start(worker, cluster)
            await a_new_partition_is_read_from_its_start(worker, cluster)
            await an_open_transaction_is_no_silence(worker, cluster)
            await nor_is_an_outage(worker, cluster)
            await lazy_work_does_not_wait_for_an_end_of_lazy_records(worker, cluster)
            await a_stop_commits_what_is_lazy(worker, cluster)
        finally:
            cluster.kill()


async def it_waits_for_the_broker_and_says_so(worker: Worker, cluster: Cluster) -> None:
    await until(lambda: "waiting for Kafka at" in worker.log.read_text(), worker)
    await asyncio.to_thread(cluster.start)
    await until(lambda: bool(worker.told().get("ready")), worker)
    assert worker.told()["cluster"] == cluster.cluster_id
    assert worker.told()["counts"] == {}


async def sources_that_appear_are_read_from_their_start(worker: Worker, cluster: Cluster) -> None:
    await create_topics(cluster.address, "life-", source=2, tallied=2, later=0)
    await load(cluster.address, ["life-source"], 10)
    await until(lambda: worker.told()["counts"] == {"life-source": 2, "life-tallied": 2}, worker)
    await all_read(worker, cluster, "source", 10)
    assert worker.told()["held"] is not None
    assert worker.told()["owner"] == "http://w1.test:8080"


async def a_new_partition_is_read_from_its_start(worker: Worker, cluster: Cluster) -> None:
    async with admin_of(cluster.address) as client:
        await client.create_partitions({"life-source": NewPartitions(3)})
    await send(cluster, "life-source", 2, 10)
    await all_read(worker, cluster, "source", 11)
    assert worker.told()["counts"]["life-source"] == 3


async def an_open_transaction_is_no_silence(worker: Worker, cluster: Cluster) -> None:
    """The record that it holds back may be an alarm."""
    await silence_claimed(cluster, 0, after=time.time())
    async with AIOKafkaProducer(bootstrap_servers=cluster.address, transactional_id="somebody") as stranger:
        await stranger.begin_transaction()
        await stranger.send_and_wait("life-source", b'{"id": 11, "at": 0}', b"k", partition=0)
        opened = time.time()
        await silence_claimed(cluster, 1, after=opened + 3)
        assert not [claim for claim in await claims(cluster, 0) if claim > opened]
        await stranger.abort_transaction()
    await silence_claimed(cluster, 0, after=opened)


async def nor_is_an_outage(worker: Worker, cluster: Cluster) -> None:
    gone = time.time()
    await asyncio.to_thread(cluster.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(cluster.start)
    back = time.time()
    await until(lambda: bool(worker.told().get("ready")), worker)
    await silence_claimed(cluster, 1, after=gone + 0.5)
    since = [claim for number in (0, 1, 2) for claim in await claims(cluster, number) if claim > gone + 0.5]
    assert min(since) > back + REST - 1


async def lazy_work_does_not_wait_for_an_end_of_lazy_records(worker: Worker, cluster: Cluster) -> None:
    """Nothing else is in the lane of this topic: no beat, nothing urgent."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.address) as producer:
        for number in range(51, 100):
            await producer.send_and_wait("life-tallied", json.dumps({"id": number}).encode(), b"key", partition=0)
            if await answered(cluster.address, "life-", "tallied"):
                return
            await asyncio.sleep(0.1)
    raise AssertionError("lazy work was not committed while lazy records came")


async def a_stop_commits_what_is_lazy(worker: Worker, cluster: Cluster) -> None:
    for number in range(1, 6):
        await send(cluster, "life-tallied", 0, number)
    written = sum(map(len, (await read(cluster.address, "life-tallied")).values()))
    await until(lambda: owned(worker, "life-tallied", 0)[3] == written, worker)
    assert await worker.stop() == 0
    assert await answered(cluster.address, "life-", "tallied") == written


def owned(worker: Worker, topic: str, partition: int) -> list[Any]:
    return next(one for one in worker.told()["owned"] if one[:2] == [topic, partition])


async def send(cluster: Cluster, topic: str, partition: int, number: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=cluster.address) as producer:
        value = json.dumps({"id": number, "at": time.time()}).encode()
        await producer.send_and_wait(topic, value, b"key", partition=partition)


async def all_read(worker: Worker, cluster: Cluster, topic: str, count: int) -> None:
    async def done() -> bool:
        return await answered(cluster.address, "life-", topic) >= count

    await until(done, worker)


async def claims(cluster: Cluster, number: int) -> list[float]:
    said = [content(record) for record in (await read(cluster.address, "life-log"))[0]]
    return [one["quiet"] for one in said if one.get("beat") == ["life-source", number] and one["quiet"]]


async def silence_claimed(cluster: Cluster, number: int, *, after: float) -> None:
    async def claimed() -> bool:
        return any(claim > after for claim in await claims(cluster, number))

    await until(claimed)
