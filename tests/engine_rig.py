"""What the engine's live tests share: topics, load, workers as processes, and the count of what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from hubapp.engine.shelf import Part, Shelf

ROOT = Path(__file__).parent.parent
KEYS = 200


def key_of(number: int) -> bytes:
    return b"k%03d" % (number * 7919 % KEYS)


class Worker:
    """A worker process with its own data directory, which it keeps when it is started again."""

    def __init__(self, directory: Path, name: str, prefix: str, connection: str | dict[str, Any], **given: Any) -> None:
        self.datadir, self.log, self.prefix = directory / f"{prefix}{name}", directory / f"{prefix}{name}.log", prefix
        options = {"bootstrap_servers": connection} if isinstance(connection, str) else connection
        self.given = {"name": name, "prefix": prefix, "datadir": str(self.datadir), "connection": options, **given}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ENGINE_TEST": json.dumps(self.given)}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", self.given.get("module", "tests.engine_worker")]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, 60)

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()

    def insist_alive(self) -> None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended: {self.why()}")

    def why(self) -> str:
        """What stands in the log around its first error that was not survived."""
        lines = self.log.read_text().splitlines()
        first = next((n for n, line in enumerate(lines) if "rash" in line and "Crashing" not in line), len(lines))
        return "\n".join(lines[max(0, first - 20) : first + 60])

    def told(self) -> dict[str, Any]:
        """What this process says of itself, not what one before it said."""
        with contextlib.suppress(FileNotFoundError):
            said = json.loads((self.datadir / "told.json").read_text())
            if self.process is not None and said["pid"] == self.process.pid:
                return dict(said)
        return {}


@contextlib.contextmanager
def no_worker_left(*workers: Worker) -> Iterator[None]:
    try:
        yield
    finally:
        for worker in workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.kill()


async def until(true: Callable[[], Awaitable[bool]] | Callable[[], bool], *workers: Worker, seconds: float = 60) -> None:
    """Wait for something, with the workers alive."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        for worker in workers:
            worker.insist_alive()
        if time.monotonic() > deadline:
            logs = "\n".join(f"{worker.why()} told {worker.told()}" for worker in workers)
            raise TimeoutError(f"not within {seconds} s\n{logs}")
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def admin_of(broker: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker)
    await client.start()
    yield client
    await client.close()


async def create_topics(broker: str, prefix: str, **partitions: int) -> None:
    wanted = {"source": 4, "tallied": 4, "counts_out": 4, "tallies_out": 4, "log": 2} | partitions
    async with admin_of(broker) as client:
        await client.create_topics(
            [NewTopic(prefix + name.replace("_", "-"), count, 1) for name, count in wanted.items() if count]
        )


async def load(broker: str, topics: list[str], count: int, *, first: int = 0, per_second: float | None = None) -> None:
    """Send records number *first* and on to each topic, evenly over time if *per_second* is given."""
    async with AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, linger_ms=5) as producer:
        started = time.monotonic()
        for number in range(first, first + count):
            if per_second and number % 20 == 0:
                await asyncio.sleep(max(0.0, started + (number - first) / per_second - time.monotonic()))
            for topic in topics:
                await producer.send(topic, json.dumps({"id": number, "at": time.time()}).encode(), key_of(number))


def reader(broker: str, **options: Any) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=broker, isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50, **options
    )


async def partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]


async def read(broker: str, topic: str) -> dict[int, list[Any]]:
    """All committed records of *topic* by partition."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    async with reader(broker, auto_offset_reset="earliest") as consumer:
        tps = await partitions(consumer, topic)
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                found[tp.partition] += records
    return found


async def answered(broker: str, prefix: str, topic: str) -> int:
    """The sum of the group's committed offsets."""
    async with admin_of(broker) as client:
        try:
            offsets = await client.list_consumer_group_offsets(f"{prefix}group")
        except GroupCoordinatorNotAvailableError:
            return 0
        return sum(max(0, held.offset) for tp, held in offsets.items() if tp.topic == prefix + topic)


@dataclass
class Faults:
    """All zero, or something is wrong."""

    lost: int = 0
    twice: int = 0
    wrong_totals: int = 0
    wrong_tallies: int = 0
    wrong_changelog: int = 0
    wrong_rocksdb: int = 0
    wrong_log: int = 0
    beats_before_facts: int = 0
    false_quiet: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


async def faults(broker: str, prefix: str, count: int, *workers: Worker) -> Faults:
    found = Faults()
    values = [json.loads(record.value) for part in (await read(broker, f"{prefix}counts-out")).values() for record in part]
    seen = Counter(value["id"] for value in values)
    found.lost, found.twice = sum(n not in seen for n in range(count)), sum(times - 1 for times in seen.values())
    found.wrong_totals = sum(value["total"] != nth(value["id"]) for value in values)
    tallied = await read(broker, f"{prefix}tallies-out")
    said = Counter((value["id"], value["tally"]) for part in tallied.values() for value in map(content, part))
    right = Counter((number, nth(number)) for number in range(0, count, 50))
    found.wrong_tallies = (said - right).total() + (right - said).total()
    for table in ("counts", "tallies"):
        await check_table(found, broker, prefix, table, count, workers)
    for part in (await read(broker, f"{prefix}log")).values():
        check_log(found, [content(record) for record in part], count)
    return found


def content(record: Any) -> Any:
    return json.loads(record.value)


def nth(number: int) -> int:
    """Which record of its key this is: the keys come round."""
    return number // KEYS + 1


async def check_table(found: Faults, broker: str, prefix: str, table: str, count: int, workers: tuple[Worker, ...]) -> None:
    """The changelog ends with the right values; each RocksDB holds what it held at the offset that it knows."""
    changelog = await read(broker, f"{prefix}group-{table}-changelog")
    latest = {record.key: int(record.value) for part in changelog.values() for record in part}
    expected = Counter(key_of(number) for number in range(count))
    found.wrong_changelog += sum(latest.get(key) != times for key, times in expected.items())
    for worker in workers:
        for number, (offset, held) in contents(worker.datadir, table).items():
            replayed = {record.key: record.value for record in changelog[number] if record.offset <= offset}
            found.wrong_rocksdb += sum(held.get(key) != replayed.get(key) for key in {*held, *replayed})


def contents(datadir: Path, table: str) -> dict[int, tuple[int, dict[bytes, bytes]]]:
    """Partition -> (changelog offset, what RocksDB holds) of *table* in a worker's directory."""
    found = {}
    for path in datadir.glob("**/tables.db"):
        shelf = Shelf(path)
        with contextlib.closing(shelf):
            for number in range(64):
                part = Part(shelf, table, number)
                if part.offset is not None:
                    found[number] = part.offset, dict(part.items())
    return found


def check_log(found: Faults, said: list[Any], count: int) -> None:
    """Each fact stands in each partition once; a claim stands behind all that it speaks of; silence was silence."""
    ids = Counter(one["id"] for one in said if "id" in one)
    found.wrong_log += sum(ids.get(number) != 1 for number in range(0, count, 10))
    claims: dict[int, int] = {}
    quiet: dict[int, float] = {}
    for one in said:
        if "beat" in one:
            number = one["beat"][1]
            claims[number] = max(claims.get(number, -1), -1 if one["claim"] is None else one["claim"])
            quiet[number] = max(quiet.get(number, 0.0), one["quiet"] or 0.0)
        else:
            found.beats_before_facts += one["offset"] <= claims.get(one["partition"], -1)
            found.false_quiet += one["at"] < quiet.get(one["partition"], 0.0) - 1.0
