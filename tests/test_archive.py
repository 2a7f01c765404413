"""The archive between a real Kafka and a real PostgreSQL, whatever happens to it or to them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from hubapp import topics
from hubapp.facts import AlarmRaised, AnyFact, Progress, SessionOpened, encode_fact, iso
from hubapp.failure import Failure
from hubapp.findings import Finding, canonical, finding_id
from hubapp.local.kafka import Cluster
from hubapp.local.postgres import Postgres
from hubapp.settings import Settings
from hubapp.store import history
from hubapp.store.archive import Archive
from hubapp.store.connection import connect
from hubapp.store.reading import READ

pytestmark = pytest.mark.live

BEGIN = 1_760_000_000_000_000
numbers = itertools.count()


@dataclass
class Ward:
    """A broker with the hub's topics, and all that was ever committed to them."""

    cluster: Cluster
    facts: dict[int, AnyFact] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    revisions: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def options(self) -> dict[str, Any]:
        return {"bootstrap_servers": self.cluster.address}

    async def create(self) -> None:
        admin = AIOKafkaAdminClient(**self.options)
        await admin.start()
        await admin.create_topics([NewTopic(topic.role, topic.partitions, 1) for topic in topics.OURS])
        await admin.close()

    async def send(self, transactions: int, size: int = 10, late: int = 0) -> None:
        """Alarms to one partition of hub-patients, log-ins to all of both logs, findings; one transaction in five is aborted."""
        producer = AIOKafkaProducer(**self.options, transactional_id=f"ward-{next(numbers)}", retry_backoff_ms=5)
        await producer.start()
        for _ in range(transactions):
            aborted = self.chance.random() < 0.2
            await producer.begin_transaction()
            for sent in [await self.one(producer, late > 0, aborted) for _ in range(size)]:
                await sent
            await (producer.abort_transaction() if aborted else producer.commit_transaction())
        await producer.stop()

    async def one(self, producer: Any, late: bool, aborted: bool) -> Awaitable[Any]:
        number = next(numbers)
        at = BEGIN + number * 1000
        told = {"at": at, "sent": at, "timestamp": at, "partition": 0, "offset": number}
        if number % 5 == 0:
            return await self.told_to_all(producer, SessionOpened(topic="events-auth", service="older", **told), aborted)
        if number % 5 == 1:
            return await self.concluded(producer, number, aborted)
        fact = AlarmRaised(
            topic="alerts",
            patient=f"P{number % 9}",
            device="d",
            condition="c",
            signal="visible",
            kind="physiological",
            priority="HI",
            **told,
        )
        if not aborted:
            self.facts[number] = fact
        place = (topics.LATE, 0) if late else (topics.PATIENTS, number % 4)
        return await producer.send(place[0], encode_fact(fact), partition=place[1])

    async def told_to_all(self, producer: Any, fact: AnyFact, aborted: bool) -> Awaitable[Any]:
        if not aborted:
            self.facts[fact.offset] = fact
        progress = encode_fact(Progress(claims={"alerts": {"0": fact.at}}, counts={"alerts": 1}))
        for place in [(topics.PATIENTS, number) for number in range(4)] + [(topics.HOUSE, 0)]:
            await producer.send(place[0], encode_fact(fact), partition=place[1])
            sent = await producer.send(place[0], progress, partition=place[1])
        return sent

    async def concluded(self, producer: Any, number: int, aborted: bool) -> Awaitable[Any]:
        at = BEGIN + number % 40 * 1000
        name = finding_id("episodes", f"P{number % 40}", at)
        finding = Finding(
            id=name, rule="episodes", rule_version="1", status="provisional", quality=[], units=[],
            bed=None, monitor=None, device="d", patient="P", account=None, start=iso(at), end=None, evidence=[],
            body={"number": number}, revision=number,
        )  # fmt: skip
        if not aborted:
            self.findings[name] = finding
            self.revisions += 1
        headers = [("log_epoch", b"1")]
        return await producer.send("hub-episodes", canonical(finding), key=name.encode(), partition=number % 4, headers=headers)

    async def begin_epoch(self, epoch: int) -> None:
        producer = AIOKafkaProducer(**self.options)
        await producer.start()
        await producer.send_and_wait(topics.META, str(epoch).encode(), key=b"log_epoch")
        await producer.stop()

    async def ends(self) -> dict[tuple[str, int], int]:
        consumer = AIOKafkaConsumer(**self.options, isolation_level="read_committed")
        await consumer.start()
        partitions = [
            TopicPartition(topic.role, number)
            for topic in topics.OURS
            if topic.role in READ
            for number in range(topic.partitions)
        ]
        ends = await consumer.end_offsets(partitions)
        await consumer.stop()
        return {(partition.topic, partition.partition): end for partition, end in ends.items()}

    async def stored(self, pool: Any) -> None:
        """The store comes to where the topics end."""
        ends = await self.ends()

        async def there() -> bool:
            if not await pool.fetchval("SELECT to_regclass('offsets') IS NOT NULL"):
                return False
            rows = await pool.fetch("SELECT topic, partition, next FROM offsets")
            return {(row["topic"], row["partition"]): row["next"] for row in rows} == ends

        await until(there)

    async def check(self, pool: Any) -> None:
        """Every fact once, the newest of every finding, every revision once; nothing else."""
        assert sorted(map(encode_fact, await history.facts(pool))) == sorted(map(encode_fact, self.facts.values()))
        found = {finding["id"]: finding["body"]["number"] for finding in await history.findings(pool)}
        assert found == {name: finding.body["number"] for name, finding in self.findings.items()}
        assert await pool.fetchval("SELECT count(*) FROM revisions") == self.revisions


