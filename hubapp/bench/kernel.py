"""Counts by key, JSON in and out, a RocksDB table with its changelog: this engine with transactions, and plain Faust.

Both read the same records of the same broker in one run, one worker process each, one after the other. Plain Faust is
asked for at-least-once and is stopped after a while: its rate does not depend on how long it runs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from hubapp.failure import Failure
from hubapp.local.kafka import Cluster

Say = Callable[[str], None]

KEYS, WIDE_KEYS, PARTITIONS = 500, 500_000, 8
PLAIN_SECONDS = 60.0
OURS, PLAIN = "ours", "plain"


@dataclass(slots=True)
class Kernel:
    """Records in a second, from the first result to the last; seconds from a process's start until it is ready."""

    records: int
    ours_per_second: int
    plain_per_second: int
    ratio: float
    recovered_keys: int | None = None
    ready_seconds: float | None = None


def run(records: int = 300_000, *, recovery: bool = True, say: Say = lambda words: None) -> Kernel:
    directory = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    cluster = Cluster(directory / "kafka")
    try:
        cluster.start()
        return asyncio.run(_measure(cluster, directory, records, recovery, say))
    finally:
        cluster.kill()
        shutil.rmtree(directory, ignore_errors=True)


def show(found: Kernel, as_json: bool) -> None:
    import orjson

    if as_json:
        print(orjson.dumps(asdict(found)).decode())
        return
    from hubapp.console import table

    rows = [["this engine", f"{found.ours_per_second:,}"], ["plain Faust", f"{found.plain_per_second:,}"]]
    rows.append(["ratio", f"{found.ratio:.1f}"])
    if found.ready_seconds is not None:
        rows.append([f"ready without RocksDB, {found.recovered_keys:,} keys", f"{found.ready_seconds:.1f} s"])
    table([f"{found.records:,} counts by key", "records/s"], rows)


async def _measure(cluster: Cluster, directory: Path, records: int, recovery: bool, say: Say) -> Kernel:
    broker = cluster.address
    await _create(broker, "source", "wide", f"{OURS}-out", f"{PLAIN}-out")
    say(f"writing {records:,} records")
    await load(broker, "source", records, KEYS)
    rates = {}
    for kind, patience in ((OURS, 600.0), (PLAIN, PLAIN_SECONDS)):
        say(f"{kind} counts them")
        with worker(broker, directory, kind, "source"):
            rates[kind] = await rate(lambda kind=kind: done(broker, kind), records, patience)  # type: ignore[misc]  # a default binds
    found = Kernel(records, round(rates[OURS]), round(rates[PLAIN]), round(rates[OURS] / rates[PLAIN], 1))
    if recovery:
        found.recovered_keys, found.ready_seconds = WIDE_KEYS, await recover(broker, directory, say)
    return found


async def recover(broker: str, directory: Path, say: Say) -> float:
    say(f"writing {WIDE_KEYS:,} keys")
    await load(broker, "wide", WIDE_KEYS, WIDE_KEYS)
    with worker(broker, directory, OURS, "wide"):
        await rate(lambda: done(broker, OURS, "wide"), WIDE_KEYS, 600)
    shutil.rmtree(directory / "wide")
    say("starting again without RocksDB")
    began = time.monotonic()
    with worker(broker, directory, OURS, "wide"):
        await until((directory / "wide" / "ready").exists)
        return round(time.monotonic() - began, 1)


async def rate(count: Callable[[], Awaitable[int]], wanted: int, patience: float) -> float:
    """Records in a second between the first results and the last that are seen."""
    first = last = 0
    began = deadline = time.monotonic()
    while last < wanted and time.monotonic() < deadline + (patience if last else 120):
        last = await count()
        if last and not first:
            first, began, deadline = last, time.monotonic(), time.monotonic()
        await asyncio.sleep(0.02)
    if last == first:
        raise Failure("hub bench kernel: a worker counted nothing in two minutes")
    return (last - first) / (time.monotonic() - began)


async def until(true: Callable[[], bool]) -> None:
    while True:
        if true():
            return
        await asyncio.sleep(0.02)


async def done(broker: str, kind: str, source: str = "source") -> int:
    """By committed offsets; plain Faust commits every few seconds, so by what it has written."""
    if kind == PLAIN:
        async with AIOKafkaConsumer(bootstrap_servers=broker) as consumer:
            parts = [TopicPartition(f"{PLAIN}-out", number) for number in range(PARTITIONS)]
            return sum((await consumer.end_offsets(parts)).values())
    client = AIOKafkaAdminClient(bootstrap_servers=broker)
    await client.start()
    try:
        return sum(max(0, held.offset) for held in (await client.list_consumer_group_offsets(f"{kind}-{source}")).values())
    except KafkaError:
        return 0  # No coordinator yet: nothing was committed.
    finally:
        await client.close()


async def load(broker: str, topic: str, count: int, keys: int) -> None:
    options = {"linger_ms": 5, "max_batch_size": 200_000, "enable_idempotence": True}
    async with AIOKafkaProducer(bootstrap_servers=broker, **options) as producer:
        for number in range(count):
            await producer.send(topic, b'{"id":%d,"at":"2026-01-01T00:00:00.000000Z"}' % number, b"k%d" % (number * 7919 % keys))


async def _create(broker: str, *names: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=broker)
    await client.start()
    await client.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await client.close()


@contextmanager
def worker(broker: str, directory: Path, kind: str, source: str) -> Iterator[None]:
    datadir = directory / (source if kind == OURS else kind)
    command = [sys.executable, "-m", __name__, kind, source, broker, str(datadir)]
    with (directory / f"{kind}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ours(source: str, broker: str, datadir: Path) -> Any:
    import msgspec

    from hubapp.engine import hub_app

    app = hub_app(f"{OURS}-{source}", brokers=broker, datadir=datadir)
    counts = app.Table("counts", writer=source)
    encode, decode = msgspec.json.encode, msgspec.json.decode

    @app.agent(source, name="count")
    async def count(batches: Any) -> None:
        async for batch in batches:
            async with batch.transaction() as out:
                totals = out.view(counts)
                for record in batch:
                    event = decode(record.value)
                    total = int(totals.get(record.key, b"0")) + 1
                    totals[record.key] = b"%d" % total
                    out.send(f"{OURS}-out", record.key, encode({**event, "total": total}))

    @app.task  # type: ignore[untyped-decorator]  # Faust has no types
    async def tell() -> None:
        await until(lambda: app.ready and bool(app.owned()))
        (datadir / "ready").touch()

    return app


def plain(source: str, broker: str, datadir: Path) -> Any:
    import faust

    app = faust.App(
        PLAIN,
        broker=f"kafka://{broker}",
        datadir=str(datadir),
        store="rocksdb://",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
    )
    counts = app.Table("counts", default=int, partitions=PARTITIONS)
    out = app.topic(f"{PLAIN}-out")

    @app.agent(app.topic(source, key_type=bytes, value_serializer="json"))  # type: ignore[untyped-decorator]  # as above
    async def count(stream: Any) -> None:
        async for key, event in stream.items():
            name = key.decode()
            counts[name] += 1
            await out.send(key=key, value={**event, "total": counts[name]})

    return app


if __name__ == "__main__":
    kind, source, broker, datadir = sys.argv[1:]
    app = {OURS: ours, PLAIN: plain}[kind](source, broker, Path(datadir))
    app.Worker(loglevel="WARN").execute_from_commandline()
