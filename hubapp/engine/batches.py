"""Consecutive records of one partition, as large as what waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord
from faust.types import TP, StreamT

from hubapp.engine.transaction import ENOUGH, Transaction

if TYPE_CHECKING:
    from hubapp.engine.lane import Lane
    from hubapp.engine.ownership import Ownership

logger = logging.getLogger(__name__)

ATTEMPTS = 3
# Looks of a lane's pulse, about a second apart, until a chunk that nobody has is taken for thrown away.
LOOKS = 5


class PoisonedBatch(Exception):
    """The same records failed again and again. The process ends; nothing of them is visible."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one fetch brought of a partition.

    *start* is where the chunk before it ended. Up to the first record there may be transaction markers and
    compacted records: these are no loss, a chunk that went missing is.
    """

    tp: TP
    start: int
    records: list[ConsumerRecord]

    @property
    def end(self) -> int:
        return int(self.records[-1].offset) + 1


class Partition:
    """A source partition that this worker owns until the next rebalance, in the lane of its number.

    *position*: up to here all is committed. *seen*: up to here an agent has answered; what lies between is deferred. *gap*:
    offsets, from and to, that were gone before they were read; until what follows them is committed.
    """

    def __init__(self, lane: Lane, tp: TP, position: int) -> None:
        self.lane, self.tp, self.position, self.seen = lane, tp, position, position
        self.memory: dict[Any, Any] = {}
        self.claim: object | None = None
        self.work: Transaction | None = None
        self.failures = 0
        self.gap: tuple[int, int] | None = None
        self.idle, self.free = asyncio.Event(), asyncio.Event()
        self.idle.set()
        self.free.set()
        self._looks = (0, 0, 0)

    def begin(self, records: list[ConsumerRecord]) -> Transaction:
        """The open work goes on with *records*, out of the lane's reach until the agent leaves its block."""
        self.idle.clear()
        self.lane.deferred.discard(self)
        work, self.work = self.work or Transaction(self), None
        return work.extend(records)

    def defer(self, work: Transaction) -> None:
        self.work, self.seen = work, work.end
        self.lane.deferred.add(self)

    def hand_over(self) -> Transaction:
        """The deferred work, to be committed now: until that is done no batch begins (`free`)."""
        assert self.work is not None
        self.free.clear()
        work, self.work = self.work, None
        return work

    def keep(self, work: Transaction) -> None:
        self.position = self.seen = work.end
        self.failures = 0
        if self.gap is not None and work.end > self.gap[1]:
            self.gap = None
        if work.claimed is not None:
            self.claim = work.claimed

    def miss(self, start: int, end: int) -> None:
        """Know of a gap up to *end*, whether one was known before or not."""
        self.gap = (self.gap[0] if self.gap else start, end)

    async def fail(self, work: Transaction) -> None:
        """Have the records since the committed position answered again, or end the process with the reason."""
        self.failures += 1
        logger.warning("%s: again from offset %d: %r", self.tp, self.position, work.error, exc_info=work.error)
        if self.failures == ATTEMPTS:
            span = f"{self.tp} offsets {self.position} to {work.end - 1}"
            raise PoisonedBatch(f"{span}: {work.error!r}") from work.error
        self.memory, self.work = {}, None
        if self.seen != self.position:
            self.seen = self.position
            await self.fetch_again()

    async def fetch_again(self) -> None:
        logger.info("%s: fetching again from offset %d", self.tp, self.seen)
        await self.lane.ownership.consumer.seek(self.tp, self.seen)

    async def unread(self, chunks: Iterable[Chunk]) -> list[ConsumerRecord]:
        """The records that follow what was seen, one after the other.

        Around a rebalance Faust brings old records a second time, and throws away some that it fetched already: the
        first are dropped here, the others fetched again.
        """
        records: list[ConsumerRecord] = []
        seen = self.seen
        for chunk in chunks:
            if chunk.start > seen:
                await self.fetch_again()
                break
            if chunk.end > seen:
                records += (record for record in chunk.records if record.offset >= seen)
                seen = chunk.end
        return records

    async def look_after(self, handed: int) -> None:
        """Fetch again what the consumer handed over and nobody has: at a rebalance Faust may throw away a last chunk."""
        if handed <= self.seen or not self.idle.is_set():
            handed = 0
        seen, before, times = self._looks
        times = times + 1 if handed and (seen, before) == (self.seen, handed) else 0
        self._looks = (self.seen, handed, times)
        if times == LOOKS:
            await self.fetch_again()


class Batch:
    """The records that one block answers. *gap*: offsets, from and to, that are gone before them."""

    def __init__(self, partition: Partition, records: list[ConsumerRecord], work: Transaction) -> None:
        self.records, self.source, self.memory = records, partition.tp, partition.memory
        self.gap = partition.gap
        self.opened = False
        self._work = work

    def __iter__(self) -> Iterator[ConsumerRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def transaction(self) -> Transaction:
        if self.opened:
            raise RuntimeError("a batch has one transaction: a second one would answer its records twice")
        self.opened = True
        return self._work


async def batches(ownership: Ownership, stream: StreamT) -> AsyncIterator[Batch]:
    """Yield what waits for a partition, and the same records again for as long as they are not answered."""
    async for chunk in stream:
        partition = ownership.partitions.get(chunk.tp)
        if partition is None or not partition.lane.owned:
            continue
        await partition.free.wait()
        start = partition.seen
        records = await partition.unread([chunk, *waiting(stream, ENOUGH - len(chunk.records))])
        ownership.tell_gap(partition, records)
        while records and await partition.free.wait() and partition.lane.owned and partition.seen == start:
            batch = Batch(partition, records, partition.begin(records))
            try:
                yield batch
            finally:
                partition.idle.set()
            if not batch.opened:
                raise RuntimeError("an agent must open batch.transaction() for each batch")


def waiting(stream: StreamT, wanted: int) -> Iterator[Chunk]:
    """What arrived while the last transaction ran: batches are small when idle and large under load."""
    queue = stream.channel.queue
    while wanted > 0 and not queue.empty():
        chunk = queue.get_nowait().value
        wanted -= len(chunk.records)
        yield chunk
