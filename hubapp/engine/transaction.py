"""What an agent says about its batches: outputs, table changes, the source offset and a claim. All are committed, or none."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2
from faust.exceptions import ImproperlyConfigured
from faust.types import TP, TableT

from hubapp.engine.changelog import View
from hubapp.engine.delivery import NO_HEADERS, Headers, Record, Records

if TYPE_CHECKING:
    from hubapp.engine.batches import Partition

# Lazy work is committed once it answers so many records, or is so old, whatever the agent says.
ENOUGH = 5_000
LAZY_SECONDS = 1.0
EVERY = -1


class Transaction:
    """Collects what an agent says, and has it committed when the agent leaves the block.

    Nothing goes to Kafka before that: an agent that fails, or waits for something slow, holds nobody up. After `lazy` it
    stays open, and the next block of this partition goes on with it.
    """

    def __init__(self, partition: Partition) -> None:
        self.source, self.end, self.size = partition.tp, partition.position, 0
        self.since = time.monotonic()
        self.records: dict[TP, Records] = {}
        self.error: BaseException | None = None
        self.claimed: object | None = None
        self._partition = partition
        self._outputs: defaultdict[str, list[tuple[int, Record]]] = defaultdict(list)
        self._views: dict[str, View] = {}
        self._lazy = False

    def extend(self, records: Sequence[ConsumerRecord]) -> Transaction:
        """Answer *records* too."""
        self.end, self.size, self._lazy = records[-1].offset + 1, self.size + len(records), False
        return self

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """Send with the commit, to the partition of *key*; without a key to the number of the source partition."""
        self._outputs[topic].append((self.source.partition if key is None else hashed(key), (key, value, headers)))

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """Send with the commit to this partition number."""
        self._outputs[topic].append((partition, (key, value, headers)))

    def broadcast(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """Send with the commit to every partition of *topic*, in its place among what is sent there."""
        self._outputs[topic].append((EVERY, (key, value, headers)))

    def view(self, table: TableT) -> View:
        """This partition of *table*, with the changes of this transaction."""
        writer = self._partition.lane.ownership.app.writers[table.name]
        if writer != self.source.topic:
            raise ImproperlyConfigured(f"table {table.name} belongs to the agent of {writer}, not to that of {self.source.topic}")
        if table.name not in self._views:
            self._views[table.name] = View(table, self.source.partition)
        return self._views[table.name]

    def claim(self, claim: object) -> None:
        """What the next beat may say for this partition; it replaces the claim before it, with the commit."""
        self.claimed = claim

    def lazy(self) -> None:
        """Nothing of this batch is urgent: commit it with what comes next. Without effect where something is to be sent."""
        self._lazy = True

    @property
    def suspect(self) -> bool:
        return self._partition.failures > 0

    @property
    def may_wait(self) -> bool:
        young = self.size < ENOUGH and time.monotonic() < self.since + LAZY_SECONDS
        return self._lazy and young and not self._outputs and not self.suspect

    async def __aenter__(self) -> Transaction:
        return self

    async def __aexit__(self, _kind: Any, raised: BaseException | None, _trace: Any) -> bool:
        """Commit, or swallow an error that the same records may survive: `batches` then yields them again."""
        try:
            self.error = raised or await self._unaddressable()
            await self._hand_over()
            if isinstance(self.error, Exception):
                await self._partition.fail(self)
                await asyncio.sleep(0.1 * self._partition.failures)
            return raised is None or isinstance(raised, Exception)
        finally:
            self._partition.idle.set()

    async def _hand_over(self) -> None:
        lane = self._partition.lane
        if self.error is not None:
            lane.report([self], 0.0, self.error)
        elif self.may_wait:
            self._partition.defer(self)
        else:
            await lane.commit(self)

    async def _unaddressable(self) -> Exception | None:
        """Address the outputs now: where a topic does not exist, nobody else should wait for that answer."""
        try:
            self.records = await self._addressed()
        except Exception as error:
            return error
        return None

    async def _addressed(self) -> dict[TP, Records]:
        """The outputs, partitioned as Kafka's own clients do."""
        addressed: dict[TP, Records] = {}
        for topic, outputs in self._outputs.items():
            parts: list[Records] = [[] for _ in range(await self._partition.lane.ownership.partitions_of(topic))]
            for number, record in outputs:
                for part in parts if number == EVERY else (parts[number % len(parts)],):
                    part.append(record)
            addressed |= {TP(topic, number): part for number, part in enumerate(parts) if part}
        return addressed

    def changelogs(self) -> dict[TP, Records]:
        """The changes of each table, as its changelog holds them."""
        views = [view for view in self._views.values() if view.changes]
        return {view.changelog: [(key, value, NO_HEADERS) for key, value in view.changes.items()] for view in views}

    def keep(self, ends: dict[TP, int]) -> None:
        """Take over what has been committed; *ends* are the offsets of the last records."""
        for view in self._views.values():
            if view.changes:
                view.write(ends[view.changelog])
        self._partition.keep(self)


@lru_cache(maxsize=100_000)
def hashed(key: bytes) -> int:
    """Kafka's hash of a key; aiokafka computes it in Python, and keys come again."""
    return int(murmur2(key)) & 0x7FFFFFFF