@pytest.fixture(scope="module")
def ward(scratch: Path) -> Iterator[Ward]:
    cluster = Cluster(scratch / "archive-kafka")
    cluster.start()
    made = Ward(cluster)
    asyncio.run(made.create())
    yield made
    cluster.kill()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """The test's own time limit ends this."""
    while not await true():  # noqa: ASYNC110  # what is waited for is in another process
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def archiving(
    ward: Ward, database: str, group: str, epoch: int = 1, stop: asyncio.Event | None = None
) -> AsyncIterator[Archive]:
    stop = stop or asyncio.Event()
    settings = Settings(group=group, session_timeout=6)
    made = Archive(settings, database_url=database, kafka_options=ward.options, cluster_id=ward.cluster.cluster_id, epoch=epoch)
    task = asyncio.create_task(made.run(stop))
    yield made
    stop.set()
    await task


@contextlib.asynccontextmanager
async def looking(database: str) -> AsyncIterator[Any]:
    pool = await connect(database)
    yield pool
    await pool.close()


async def is_in_state(archive: Archive, state: str) -> bool:
    return archive.status.state == state


async def has_tables(pool: Any) -> bool:
    return bool(await pool.fetchval("SELECT to_regclass('offsets') IS NOT NULL"))


async def test_every_fact_and_revision_is_stored_once(ward: Ward, database: str, unique: str) -> None:
    async with archiving(ward, database, unique) as archive, looking(database) as pool:
        await ward.send(20)
        await ward.stored(pool)
        await ward.check(pool)
        await until(lambda: is_caught_up(archive))
    assert archive.status.state == "stopped"


async def is_caught_up(archive: Archive) -> bool:
    return archive.status.lag == 0 and archive.status.partitions == sum(
        topic.partitions for topic in topics.OURS if topic.role in READ
    )


