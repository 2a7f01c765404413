"""A ward played to Kafka, or to lines of JSON: as fast as it goes, in real time, or faster."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from hubapp import marks
from hubapp.facts import SECOND, Micros
from hubapp.failure import Failure
from hubapp.pipes import Sending
from hubapp.settings import Settings
from hubapp.sim.ward import Ward
from hubapp.sim.wires import Wire
from hubapp.topics import READ

MARKED, LATEST = 60 * SECOND, 10 * SECOND
"""In an input of the past, how often every source is told how far it has come, and how much later a record may come."""
BREATH = 500
"""After so many records others get their turn."""
UNANSWERED = 200


class Sink(Protocol):
    async def add(self, wire: Wire) -> None: ...

    async def mark(self, until: Micros) -> None: ...

    async def flush(self) -> None: ...


class Lines:
    """The send form, a line for each record."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    async def add(self, wire: Wire) -> None:
        self.file.write(wire.line())

    async def mark(self, until: Micros) -> None:
        """A line is for one partition: who sends lines says at their end that nothing more comes."""

    async def flush(self) -> None:
        self.file.flush()


class Post:
    """To Kafka, in whole batches. A key goes to its partition; without a key the bytes choose, so that a repeat is one."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.settings, self.producer = settings, producer
        self.sending = Sending(settings, producer)
        self.batches: dict[tuple[str, int], Any] = {}
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.places: dict[tuple[str, str | None], tuple[str, int]] = {}

    async def add(self, wire: Wire) -> None:
        place = self.places.get((wire.topic, wire.key)) or await self.place(wire)
        key = None if wire.key is None else wire.key.encode()
        await self.put(place, key, wire.value, [(name, value.encode()) for name, value in wire.headers.items()])

    async def put(self, place: tuple[str, int], key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        """Behind what waits for that partition; a batch that is full goes."""
        batch = self.batches.get(place)
        if batch is None:
            batch = self.batches[place] = self.producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            await self.send(place)
            await self.put(place, key, value, headers)

    async def place(self, wire: Wire) -> tuple[str, int]:
        """Topic and partition; where a key is, it is remembered."""
        topic = self.settings.topics.get(wire.topic, wire.topic)
        count = await self.sending.partitions(topic)
        if not count:
            raise Failure(f"topic {topic} does not exist: run hub topics apply --sources")
        if wire.key is None:
            return topic, zlib.crc32(wire.value) % count
        self.places[wire.topic, wire.key] = topic, (murmur2(wire.key.encode()) & 0x7FFFFFFF) % count
        return self.places[wire.topic, wire.key]

    async def mark(self, until: Micros) -> None:
        """Say to every partition of every source that nothing sent before *until* is still to come."""
        for source in READ:
            topic = self.settings.topics.get(source.role, source.role)
            for partition in range(await self.sending.partitions(topic) or 0):
                await self.put((topic, partition), None, None, list(marks.until(until)))

    async def send(self, place: tuple[str, int]) -> None:
        topic, partition = place
        try:
            self.waiting.append(await self.producer.send_batch(self.batches.pop(place), topic, partition=partition))
        except KafkaError as error:
            raise Failure(f"Kafka takes no records: {error!r}") from error
        await self.acknowledged(UNANSWERED)

    async def flush(self) -> None:
        for place in list(self.batches):
            await self.send(place)

    async def acknowledged(self, waiting: int) -> None:
        """Wait until at most *waiting* batches have no answer."""
        while self.waiting and (len(self.waiting) > waiting or self.waiting[0].done()):
            try:
                await self.waiting.popleft()
            except KafkaError as error:
                raise Failure(f"Kafka refused records: {error!r}") from error


async def play(ward: Ward, producer: AIOKafkaProducer, speed: float, stop: asyncio.Event, settings: Settings) -> None:
    """Write *ward* to Kafka until it ends or *stop* is set; all that was written is acknowledged then."""
    post = Post(settings, producer)
    await perform(ward, post, speed, stop)
    await post.acknowledged(0)


async def perform(
    ward: Ward, sink: Sink, speed: float, stop: asyncio.Event, progress: Callable[[Micros], None] = lambda instant: None
) -> None:
    """speed 1: at the body's own times, what is past already at once; 0: as fast as it goes; N: N times as fast from now on."""
    begun = ward.plan.start if speed == 1 else now()
    marked = ward.plan.start
    for number, (due, wire) in enumerate(ward.records()):
        if speed != 1 and due - marked > MARKED:
            await sink.mark(due - LATEST)
            marked = due
        ahead = begun + (due - ward.plan.start) / speed - now() if speed and not stop.is_set() else 0
        if ahead > 0:
            progress(due)
            await sink.flush()
            await asleep(stop, ahead / SECOND)
        elif number % BREATH == 0:
            progress(due)
            await asyncio.sleep(0)
        if stop.is_set():
            ward.stop()
        await sink.add(wire)
    await sink.flush()


async def asleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def now() -> Micros:
    return time.time_ns() // 1000
