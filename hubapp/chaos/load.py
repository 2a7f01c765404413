"""A simulated ward's records to Kafka, at a pace; what was acknowledged of them is kept."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from hubapp import kafka, marks
from hubapp.facts import SECOND, Micros
from hubapp.settings import Settings
from hubapp.sim.play import LATEST, MARKED
from hubapp.sim.ward import Json, Plan, Ward
from hubapp.sim.wires import Wire
from hubapp.topics import READ

UNANSWERED = 5_000
# In place of a time: what is held is a mark. A producer sends nothing without key and value, so it has a key.
MARK, MARK_KEY = -1, b"mark"


@dataclass(frozen=True, slots=True)
class Source:
    """A record of a source as Kafka has acknowledged it; timestamp in milliseconds, as aiokafka gives it to a reader."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Played:
    """What a ward wrote, and what must be found of it. newest: the newest `sent`; malformed: how many were planted."""

    wires: list[tuple[Micros, Wire]]
    truth: list[Json]
    newest: Micros
    malformed: int

    @classmethod
    def of(cls, plan: Plan) -> Played:
        ward, wires, truth = Ward(plan), [], []
        for arrived in ward.records():
            wires.append(arrived)
            truth += ward.truth()
        truth += ward.rest_of_truth()
        return cls(wires, truth, ward.wires.newest, ward.wires.counts["malformed"])


@dataclass
class Load:
    """Records on their way: a producer of gateways takes whatever it is given, and holds it while the broker is away.

    ahead: seconds by which this producer's clock is wrong, in the Kafka timestamp of what it sends.
    """

    producer: AIOKafkaProducer
    ahead: float = 0.0
    sent: list[Source] = field(default_factory=list)
    stopped: bool = False
    _held: asyncio.Queue[tuple[Wire, int | None, int]] = field(default_factory=asyncio.Queue)
    _waiting: deque[tuple[Wire, int, asyncio.Future[Any]]] = field(default_factory=deque)

    async def play(self, wires: Iterable[tuple[Micros, Wire]], speed: float) -> None:
        """*speed* times as fast as it happened; 0: as fast as it goes."""
        began, first, marked = time.monotonic(), None, 0
        for due, wire in wires:
            first = due if first is None else first
            if due - marked > MARKED:
                marked = due
                self.mark(due - LATEST)
            if speed and (wait := began + (due - first) / SECOND / speed - time.monotonic()) > 0.005:
                await asyncio.sleep(wait)
            await self.send(wire)
        await self.acknowledged()

    async def live(self, plan: Plan) -> None:
        """The ward of *plan* in real time from its start on, until `stopped`."""
        for due, wire in Ward(plan).records():
            if self.stopped:
                return
            await asyncio.sleep(max(0.0, due / SECOND - time.time()))
            self.post(wire)

    async def send(self, wire: Wire, partition: int | None = None) -> None:
        """Hold the record, and let go on whoever sends."""
        self.post(wire, partition)
        await asyncio.sleep(0)

    def mark(self, until: Micros) -> None:
        """Say to every partition of every source how far an input of the past has come."""
        for topic in READ:
            wire = Wire(topic.role, None, {}, marks.until(until)[0][1])
            for partition in range(topic.partitions):
                self._held.put_nowait((wire, partition, MARK))

    def post(self, wire: Wire, partition: int | None = None) -> None:
        self._held.put_nowait((wire, partition, int((time.time() + self.ahead) * 1000)))

    async def acknowledged(self) -> None:
        """Until everything that was sent so far is."""
        await self._held.join()
        await self._settle(0)

    async def pump(self) -> None:
        while True:
            wire, partition, timestamp = await self._held.get()
            if timestamp == MARK:
                await self._mark(wire, partition)
                continue
            headers = [(name, value.encode()) for name, value in wire.headers.items()]
            key = None if wire.key is None else wire.key.encode()
            options: dict[str, Any] = {"partition": partition, "timestamp_ms": timestamp, "headers": headers}
            self._waiting.append((wire, timestamp, await self.producer.send(wire.topic, wire.value, key, **options)))
            self._held.task_done()
            await self._settle(UNANSWERED)

    async def _mark(self, wire: Wire, partition: int | None) -> None:
        headers = [(marks.UNTIL, wire.value)]
        await self.producer.send(wire.topic, None, MARK_KEY, partition=partition, headers=headers)
        self._held.task_done()

    async def _settle(self, left: int) -> None:
        """Keep what was acknowledged; wait while more than *left* is not."""
        while self._waiting and (len(self._waiting) > left or self._waiting[0][2].done()):
            wire, timestamp, future = self._waiting.popleft()
            self._keep(wire, timestamp, await future)

    def _keep(self, wire: Wire, timestamp: int, told: Any) -> None:
        headers = tuple((name, value.encode()) for name, value in wire.headers.items())
        key = None if wire.key is None else wire.key.encode()
        self.sent.append(Source(wire.topic, told.partition, told.offset, timestamp, key, wire.value, headers))

    async def end_of_input(self) -> None:
        """The mark, in every partition of every source."""
        for topic in READ:
            for partition in sorted(await self.producer.partitions_for(topic.role)):
                batch = self.producer.create_batch()
                batch.append(key=None, value=None, timestamp=int(time.time() * 1000), headers=list(marks.HEADERS))
                await (await self.producer.send_batch(batch, topic.role, partition=partition))


@asynccontextmanager
async def loading(settings: Settings, *, ahead: float = 0.0, holds: float = 180.0) -> AsyncIterator[Load]:
    """*holds*: seconds that the producer keeps what the broker does not take."""
    options: dict[str, Any] = {"request_timeout_ms": int(holds * 1000), "metadata_max_age_ms": 5_000}
    async with AIOKafkaProducer(enable_idempotence=True, linger_ms=5, **options, **kafka.client_options(settings)) as producer:
        load = Load(producer, ahead)
        pumping = asyncio.create_task(load.pump())
        try:
            yield load
        finally:
            pumping.cancel()
