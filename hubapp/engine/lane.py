"""A partition number and its producer: commits together what the agents of that number have ready.

Topics with equal partition counts are assigned together: the partitions of one number are always on one worker and can
share a producer. What agents finish while a transaction runs is committed by the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types import TP

from hubapp.engine.batches import ATTEMPTS, Partition, PoisonedBatch
from hubapp.engine.delivery import NO_HEADERS, Records, deliver, settled
from hubapp.engine.transaction import LAZY_SECONDS

if TYPE_CHECKING:
    from hubapp.engine.ownership import Ownership
    from hubapp.engine.transaction import Transaction

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction in numbers, for an application's metrics: committed, or aborted because of *error*."""

    lane: str
    records: dict[str, int]  # How many of each source topic it answered; none where it holds a beat alone.
    seconds: float  # How long it was open: 0 where an agent failed before.
    error: BaseException | None


class Lane:
    """Partition *number* of all source topics with *count* partitions: one transaction at a time."""

    def __init__(self, ownership: Ownership, count: int, number: int) -> None:
        self.ownership, self.number, self.owned, self.closed = ownership, number, False, False
        self.name = f"{ownership.group}-{count}-{number}"
        self.deferred: set[Partition] = set()
        self.partitions: list[Partition] = []
        self._producer: AIOKafkaProducer | None = None
        self._waiting: list[Transaction] = []
        self._turn = asyncio.Lock()
        self._began = self._beaten = time.monotonic()
        self._lost_beats = 0

    async def connect(self) -> None:
        """Start a producer in place of the one before: this fences every other producer of the lane."""
        await self.disconnect()
        self._producer = self.ownership.producer._new_producer(self.name)
        await self._producer.start()

    async def disconnect(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def commit(self, transaction: Transaction) -> None:
        """Commit *transaction*, in its own turn or in that of one which waited before it."""
        self._waiting.append(transaction)
        async with self._turn:
            if transaction in self._waiting:
                await self._take_turn()

    async def pulse(self) -> None:
        """Commit what is lazy, and beat, when nothing urgent did so in time."""
        while self.owned:
            for partition in self.partitions:
                await partition.look_after(self.ownership.handed(partition.tp))
            await asyncio.sleep(min(max(0.05, self._due_at() - time.monotonic()), LAZY_SECONDS))
            async with self._turn:
                if self.owned and self._due_at() <= time.monotonic():
                    await self._take_turn()

    async def drain(self) -> None:
        """Commit what is lazy, before the partitions change hands."""
        async with self._turn:
            if self.deferred and not self.closed:
                await self._take_turn()

    def close(self) -> None:
        """Begin no batch and no transaction more, also of those that wait: what they answer may be answered already."""
        self.owned, self.closed = False, True

    def _due_at(self) -> float:
        lazy = min((partition.work.since for partition in self.deferred if partition.work), default=float("inf")) + LAZY_SECONDS
        return min(lazy, self._next_beat if self._beats else float("inf"))

    @property
    def _next_beat(self) -> float:
        """All lanes beat at the same moments: whoever reads what they say is woken once, not once for each of them."""
        seconds = self.ownership.app.beat_seconds
        return (self._beaten // seconds + 1) * seconds

    @property
    def _beats(self) -> bool:
        app = self.ownership.app
        return app.beat is not None and any(partition.tp.topic in app.beating for partition in self.partitions)

    async def _take_turn(self) -> None:
        """Where a turn breaks off, nobody knows what is committed: nothing may be done a second time."""
        try:
            await self._commit_waiting()
        except BaseException:
            self.close()
            raise

    async def _commit_waiting(self) -> None:
        """Let every agent that is about to work do so first, while nothing is open; then commit all that wait."""
        await asyncio.sleep(max(0.0, self._began + self.ownership.app.commit_interval - time.monotonic()))
        self._began = time.monotonic()
        waiting, self._waiting = self._waiting, []
        lazy = [(partition, partition.hand_over()) for partition in self.deferred]
        self.deferred = set()
        try:
            together = [transaction for _, transaction in lazy] + [t for t in waiting if not t.suspect]
            for group in [together, *([t] for t in waiting if t.suspect)]:
                await self._commit(group)
            for partition, transaction in lazy:
                if transaction.error is not None:
                    await partition.fail(transaction)
        finally:
            for partition, _ in lazy:
                partition.free.set()

    async def _commit(self, group: list[Transaction]) -> None:
        """Commit *group* together; after an error each alone, so that the error finds the one that it is about."""
        beat = await self._beat(group)
        if self.closed or not (group or beat):
            return
        try:
            error = await self._attempt(group, beat)
        except ProducerFenced:
            self.ownership.lost(self)
            return
        if error and len(group) == 1:
            group[0].error = error
        elif error and group:
            for transaction in group:
                await self._commit([transaction])
        elif error:
            self._miss_beat(error)

    def _miss_beat(self, error: Exception) -> None:
        self._lost_beats += 1
        logger.warning("%s: a beat was aborted: %r", self.name, error)
        if self._lost_beats == ATTEMPTS:
            raise PoisonedBatch(f"{self.name}: the beat failed {ATTEMPTS} times: {error!r}") from error

    async def _beat(self, group: list[Transaction]) -> dict[TP, Records]:
        """What the application says of this lane's sources, for every partition of the topics it names; once a second."""
        app = self.ownership.app
        if self.closed or app.beat is None or not self._beats or time.monotonic() < self._next_beat:
            return {}
        claims = {transaction.source: transaction.claimed for transaction in group if transaction.claimed is not None}
        beating = [partition for partition in self.partitions if partition.tp.topic in app.beating]
        standings = [self.ownership.standing(partition, claims.get(partition.tp, partition.claim)) for partition in beating]
        records: defaultdict[TP, Records] = defaultdict(list)
        for topic, value in app.beat(standings):
            for number in range(await self.ownership.partitions_of(topic)):
                records[TP(topic, number)].append((None, value, NO_HEADERS))
        if not records:
            self._beaten = time.monotonic()
        return records

    async def _attempt(self, group: list[Transaction], beat: dict[TP, Records]) -> Exception | None:
        """Commit and then, not before, keep the table changes; or abort and return why."""
        started, error = time.monotonic(), None
        with self.ownership.app.watchdog.watching(f"transaction {self.name}"):
            try:
                ends = await self._send(group, beat)
            except ProducerFenced:
                raise
            except Exception as failed:
                error = failed
                logger.warning("%s: a transaction is aborted: %r", self.name, error)
                await self._abort()
        if error:
            await self._begin_anew()
        else:
            for transaction in group:
                transaction.keep(ends)
        if beat:
            self._beaten, self._lost_beats = time.monotonic(), self._lost_beats if error else 0
        self.report(group, time.monotonic() - started, error)
        return error

    async def _abort(self) -> None:
        assert self._producer is not None
        with taken_over_instead():
            await self._producer.abort_transaction()

    async def _begin_anew(self) -> None:
        """After an abort take a new producer: the sequence numbers of what was not sent are spent."""
        with taken_over_instead():
            await self.connect()
            await self.ownership.insist_unmoved(self)

    async def _send(self, group: list[Transaction], beat: dict[TP, Records]) -> dict[TP, int]:
        """Commit to Kafka; return the offset of the last record in each partition. The beat stands behind all else."""
        assert self._producer is not None
        records: defaultdict[TP, Records] = defaultdict(list)
        for part in [*(t.records for t in group), *(t.changelogs() for t in group), beat]:
            for tp, more in part.items():
                records[tp] += more
        positions = {TopicPartition(*transaction.source): OffsetAndMetadata(transaction.end, "") for transaction in group}
        await self._producer.begin_transaction()
        offsets = [self._producer.send_offsets_to_transaction(positions, self.ownership.group)] if positions else []
        answers = await settled(*[deliver(self._producer, tp, part) for tp, part in records.items()], *offsets)
        await self._producer.commit_transaction()
        return dict(zip(records, answers, strict=False))

    def report(self, group: list[Transaction], seconds: float, error: BaseException | None) -> None:
        records = Counter[str]()
        for transaction in group:
            records[transaction.source.topic] += transaction.size
        self.ownership.app.observe(Attempt(self.name, dict(records), seconds, error))


@contextmanager
def taken_over_instead() -> Iterator[None]:
    """Where Kafka is away nobody knows what is committed, but it will be known: the lane is taken over anew, as after a fence."""
    try:
        yield
    except KafkaError as error:
        if not error.retriable:
            raise
        raise ProducerFenced(f"Kafka is away: {error!r}") from error
