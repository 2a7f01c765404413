"""Where the engine hooks into Faust: a transport whose parts are ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from hubapp.engine.batches import Chunk
from hubapp.engine.fetches import Fetches
from hubapp.engine.ownership import Ownership


class Producer(driver.Producer):
    def _settings_extra(self) -> Mapping[str, Any]:
        """After "not yet", ask again soon. What a dead worker left open holds back every reader until its timeout."""
        return {**super()._settings_extra(), "retry_backoff_ms": 5, "transaction_timeout_ms": 10_000}

    def _settings_auth(self) -> Mapping[str, Any]:
        return self.app.connection

    async def create_topic(self, topic: str, *_: Any, **__: Any) -> None:
        """Changelogs are made by the ownership, with the partitions of their writer; sources by their writers."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Hands over whole chunks, except of standbys' changelogs, which Faust reads record by record."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ends: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        """Faust lets a fetch wait for 1.5 s: what begins to be wanted meanwhile waits until it ends."""
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = 100
        Fetches(consumer._client, self.app.quiet, self.app.every)
        return consumer

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> dict[TP, list[Any]]:
        fetched = await super()._fetch_records(*args, **kwargs)
        changelogs = self.app.tables.changelog_topics
        return {tp: records if tp.topic in changelogs else [self._chunk(tp, records)] for tp, records in fetched.items()}

    def _chunk(self, tp: TP, records: list[Any]) -> Chunk:
        first, end = records[0].offset, self._ends.get(tp, 0)
        chunk = Chunk(TP(*tp), min(first, end), records)
        self._ends[tp] = chunk.end
        return chunk

    def handed(self, tp: TP) -> int:
        return self._ends.get(tp, 0)

    async def _highwaters(self, partitions: list[TP]) -> Mapping[TP, int]:
        """The real ends: Faust would take the last stable offset, which is -1 until something was fetched."""
        return await self._ensure_consumer().end_offsets(partitions)

    def seek(self, partition: TP, offset: int) -> None:
        self.thread_loop.call_soon_threadsafe(self._seek, TopicPartition(*partition), offset)

    def _seek(self, partition: TopicPartition, offset: int) -> None:
        self._ends.pop(partition, None)
        with suppress(IllegalStateError):  # The partition has left this worker meanwhile.
            self._ensure_consumer().seek(partition, offset)

    def rejoin(self) -> None:
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._coordinator.request_rejoin)

    def refresh(self) -> None:
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._client.force_metadata_update)


class RebalanceListener(driver.ConsumerRebalanceListener):
    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """The group counts this worker in while it takes over: aiokafka would begin its heartbeats only then."""
        self._thread._ensure_consumer()._coordinator._start_heartbeat_task()
        await super().on_partitions_assigned(assigned)


class Consumer(driver.Consumer):
    RebalanceListener = RebalanceListener

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Chunk):
            return super()._to_message(tp, record)
        last, generation = record.records[-1], self.app.consumer_generation_id
        time, kind, nothing = last.timestamp / 1000, last.timestamp_type, None
        return ConsumerMessage(
            *record.tp, last.offset, time, kind, nothing, nothing, record, nothing, tp=record.tp, generation_id=generation
        )

    async def wait_empty(self) -> None:
        """Faust asks for this before partitions change hands and before it stops."""
        await self.transactions.finish()

    def rejoin(self) -> None:
        self._thread.rejoin()

    def refresh(self) -> None:
        self._thread.refresh()

    def handed(self, tp: TP) -> int:
        return self._thread.handed(tp)


class Transport(driver.Transport):
    Consumer = Consumer
    Producer = Producer
    TransactionManager = Ownership