class Process:
    """An archive of its own process; what is killed is this process alone."""

    def __init__(self, ward: Ward, database: str, group: str) -> None:
        given = [ward.cluster.address, database, ward.cluster.cluster_id, group]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.archiving", *given], env={**os.environ, "PYTHONPATH": "."})

    def signal(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


async def test_one_is_killed_and_one_sleeps(ward: Ward, database: str, unique: str) -> None:
    async with looking(database) as pool:

        async def so_many(least: int) -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM facts") > least)

        killed, sleeper = (Process(ward, database, unique) for _ in range(2))
        try:
            await until(lambda: has_tables(pool))
            sending = asyncio.create_task(ward.send(150))
            await until(lambda: so_many(100))
            killed.signal(signal.SIGKILL)
            sleeper.signal(signal.SIGSTOP)
            async with archiving(ward, database, unique):
                await sending
                await ward.stored(pool)
                sleeper.signal(signal.SIGCONT)
                await ward.send(20)
                await ward.stored(pool)
                await ward.check(pool)
        finally:
            killed.end()
            sleeper.end()


async def test_a_backend_killed_in_a_transaction_and_a_locked_table_lose_nothing(ward: Ward, database: str, unique: str) -> None:
    async with archiving(ward, database, unique) as archive, looking(database) as pool:
        await ward.stored(pool)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE facts")
            await ward.send(10)
            waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'facts'::regclass"
            await until(lambda: connection.fetchval(waiting))
            await connection.execute("SELECT pg_terminate_backend($1)", await connection.fetchval(waiting))
            await until(lambda: is_in_state(archive, "waits for PostgreSQL"))
        await ward.stored(pool)
        await ward.check(pool)


async def test_a_database_that_is_away_is_waited_for(ward: Ward, scratch: Path, unique: str) -> None:
    server = Postgres(scratch / "archive-postgres")
    server.start()
    url = server.url
    server.stop()
    try:
        async with archiving(ward, url, unique) as archive:
            await until(lambda: is_in_state(archive, "waits for PostgreSQL"))
            server.start()
            async with looking(url) as pool:
                await ward.stored(pool)
            server.kill()
            await ward.send(10)
            await until(lambda: is_in_state(archive, "waits for PostgreSQL"))
            server.start()
            async with looking(url) as pool:
                await ward.stored(pool)
                await ward.check(pool)
    finally:
        server.kill()


async def test_a_locked_table_holds_up_no_stop(ward: Ward, database: str, unique: str) -> None:
    stop = asyncio.Event()
    async with looking(database) as pool, archiving(ward, database, unique, stop=stop) as archive:
        await ward.stored(pool)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE facts")
            await ward.send(5)
            await until(lambda: connection.fetchval("SELECT pid FROM pg_locks WHERE NOT granted"))
            stop.set()
            await until(lambda: is_in_state(archive, "stopped"))
    async with looking(database) as pool, archiving(ward, database, unique):
        await ward.stored(pool)
        await ward.check(pool)


async def test_logs_made_anew_are_refused_until_they_are_adopted(ward: Ward, database: str, unique: str) -> None:
    async with archiving(ward, database, unique), looking(database) as pool:
        await ward.stored(pool)
    with pytest.raises(Failure, match=r"made anew: epoch 2, the store knows 1.*hub store adopt"):
        async with archiving(ward, database, unique, epoch=2) as refused:
            await until(lambda: is_in_state(refused, "refused"))
    await ward.begin_epoch(2)
    command = [sys.executable, "-m", "hubapp", "store", "adopt"]
    environment = {**os.environ, "HUB_KAFKA": ward.cluster.address, "HUB_DATABASE": database}
    said = await asyncio.to_thread(subprocess.check_output, command, env=environment, text=True)
    assert said == f"hub hub is filled from cluster {ward.cluster.cluster_id}, epoch 2\n"
    async with archiving(ward, database, unique, epoch=2), looking(database) as pool:
        await ward.stored(pool)
        await ward.check(pool)


async def test_a_loss_by_retention_is_written_down(ward: Ward, database: str, unique: str) -> None:
    await ward.send(3, late=1)
    end = (await ward.ends())[(topics.LATE, 0)]
    admin = AIOKafkaAdminClient(**ward.options)
    await admin.start()
    await admin.delete_records({TopicPartition(topics.LATE, 0): RecordsToDelete(before_offset=end)})
    await admin.close()
    async with archiving(ward, database, unique) as archive, looking(database) as pool:
        await ward.stored(pool)
        assert [tuple(row) for row in await pool.fetch("SELECT topic, partition, first, next FROM gaps")] == [
            (topics.LATE, 0, 0, end)
        ]
        assert archive.status.gaps == 1
