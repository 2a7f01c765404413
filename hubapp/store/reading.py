"""The archive's consumer: read_committed, in a group of its own, starting where the store says and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from hubapp import topics
from hubapp.settings import Settings

READ = (topics.PATIENTS, topics.HOUSE, topics.LATE, *(f"hub-{rule}" for rule in topics.RULES))
DERIVED = frozenset(f"hub-{rule}" for rule in topics.RULES)
# What a fetch may hold, so that a database that is away costs no more memory than this, twice.
PARTITION_BYTES, FETCH_BYTES = 512 * 1024, 4 * 1024 * 1024
# A database that is away for hours is no reason to leave the group.
POLL_MS, REBALANCE_MS = 24 * 3600 * 1000, 60 * 1000


def consumer(settings: Settings, kafka_options: dict[str, Any]) -> Any:
    session = int(settings.session_timeout * 1000)
    return AIOKafkaConsumer(
        group_id=f"{settings.group}-archive", client_id=f"{settings.worker}-archive", isolation_level="read_committed",
        enable_auto_commit=False, auto_offset_reset="none", session_timeout_ms=session, heartbeat_interval_ms=session // 5,
        max_poll_interval_ms=POLL_MS, rebalance_timeout_ms=REBALANCE_MS,
        max_partition_fetch_bytes=PARTITION_BYTES, fetch_max_bytes=FETCH_BYTES,
        metadata_max_age_ms=30_000, **kafka_options,
    )  # fmt: skip


@dataclass(eq=False)
class Reading(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Which partitions are ours, and of each up to where it is stored.

    unplaced: assigned, paused, until the store has said where to read on. A number of changes tells whoever awaited
    something that the partitions may be others now.
    """

    consumer: Any
    stored: dict[TopicPartition, int] = field(default_factory=dict)
    unplaced: set[TopicPartition] = field(default_factory=set)
    changes: int = 0

    async def on_partitions_revoked(self, _revoked: set[TopicPartition]) -> None:
        self.changes += 1
        self.stored.clear()
        self.unplaced.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.changes += 1
        self.stored.clear()
        self.unplaced = set(assigned)
        self.consumer.pause(*assigned)
        for partition in assigned:
            self.consumer.seek(partition, 0)  # A position, so that aiokafka looks for none; the store gives the true one.

    def place(self, partition: TopicPartition, offset: int) -> None:
        self.unplaced.discard(partition)
        self.stored[partition] = offset
        self.consumer.seek(partition, offset)
        self.consumer.resume(partition)

    def displace(self, partition: TopicPartition) -> None:
        """The store is elsewhere, or Kafka has nothing there: ask the store again."""
        if self.stored.pop(partition, None) is not None:
            self.consumer.pause(partition)
            self.unplaced.add(partition)

    def lag(self) -> int:
        """Offsets that are readable and not stored."""
        ends = {partition: self.consumer.highwater(partition) for partition in self.stored}
        return sum(max(0, end - self.stored[partition]) for partition, end in ends.items() if end is not None)

    def of_topic(self, partition: TopicPartition) -> bool:
        return partition.topic in DERIVED
