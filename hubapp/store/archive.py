"""hub-patients, hub-house, hub-late and the derived topics -> PostgreSQL, each fact and revision once.

One consumer, one connection, one batch at a time: while the database is away nothing more is fetched, and nothing else waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.store import connection, offsets
from hubapp.store.migrate import migrate
from hubapp.store.offsets import Logs, Stale
from hubapp.store.partitions import Partitions
from hubapp.store.patience import Observe, Patience, Status, Stopped
from hubapp.store.reading import READ, Reading, consumer
from hubapp.store.sorting import sort
from hubapp.store.write import Batch, write

logger = logging.getLogger(__name__)

MOST = 4000
FETCH_MS = 500
SETTLE_SECONDS, UPKEEP_SECONDS = 2.0, 3600.0
SHORT_CHECKS = 10
# Together less than the seconds in which a worker must have stopped.
GRACE_SECONDS, CLOSE_SECONDS = 3.0, 2.0
DENIED = (AuthenticationFailedError, SaslAuthenticationFailed, GroupAuthorizationFailedError, TopicAuthorizationFailedError)


class Archive:
    """Made, run once, watched by its status."""

    def __init__(
        self, settings: Settings, *, database_url: str, kafka_options: dict[str, Any], cluster_id: str, epoch: int,
        observe: Observe | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.url, self.kafka_options = settings, database_url, kafka_options
        self.logs = Logs(settings.name, cluster_id, epoch)
        self.status = Status()
        self._patience = Patience(
            asyncio.Event(), self.status, observe or (lambda _status: None), connection.address(database_url)
        )
        self._settled = self._kept_up = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until *stop* is set. Raises Failure for what no waiting mends."""
        self._patience.stop = stop
        archiving = asyncio.ensure_future(self._archive(stop))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([archiving, stopping], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([archiving], timeout=GRACE_SECONDS)
        finally:
            archiving.cancel()  # It may hang in a lock or in a network: what it has not committed is not stored.
            stopping.cancel()
        try:
            with suppress(Stopped, asyncio.CancelledError):
                await archiving
        except Failure as failure:
            self._patience.tell("refused", str(failure))
            raise
        self._patience.tell("stopped")

    async def _archive(self, stop: asyncio.Event) -> None:
        self.pool = await self._patience.until_done(lambda: connection.connect(self.url))
        try:
            await self._patience.until_done(lambda: migrate(self.pool))
            await self._patience.until_done(lambda: offsets.recognise(self.pool, self.logs))
            self.partitions = Partitions(self.pool)
            await self._upkeep()
            await self._consume(stop)
        finally:
            with suppress(*connection.AWAY):
                await asyncio.wait_for(self.pool.close(), CLOSE_SECONDS)
            self.pool.terminate()

    async def _consume(self, stop: asyncio.Event) -> None:
        self.consumer = consumer(self.settings, self.kafka_options)
        self.reading = Reading(self.consumer)
        self.consumer.subscribe(topics=READ, listener=self.reading)
        try:
            await self._patience.until_done(self.consumer.start)
            self._patience.steady = "archiving"
            while not stop.is_set():
                await self._round()
        finally:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self.consumer.stop(), CLOSE_SECONDS)

    async def _round(self) -> None:
        """What one fetch brought, stored."""
        try:
            await self._upkeep()
            await self._place()
            fetched = await self.consumer.getmany(timeout_ms=FETCH_MS, max_records=MOST)
            for partition, records in fetched.items():
                await self._keep(partition, records)
            await self._settle()
            self._patience.tell(self._patience.steady)
        except NoOffsetForPartitionError:
            pass  # aiokafka asked the group before the store was asked.
        except OffsetOutOfRangeError as error:
            for partition in error.args[0]:
                self.reading.displace(partition)
        except DENIED as error:
            raise Failure(
                f"Kafka refuses group {self.settings.group}-archive: {error!r}; check the rights of its user"
            ) from error
        except IllegalStateError:
            pass  # Partitions were taken away while we asked for them.
        except KafkaError as error:
            self._patience.tell("waits for Kafka", type(error).__name__)
            await self._patience.pause(1)

    async def _place(self) -> None:
        """Ask the store where to read on in what is newly ours."""
        changes, wanted = self.reading.changes, sorted(self.reading.unplaced)
        if not wanted:
            return
        await self._patience.until_done(lambda: offsets.recognise(self.pool, self.logs))
        begins = await self.consumer.beginning_offsets(wanted)
        for partition in wanted:
            following = await self._following(partition, begins[partition])
            if self.reading.changes == changes:
                self.reading.place(partition, following)

    async def _following(self, partition: TopicPartition, begin: int) -> int:
        place = (partition.topic, partition.partition)
        following = await self._patience.until_done(lambda: offsets.next_of(self.pool, self.logs, place))
        await self._compare(partition, following)
        if following >= begin:
            return following
        with suppress(Stale):
            await self._patience.until_done(lambda: offsets.leap(self.pool, self.logs, place, following, begin))
            self.status.gaps += 1
            logger.error(
                "archive: Kafka's retention took records before they were stored; table gaps says which",
                extra={"topic": partition.topic, "partition": partition.partition, "first": following, "last": begin - 1},
            )
        return await self._patience.until_done(lambda: offsets.next_of(self.pool, self.logs, place))

    async def _compare(self, partition: TopicPartition, following: int) -> None:
        """A log that is shorter than what was stored of it is another one. (A new leader may not know its end at once.)"""
        for _ in range(SHORT_CHECKS):
            end = (await self.consumer.end_offsets([partition]))[partition]
            if end >= following:
                return
            await self._patience.pause(1)
        raise Failure(
            f"{partition.topic}-{partition.partition} ends at {end}, the store has it up to {following}: "
            "these are other logs; nothing is archived; if that is right, run `hub store adopt --from-the-beginning`"
        )

    async def _keep(self, partition: TopicPartition, records: list[Any]) -> None:
        """Store what *records* hold, all or nothing; a batch that holds nothing waits for the next."""
        first = self.reading.stored.get(partition)
        if first is None:
            return
        batch = Batch((partition.topic, partition.partition), first, records[-1].offset + 1)
        await sort(records, self.logs, batch)
        if len(batch):
            await self._write(partition, batch)

    async def _write(self, partition: TopicPartition, batch: Batch) -> None:
        changes = self.reading.changes

        async def attempt() -> bool:
            if self.reading.changes != changes:
                return False
            await write(self.partitions, self.logs, batch)
            return True

        try:
            written = await self._patience.until_done(attempt)
        except Stale:
            logger.info("archive: stored by another", extra={"topic": partition.topic, "partition": partition.partition})
            self.reading.displace(partition)
            return
        if written:
            self._count(batch)
            if self.reading.changes == changes:
                self.reading.stored[partition] = batch.following

    def _count(self, batch: Batch) -> None:
        self.status.facts += len(batch.facts)
        self.status.revisions += len(batch.revisions)
        self.status.batches += 1
        self._patience.observe(self.status)

    async def _settle(self) -> None:
        """Every now and then: offsets of which nothing is to be stored (progress, markers); the group, for lag."""
        if time.monotonic() - self._settled < SETTLE_SECONDS:
            return
        self._settled = time.monotonic()
        for partition, first in list(self.reading.stored.items()):
            position = await self.consumer.position(partition)
            if self.reading.stored.get(partition) == first < position:
                await self._write(partition, Batch((partition.topic, partition.partition), first, position))
        self.status.partitions, self.status.lag = len(self.reading.stored), self.reading.lag()
        self._patience.observe(self.status)
        if self.reading.stored:
            with suppress(KafkaError):
                await self.consumer.commit(dict(self.reading.stored))

    async def _upkeep(self) -> None:
        if not self._kept_up or time.monotonic() - self._kept_up > UPKEEP_SECONDS:
            await self._patience.until_done(self.partitions.look_ahead)
            self._kept_up = time.monotonic()


async def archive(
    settings: Settings, *, database_url: str, kafka_options: dict[str, Any], cluster_id: str, epoch: int,
    stop: asyncio.Event, observe: Observe | None = None,
) -> None:  # fmt: skip
    """Archive until *stop* is set."""
    made = Archive(
        settings, database_url=database_url, kafka_options=kafka_options, cluster_id=cluster_id, epoch=epoch, observe=observe
    )
    await made.run(stop)
