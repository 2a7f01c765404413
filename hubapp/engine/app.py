"""The Faust app of an application: its agents get batches, its tables hold bytes."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

import faust
from faust.exceptions import ImproperlyConfigured
from faust.types import TP, AgentT, TableT
from faust.types.tuples import Message
from mode import CrashingSupervisor
from yarl import URL

from hubapp.engine.batches import Batch, batches
from hubapp.engine.changelog import Committed
from hubapp.engine.connection import cluster_of, credentials
from hubapp.engine.datadir import Lock
from hubapp.engine.lane import Attempt
from hubapp.engine.ownership import Ownership
from hubapp.engine.quiet import Quiet, Standing
from hubapp.engine.recovery import Recovered
from hubapp.engine.shelf import SCHEME, Shelf
from hubapp.engine.transaction import hashed
from hubapp.engine.transport import Transport
from hubapp.engine.watchdog import Watchdog

logger = logging.getLogger(__name__)

AgentFun = Callable[[AsyncIterator[Batch]], Awaitable[None]]
Connection = Mapping[str, Any]
Beat = Callable[[Sequence[Standing]], Iterable[tuple[str, bytes]]]

SETTINGS = {
    "store": f"{SCHEME}://",
    # Faust then reads committed records only and asks our Ownership at every rebalance.
    "processing_guarantee": "exactly_once",
    # A rebalance and a shutdown wait for the running transactions (Consumer.wait_empty).
    "stream_wait_empty": True,
    # An agent that fails ends the process: a restart is always safe, going on without the record is not.
    "agent_supervisor": CrashingSupervisor,
    # How much one fetch hands over, and how many such chunks may wait for a partition before it is paused.
    "broker_max_poll_records": 5_000,
    "stream_buffer_maxsize": 10,
    # Below the broker's message.max.bytes of 1 MiB; one batch then holds what one transaction sends to a partition.
    "producer_max_batch_size": 900_000,
    # A new topic, or a partition more, is seen within this time.
    "consumer_metadata_max_age_ms": 10_000,
    "producer_metadata_max_age_ms": 10_000,
    # Each owner rebuilds from the changelog; a second RocksDB on every worker is not wanted yet.
    "table_standby_replicas": 0,
    "topic_disable_leader": True,
    # Faust's own pages have no access control. (Its `worker` command ignores this: it wants --without-web.)
    "web_enabled": False,
}
OPEN_SECONDS, STOP_SECONDS = 5, 8


@dataclass(frozen=True, slots=True)
class Owned:
    """A source partition of this worker. *open*: it takes records (not so while a rebalance runs, or after a fence)."""

    topic: str
    partition: int
    position: int
    highwater: int | None
    open: bool


def hub_app(
    name: str,
    *,
    datadir: Path | str,
    brokers: str = "",
    connection: Connection | Callable[[], Connection] | None = None,
    replicas: int = 0,
    in_sync: int = 0,
    instance: str = "",
    commit_interval: float = 0.0,
    beat_seconds: float = 1.0,
    quiet_after_error: float = 120.0,
    session_timeout: float = 10.0,
    **settings: Any,
) -> HubApp:
    """A Faust app, *name* its consumer group, *brokers* HOST:PORT,...; every worker on a machine needs a *datadir* of its own.

    *connection*: aiokafka's options for every client (bootstrap_servers, unless *brokers* says it, security_protocol, …), or
    what gives them as the worker starts: declaring agents and tables needs no Kafka. *replicas*, *in_sync* of changelogs;
    0: 3 or as many as there are brokers, and one less. A worker with an *instance*, a name of its own which it keeps, is
    waited for when it is started again (static membership): its lanes stand still meanwhile, nobody else's do. A lane begins
    its next transaction *commit_interval* seconds after the last one: what is ready until then joins it.
    """
    given = connection or {}
    named = {
        "broker_session_timeout": session_timeout,
        "broker_heartbeat_interval": min(2.0, session_timeout / 3),
        "datadir": str(datadir),
        "consumer_group_instance_id": instance or None,
        # The assignor spreads it, by member: two workers with one address would hide each other.
        "canonical_url": URL(f"http://{socket.gethostname()}-{os.getpid()}.invalid"),
    }
    app = HubApp(name, **{**SETTINGS, **named, **settings})
    app.connect = lambda: {"bootstrap_servers": brokers, **(given() if callable(given) else given)}
    app.lock = Lock(Path(datadir))
    app.replicas, app.in_sync = replicas, in_sync
    app.commit_interval, app.beat_seconds, app.quiet_after_error = commit_interval, beat_seconds, quiet_after_error
    return app


def log_gap(tp: TP, start: int, end: int) -> None:
    logger.warning("%s: offsets %d to %d are gone: retention passed them before they were read", tp, start, end - 1)


class HubApp(faust.App):
    """Agents run once for each partition and get its records as batches. `observe` is told of every transaction."""

    observe: Callable[[Attempt], None] = staticmethod(lambda attempt: None)
    observe_gap: Callable[[TP, int, int], None] = staticmethod(log_gap)
    beat: Beat | None = None
    connect: Callable[[], Connection]
    lock: Lock
    replicas, in_sync = 0, 0
    commit_interval, beat_seconds, quiet_after_error = 0.0, 1.0, 120.0
    cluster_id = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.source_topics: set[str] = set()
        self.beating: set[str] = set()
        self.every: dict[str, float] = {}
        self.writers: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.connection: Connection = {}
        self.recovered, self.quiet = Recovered(), Quiet()
        self.watchdog = Watchdog(OPEN_SECONDS, lambda: self.quiet.away)

    @cached_property
    def shelf(self) -> Shelf:
        """The RocksDB of this process."""
        return Shelf(Path(self.conf.tabledir) / "tables.db")

    async def on_first_start(self) -> None:
        """Have the data directory and the cluster before anything else is started."""
        self.lock.take()
        self.use(self.connect())
        cluster, at_once = await cluster_of(self.connection, lambda: self.should_stop)
        if cluster is not None:
            self.cluster_id = cluster["cluster_id"]
            self.replicas = self.replicas or min(3, len(cluster["brokers"]))
            self.in_sync = self.in_sync or max(1, self.replicas - 1)
        if not at_once:
            self.quiet.failed()
        await super().on_first_start()

    async def _wait_for_table_recovery_completed(self) -> bool:
        """Tasks and services of the application run from the start, and say 'not ready' themselves.

        Faust would hold them back until partitions were assigned: for ever, where no source exists yet.
        """
        return self.should_stop

    def use(self, connection: Connection) -> None:
        """Have every client made from these options of aiokafka."""
        self.connection = connection
        self.transport.url = [URL(f"kafka://{broker}") for broker in connection["bootstrap_servers"].split(",")]
        self._settle("broker_credentials", credentials(connection))

    async def stop(self) -> None:
        """Stop, within a time: without a broker Faust would wait for ever."""
        self.watchdog.expect("the stop", STOP_SECONDS)
        await super().stop()

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def agent(self, topic: str, *, beats: bool = False, every: float = 0.0, **options: Any) -> Callable[[AgentFun], AgentT]:
        """Declare the one agent of a source topic: the group has one offset for a partition, so there can be no other.

        *beats*: `beat` speaks of this topic's partitions. *every*: so many seconds its records may wait to come together.
        """
        if topic in self.source_topics:
            raise ImproperlyConfigured(f"{topic} already has an agent")
        self.source_topics.add(topic)
        if beats:
            self.beating.add(topic)
        if every:
            self.every[topic] = every
        source = self.topic(topic, schema=Undecoded(), acks=False)

        def declare(fun: AgentFun) -> AgentT:
            @wraps(fun)
            async def actor(stream: Any) -> None:
                await fun(batches(self.consumer.transactions, stream))

            return super(HubApp, self).agent(source, isolated_partitions=True, **options)(actor)

        return declare

    def Table(self, name: str, *, writer: str, **options: Any) -> TableT:
        """Declare a table of bytes (what Faust does not decode it cannot lose) for the agent of the topic *writer* alone.

        Two agents would each change what the other has read, and commit it together.
        """
        if self.writers.setdefault(name, writer) != writer:
            raise ImproperlyConfigured(f"table {name} is already written by the agent of {self.writers[name]}, not of {writer}")
        return super().Table(name, key_type=bytes, value_type=bytes, **options)

    def advertise(self, url: str) -> None:
        """Where this worker's web server answers: other workers learn it with the next rebalance. Call it before the start."""
        self._settle("canonical_url", URL(url))

    def _settle(self, setting: str, value: Any) -> None:
        """Faust warns of what is set after a declaration has looked at the settings; these are used from the start on."""
        self.conf.__dict__[f"_{setting}"] = value

    @property
    def _ownership(self) -> Ownership | None:
        return self.consumer.transactions if self.cluster_id and self.started else None

    async def calm(self) -> None:
        """Return when no transaction is open: an agent with much to do goes on then, and makes nobody wait."""
        await asyncio.sleep(0)
        while self.watchdog.is_watching:  # noqa: ASYNC110  # Lanes come and go; none of them owns such an event.
            await asyncio.sleep(0.005)

    @property
    def ready(self) -> bool:
        """Partitions are taken over, their state is recovered."""
        return bool((ownership := self._ownership) and ownership.taken and not self.rebalancing and not self.in_recovery)

    def owned(self) -> list[Owned]:
        ownership = self._ownership
        parts = ownership.partitions.items() if ownership else ()
        return [
            Owned(tp.topic, tp.partition, part.position, self.quiet.highwaters.get(tp), part.lane.owned)
            for tp, part in sorted(parts)
        ]

    def committed(self, table: TableT, partition: int) -> Committed | None:
        """What *table* holds there; None where this worker does not own it, or is still recovering."""
        ownership = self._ownership
        part = ownership.partitions.get(TP(self.writers[table.name], partition)) if ownership else None
        return Committed(table, partition) if part and part.lane.owned and not self.in_recovery else None

    def partition_of(self, key: bytes, topic: str) -> int:
        """The partition of *key* in a topic that an agent reads. KeyError while the topic does not exist."""
        return hashed(key) % self.counts[topic]

    def owner_of(self, topic: str, partition: int) -> str | None:
        """The address of the worker that reads this partition, as the group's last assignment told every member."""
        return self.assignor._external_tps_url.get(TP(topic, partition))


class Undecoded(faust.Schema):
    """Hands a chunk of records on to the agent as it is."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        return message.value
