"""Which lanes are this worker's, from one rebalance to the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import ProducerFenced
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import TransactionManager
from faust.types import TP

from hubapp.engine import topology
from hubapp.engine.batches import Partition
from hubapp.engine.connection import admin, patiently, reader
from hubapp.engine.datadir import keep_only
from hubapp.engine.lane import Lane
from hubapp.engine.quiet import Standing
from hubapp.engine.recovery import recover

logger = logging.getLogger(__name__)


class Ownership(TransactionManager):
    """Takes over the lanes that a rebalance assigned, all of them anew.

    The order is what makes it exact: first the transactional producers, which fence an owner that died or only
    slept and abort what it left open; then the tables; then the committed offsets, which nobody else can move now.
    A lane that stays here is taken over like any other: it may have been elsewhere while this worker slept.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions: dict[TP, Partition] = {}
        self.lanes: set[Lane] = set()
        self.taken = False
        self._missing: set[str] = set()

    @property
    def group(self) -> str:
        return self.app.conf.id

    async def on_start(self) -> None:
        keep_only(self.app.cluster_id, self.app.conf.tabledir)
        await patiently(self._prepare, "to make changelogs")

    async def _prepare(self) -> None:
        async with self._admin() as client:
            await self._survey(client)

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP]) -> None:
        actives = {tp for tp in assigned if not self.app.assignor.is_standby(tp)}
        await patiently(partial(self._take_over, actives), "to take over partitions")

    async def _take_over(self, actives: set[TP]) -> None:
        await self.release()
        async with self._admin() as client:
            if await self._survey(client):
                self.consumer.refresh()
            lanes = self._complete(self._recoverable(actives), set(self.app.assignor._external_tps_url) - actives)
            self.lanes = set(lanes.values())
            await asyncio.gather(*[lane.connect() for lane in self.lanes])
            beginnings = await self._recover(actives, lanes)
            committed = await self._committed(client, lanes) if lanes else {}
        self._take({tp: (lane, committed[tp].offset, beginnings[tp]) for tp, lane in lanes.items()})

    def _take(self, lanes: dict[TP, tuple[Lane, int, int]]) -> None:
        self.app.quiet.take([TP(*tp) for tp in lanes])
        for tp, (lane, committed, beginning) in lanes.items():
            self.partitions[tp] = Partition(lane, TP(*tp), max(committed, beginning))
            if 0 <= committed < beginning:
                self._miss(self.partitions[tp], committed, beginning)
            lane.partitions.append(self.partitions[tp])
        for lane in self.lanes:
            lane.owned = True
            self.add_future(lane.pulse())
        self.taken = True

    async def _survey(self, client: AIOKafkaAdminClient) -> bool:
        """Count what exists, and give each table a changelog with as many partitions as its writer's topic."""
        app = self.app
        app.counts = await topology.count(client, app.source_topics)
        if (missing := app.source_topics - app.counts.keys()) != self._missing:
            logger.info("waiting for topics that do not exist yet: %s", ", ".join(sorted(missing)) or "none")
            self._missing = missing
        writers = {table.changelog_topic.get_topic_name(): app.writers[name] for name, table in app.tables.items()}
        wanted = {changelog: app.counts[writer] for changelog, writer in writers.items() if writer in app.counts}
        return await topology.provide(client, wanted, app.replicas, app.in_sync)

    def _recoverable(self, actives: set[TP]) -> set[TP]:
        """The source partitions whose tables are here too: those of a new or wider topic come with the next rebalance."""
        sources = {tp for tp in actives if tp.topic in self.app.counts}
        lacking = {
            TP(writer, number)
            for name, writer in self.app.writers.items()
            for number in range(self.app.counts.get(writer, 0))
            if TP(self.app.tables[name].changelog_topic.get_topic_name(), number) not in actives
        }
        if sources & lacking:
            logger.info("%d partitions wait until their tables are assigned", len(sources & lacking))
        return sources - lacking

    def _complete(self, sources: set[TP], elsewhere: set[TP]) -> dict[TP, Lane]:
        """The lane of each source partition, if all partitions of that lane are here.

        While workers with different agents are in the group (an upgrade adds a source) Faust may assign topics of one
        count apart. Two workers would then fence each other for ever: the one that lacks a part waits.
        """
        counts = self.app.counts
        parts = {TopicPartition(*tp): (counts[tp.topic], tp.partition) for tp in sources}
        apart = {(counts[tp.topic], tp.partition) for tp in elsewhere if tp.topic in counts} & set(parts.values())
        for number in sorted(apart):
            logger.warning("partition %d of %d waits: some topics are assigned to another worker", number[1], number[0])
        lanes = {part: Lane(self, *part) for part in {*parts.values()} - apart}
        return {tp: lanes[part] for tp, part in parts.items() if part in lanes}

    async def _recover(self, actives: set[TP], sources: Collection[TP]) -> dict[TP, int]:
        """Recover the tables; return where the logs of *sources* begin.

        What Faust still buffers for a standby is older than what we read now, and must not be written over it.
        """
        changelogs = self.app.tables._changelogs
        tables = {TopicPartition(*tp): changelogs[tp.topic] for tp in actives if tp.topic in changelogs}
        beginnings: dict[TP, int] = {}
        if topics := {tp.topic for tp in [*tables, *sources]}:
            async with reader(self.app.connection, "read_uncommitted", topics) as surveyor:
                beginnings = dict(await surveyor.beginning_offsets([*tables, *sources]))
                ends = await surveyor.end_offsets(tables) if tables else {}
        if tables:
            async with reader(self.app.connection, "read_committed", topics) as follower:
                await recover(tables, follower, beginnings, ends, self.app.recovered)
        for buffer in self.app.tables.recovery.buffers.values():
            buffer.clear()
        return beginnings

    async def partitions_of(self, topic: str) -> int:
        """Ask Faust's own producer: a lane's may be replaced while an agent waits for its answer."""
        return len(await self.producer._producer.partitions_for(topic))

    async def _committed(self, client: AIOKafkaAdminClient, sources: Collection[TP]) -> dict[TP, OffsetAndMetadata]:
        """The group's offset of each source partition, -1 where there is none.

        A coordinator that has just moved answers with an error and no partition at all. aiokafka's consumer takes that
        for "never committed", and a worker that believed it would process everything a second time.
        """
        while True:
            found = await client.list_consumer_group_offsets(self.group, partitions=list(sources))
            if len(found) == len(sources):
                return found
            await asyncio.sleep(0.1)

    def _admin(self) -> AbstractAsyncContextManager[AIOKafkaAdminClient]:
        return admin(self.app.connection)

    async def insist_unmoved(self, lane: Lane) -> None:
        """A worker that slept between an abort and its new producer has just fenced the owner: what it holds is done already."""
        positions = {TopicPartition(*partition.tp): partition.position for partition in lane.partitions}
        async with self._admin() as client:
            committed = await self._committed(client, positions)
        if any(committed[tp].offset > position for tp, position in positions.items()):
            raise ProducerFenced(f"{lane.name} has moved on without this worker")

    def lost(self, lane: Lane) -> None:
        """Another producer has taken this lane over: drop it, and ask the group whose it is.

        Without asking, a lane that was fenced and is still ours (its transaction timed out while the worker was
        frozen) would have no owner.
        """
        logger.info("%s: fenced, rejoining the group", lane.name)
        lane.close()
        self.consumer.rejoin()

    def handed(self, tp: TP) -> int:
        """The end of what the consumer's thread has handed over."""
        return self.consumer.handed(tp)

    def standing(self, partition: Partition, claim: object | None) -> Standing:
        tp, committed = partition.tp, partition.position
        rest = self.app.quiet_after_error
        return Standing(tp, claim, self.app.quiet.since(tp, committed=committed, handed=self.handed(tp), rest=rest))

    def tell_gap(self, partition: Partition, records: list[ConsumerRecord]) -> None:
        """Retention passed the position while this worker read: what is missing is never passed over in silence."""
        if records and partition.tp in self.app.quiet.out_of_range:
            self.app.quiet.out_of_range.discard(partition.tp)
            self._miss(partition, partition.seen, records[0].offset)

    def _miss(self, partition: Partition, start: int, end: int) -> None:
        self.app.observe_gap(partition.tp, start, end)
        partition.miss(start, end)

    async def finish(self) -> None:
        """Let the running transactions end and begin no more; what is lazy is committed."""
        self.taken = False
        for lane in self.lanes:
            lane.owned = False
        for partition in self.partitions.values():
            await partition.idle.wait()
        await asyncio.gather(*[lane.drain() for lane in self.lanes])

    async def release(self) -> None:
        await self.finish()
        await asyncio.gather(*[lane.disconnect() for lane in self.lanes])
        self.partitions, self.lanes = {}, set()

    async def on_stop(self) -> None:
        await self.release()
