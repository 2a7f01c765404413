"""One Kafka transaction for what all agents say about a partition number, on Faust's own extension points.

Declare (nothing of the engine shows but this)
    app = hub_app(NAME, datadir=…, brokers="HOST:PORT,…", connection={aiokafka's options} or what gives them, …)
    table = app.Table("name", writer="topic")       bytes -> bytes, written by the agent of that topic alone
    @app.agent("topic", beats=True, every=0.5)      one agent a topic, by its actual name; it runs once for each partition.
                                                    every: so many seconds its records may wait to come together
    async def read(batches):
        async for batch in batches:                 len(batch), iteration and batch.records: aiokafka's ConsumerRecords
            async with batch.transaction() as out: …    exactly one for each batch

In a batch
    batch.source    TP(topic, partition)
    batch.gap       (from, to): offsets that retention passed before they were read, just before these records; else None.
                    It is told until what follows it is committed
    batch.memory    a dict of the agent's own for this partition, kept from batch to batch. New and empty after each
                    take-over and after each abort: what is missing is read from the tables
    out.send(topic, key, value, headers=[])             to the partition of key (murmur2); key None: to the source's number
    out.send_to(topic, partition, key, value, headers=[])
    out.broadcast(topic, key, value, headers=[])        to every partition
    out.view(table)     .get(key, default=None), [key] = value, del [key], .items(): committed values under this
                        transaction's own changes. bytes
    out.claim(object)   what the next beat may say of this partition; it holds with the commit, until the next claim
    out.lazy()          nothing of this batch is urgent. The work stays open and goes on with the next batch; it is
                        committed with what is urgent, with a beat, within about a second, or at a rebalance or stop. If that
                        commit fails, all records since the committed position come again, with an empty memory.
                        Without effect if something was sent, after an abort, or once 5,000 records are answered
    out.suspect         these records failed before
An error in the block, or of the commit, aborts: the same records come again, three times; then PoisonedBatch ends the
process (exit 1) and nothing of them is visible.

Beats
    app.beat = f        f(standings: Sequence[Standing]) -> Iterable[(topic, value: bytes)]: called once a second for each
                        lane that has sources declared with beats=True; what it returns goes to every partition of each
                        topic, in the lane's transaction, behind all else that it sends. It must not raise
    Standing            tp; claim; quiet_since: time.time() of the fetch that proves that nothing came for 2 s and nothing
                        waits, or None (`quiet` says when)

Ask
    app.ready           partitions are taken over and recovered; False during a rebalance. Tasks and services of the app run
                        before that, too
    app.cluster_id      once started
    app.counts          {source topic that exists: partitions}; a topic that appears, or grows, is taken in within ~20 s
    await app.calm()    returns when no transaction is open: between two pieces of long work
    app.owned()         [Owned(topic, partition, position, highwater | None, open)]; lag is highwater - position
    app.committed(table, partition)     Committed (.get(key), .items()), or None: not owned, or recovering
    app.partition_of(key, topic)        of a topic that an agent reads
    app.owner_of(topic, partition)      the address that its worker advertised, or None
    app.recovered       Recovered(partitions, records, rebuilt, seconds) of changelogs
Set before the start
    app.observe = f(Attempt)                 told of every transaction
    app.observe_gap = f(TP, from, to)        retention passed these offsets before they were read; else a warning
    app.advertise(url)                       where this worker's web server answers; each worker's must differ
    app.lock.take()                          the data directory, for the process's life; DatadirInUse after 5 s. The start
                                             takes it too; taking it first lets a command say so in one line
Start with `app.Worker(loglevel=…).execute_from_commandline()`; Faust's own `worker` command would open its web pages.

app          what an application sees: `hub_app`, a Faust app whose agents get batches
batches      consecutive records of one partition, as large as what waits
transaction  what an agent says about its batches
lane         a partition number and its producer: commits together what the agents have ready; beats
delivery     records into an open transaction
fetches      what changed since the last fetch, and not too often
quiet        whether nothing comes from a source, or we only do not hear of it
ownership    which lanes are this worker's, from one rebalance to the next
topology     partition counts; changelogs
changelog    a table partition in RocksDB
recovery     RocksDB brought up to the end of its changelog
datadir      held by one process, good for one cluster
connection   how clients reach the cluster
watchdog     ends a process that stands still
transport    where all of this hooks into Faust
"""

from hubapp.engine.app import HubApp, Owned, hub_app
from hubapp.engine.batches import Batch, PoisonedBatch
from hubapp.engine.changelog import Committed, View
from hubapp.engine.datadir import DatadirInUse
from hubapp.engine.lane import Attempt
from hubapp.engine.quiet import Standing
from hubapp.engine.recovery import Recovered
from hubapp.engine.transaction import Transaction

__all__ = [
    "Attempt",
    "Batch",
    "Committed",
    "DatadirInUse",
    "HubApp",
    "Owned",
    "PoisonedBatch",
    "Recovered",
    "Standing",
    "Transaction",
    "View",
    "hub_app",
]
