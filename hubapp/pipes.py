"""What `hub send` and `hub tail` do: records between Kafka and lines of JSON, ending cleanly whichever side ends first."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from hubapp import kafka, lines, marks, topics
from hubapp.failure import Failure
from hubapp.settings import Settings

CONNECT_SECONDS, STOP_SECONDS = 10, 10
STALLED_SECONDS = 30
UNANSWERED = 20_000


@asynccontextmanager
async def connected(make: Callable[..., Any], settings: Settings, **options: Any) -> AsyncIterator[Any]:
    """A client started, and stopped in the end. A broker that does not answer is a Failure within ten seconds."""
    await kafka.reach(settings)
    client = make(**kafka.client_options(settings), **options)
    try:
        await asyncio.wait_for(client.start(), CONNECT_SECONDS)
        yield client
    except (KafkaConnectionError, TimeoutError) as error:
        brokers = kafka.bootstrap(settings)
        raise Failure(f"Kafka at {brokers} answered, and then no more: {kafka.explain(error, settings)}") from error
    finally:
        with suppress(TimeoutError):  # All that was to be said is said: what then hangs in the client keeps nobody.
            await asyncio.wait_for(client.stop(), STOP_SECONDS)


async def send(settings: Settings, file: str, *, end_of_input: bool = False) -> int:
    """Send the lines of *file* (`-`: standard input); how many records were acknowledged by all replicas."""
    async with connected(AIOKafkaProducer, settings, enable_idempotence=True, linger_ms=5, max_batch_size=200_000) as producer:
        sending = Sending(settings, producer)
        try:
            async for number, line in numbered(file):
                await sending.line(number, line)
            if end_of_input:
                await sending.end_of_input()
        finally:
            await sending.acknowledged(0)
        sending.done()
    return sending.sent


class Sending:
    """Records on their way, and those that wait for their acknowledgement."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.sent = 0
        self._settings, self._producer = settings, producer
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._partitions: dict[str, int] = {}
        self._shown = time.monotonic() if sys.stderr.isatty() else float("inf")

    async def line(self, number: int, text: bytes) -> None:
        if not text.strip():
            return
        try:
            record = lines.parse(text)
        except ValueError as error:
            raise Failure(f"line {number}: {error}; the {number - 1} lines before it are sent") from error
        if not await self.partitions(record.topic):
            raise Failure(f"line {number}: topic {record.topic} does not exist: run hub topics apply --sources")
        await self._send(record)

    async def end_of_input(self) -> None:
        """The mark to every partition of every source that exists."""
        for topic in topics.READ:
            name = self._settings.topics.get(topic.role, topic.role)
            for partition in range(await self.partitions(name)):
                await self._send(lines.Line(name, None, marks.HEADERS, None, None), partition)

    async def _send(self, record: lines.Line, partition: int | None = None) -> None:
        send = self._empty if record.key is None and record.value is None else self._full
        try:
            self._waiting.append(await send(record, partition))
        except KafkaError as error:
            raise Failure(f"{record.topic}: record {self.sent + len(self._waiting) + 1} was not sent: {error!r}") from error
        await self.acknowledged(UNANSWERED)

    async def _full(self, record: lines.Line, partition: int | None) -> asyncio.Future[Any]:
        """To the partition of its key, as Kafka's own clients choose it; without a key to any."""
        options = {"key": record.key, "headers": list(record.headers), "timestamp_ms": record.timestamp}
        return cast(asyncio.Future[Any], await self._producer.send(record.topic, record.value, partition=partition, **options))

    async def _empty(self, record: lines.Line, partition: int | None) -> asyncio.Future[Any]:
        """Neither key nor value: Kafka takes that, `send` of aiokafka does not."""
        batch = self._producer.create_batch()
        batch.append(key=None, value=None, timestamp=record.timestamp, headers=list(record.headers))
        chosen = random.randrange(await self.partitions(record.topic)) if partition is None else partition
        return cast(asyncio.Future[Any], await self._producer.send_batch(batch, record.topic, partition=chosen))

    async def partitions(self, topic: str) -> int:
        """How many partitions *topic* has, 0 where it does not exist."""
        if topic not in self._partitions:
            cluster = await self._producer.client.fetch_all_metadata()
            self._partitions |= {name: len(cluster.partitions_for_topic(name) or ()) for name in cluster.topics()}
        return self._partitions.setdefault(topic, 0)

    async def acknowledged(self, waiting: int) -> None:
        """Wait until at most *waiting* records have no answer; what is answered already costs nothing."""
        while self._waiting and (len(self._waiting) > waiting or self._waiting[0].done()):
            try:
                await self._waiting.popleft()
            except KafkaError as error:
                raise Failure(f"after {self.sent} records: the next one was refused: {error!r}") from error
            self.sent += 1
        if time.monotonic() > self._shown + 1:
            self._shown = time.monotonic()
            print(f"\r{self.sent} records sent", end="", file=sys.stderr, flush=True)

    def done(self) -> None:
        if sys.stderr.isatty():
            print(f"\r{self.sent} records sent", file=sys.stderr)


async def numbered(file: str) -> AsyncIterator[tuple[int, bytes]]:
    """The lines of *file* from 1, each as soon as it is there.

    A thread of our own reads: neither a slow pipe nor an endless one keeps the loop, or the end of the process, waiting.
    """
    loop, read = asyncio.get_running_loop(), asyncio.Queue[list[bytes] | None](maxsize=4)

    def reader(descriptor: int) -> None:
        with suppress(RuntimeError):  # The loop has ended: nobody wants the rest.
            for chunk in chunks(descriptor):
                asyncio.run_coroutine_threadsafe(read.put(chunk), loop).result()
            asyncio.run_coroutine_threadsafe(read.put(None), loop).result()

    threading.Thread(target=reader, args=(opened(file),), daemon=True).start()
    number = 0
    while (chunk := await read.get()) is not None:
        for line in chunk:
            number += 1
            yield number, line


def opened(file: str) -> int:
    if file == "-":
        return 0
    try:
        return os.open(Path(file), os.O_RDONLY)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from error


def chunks(descriptor: int) -> Iterator[list[bytes]]:
    """Whole lines, as many as one read brought."""
    rest = b""
    while read := os.read(descriptor, 1 << 20):
        *whole, rest = (rest + read).split(b"\n")
        if whole:
            yield whole
    if rest:
        yield [rest]


async def tail(settings: Settings, topic: str, *, from_beginning: bool, until_end: bool, key: str | None) -> None:
    """Print what is committed in *topic*, from its beginning or from now on, to its present end or for ever."""
    reading = {"isolation_level": "read_committed", "enable_auto_commit": False, "fetch_max_wait_ms": 100}
    async with connected(AIOKafkaConsumer, settings, **reading) as consumer:
        parts = await partitions(consumer, topic)
        ends = await consumer.end_offsets(parts)
        consumer.assign(parts)
        await (consumer.seek_to_beginning if from_beginning else consumer.seek_to_end)(*parts)
        wanted = None if key is None else key.encode()
        async for record in read(consumer, ends if until_end else None):
            if wanted is None or record.key == wanted:
                sys.stdout.buffer.write(shown(record) + b"\n")


async def partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """By a look at all that there is: to ask for one topic makes some brokers create it."""
    found = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
    if not found:
        raise Failure(f"topic {topic} does not exist: hub topics list shows those that do")
    return [TopicPartition(topic, number) for number in sorted(found)]


async def read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int] | None) -> AsyncIterator[ConsumerRecord]:
    """Records up to *ends*, or without end.

    *ends* are last stable offsets: what somebody's open transaction holds back is not waited for. The position also moves
    over transaction markers and aborted records, so an end without a record is reached.
    """
    moved, before = time.monotonic(), None
    unfinished = set(ends or ())
    while ends is None or (unfinished := {tp for tp in unfinished if await consumer.position(tp) < ends[tp]}):
        for tp, records in (await consumer.getmany(timeout_ms=200, max_records=10_000)).items():
            for record in records:
                if ends is None or record.offset < ends[tp]:
                    yield record
        sys.stdout.flush()
        positions = [await consumer.position(tp) for tp in sorted(unfinished)]
        if positions != before:
            moved, before = time.monotonic(), positions
        elif ends is not None and time.monotonic() - moved > STALLED_SECONDS:
            raise Failure(f"nothing came for {STALLED_SECONDS} s and the end was not reached: does the broker answer?")


def shown(record: ConsumerRecord) -> bytes:
    """A record as one line."""
    line = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": plain(record.key),
        "headers": {name: plain(value) for name, value in record.headers},
        "value": value_of(record.value),
    }
    return orjson.dumps(line)


def value_of(value: bytes | None) -> Any:
    """JSON objects and lists as such, number for number."""
    if value is not None and value[:1] in (b"{", b"["):
        with suppress(orjson.JSONDecodeError):
            orjson.loads(value)
            return orjson.Fragment(msgspec.json.format(value, indent=-1))
    return plain(value)


def plain(value: bytes | None) -> Any:
    """Text, or {"base64"} where the bytes are none."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
