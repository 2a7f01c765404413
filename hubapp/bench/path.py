"""The whole path: alert records at a source -> facts -> both rules -> derived topics, all that waits, by one worker.

A simulated ward's records are in the topics before the worker starts, so it is always behind. Measured from its first
commit until the group's offsets are at the ends, the log of patients' included. Memory is looked at all the while: it
must not grow with the input.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from hubapp import kafka
from hubapp.chaos.hub import Hub, Worker, own, until
from hubapp.facts import SECOND
from hubapp.pipes import Sending
from hubapp.sim.play import play
from hubapp.sim.ward import Plan, Ward
from hubapp.topics import PATIENTS, READ

Say = Callable[[str], None]
RECORDS_A_BED_DAY = 2_850
"""About so many alert records a simulated bed writes in a day, both signals."""


@dataclass(slots=True)
class Passed:
    """alerts, records: what was waiting; seconds: from the first commit to the last; mib: the worker's memory at its highest."""

    alerts: int
    records: int
    seconds: float
    alerts_per_second: float
    findings: int
    mib: float


async def run(alerts: int, beds: int, tenfold: bool, say: Say) -> dict[str, Any]:
    """Once with *alerts* records, and with a tenth of them before, to see what memory does."""
    passed = [await once(count, beds, say) for count in ([alerts // 10, alerts] if tenfold else [alerts])]
    return {"path": [asdict(one) for one in passed], "beds": beds}


async def once(alerts: int, beds: int, say: Say) -> Passed:
    async with own(past=True) as hub:
        ward = Ward(plan(alerts, beds))
        say(f"writing about {alerts:,} alert records of {beds} beds")
        await write(hub, ward)
        say(f"{ward.wires.counts['alerts']:,} alert records wait: one worker starts")
        seconds, mib = await pass_through(hub)
        told = await ends(hub, "hub-episodes", "hub-attendance")
    count = ward.wires.counts["alerts"]
    return Passed(count, ward.wires.counts["records"], round(seconds, 2), round(count / seconds), sum(told.values()), round(mib))


def plan(alerts: int, beds: int) -> Plan:
    """A ward that writes little else: the rules' share is in question, not that of connection reports."""
    lasts = int(alerts / beds / RECORDS_A_BED_DAY * 86_400) * SECOND
    return Plan(seed=7, beds=beds, units=max(1, beds // 16), lasts=lasts, report_seconds=0.0, echoes=0.0, malformed=0.0)


async def write(hub: Hub, ward: Ward) -> None:
    from aiokafka import AIOKafkaProducer

    options = {"linger_ms": 5, "max_batch_size": 200_000, **kafka.client_options(hub.settings)}
    async with AIOKafkaProducer(enable_idempotence=True, **options) as producer:
        await play(ward, producer, 0, asyncio.Event(), hub.settings)
        await Sending(hub.settings, producer).end_of_input()


async def pass_through(hub: Hub) -> tuple[float, float]:
    """Seconds from the first commit until all is committed, and the memory of the worker at its highest in MiB."""
    worker = hub.worker("bench")
    await until("a first commit", lambda: has_begun(hub), hub, 120)
    began, highest = time.monotonic(), 0.0
    for topics in ([topic.role for topic in READ], [PATIENTS]):
        # A record of progress follows each second: where the log ended when the sources were through is what counts.
        ended = await ends(hub, *topics)
        while not await is_through(hub, ended):
            highest = max(highest, memory(worker))
            await asyncio.sleep(0.25)
    return time.monotonic() - began, max(highest, memory(worker))


def memory(worker: Worker) -> float:
    assert worker.process is not None
    return float(psutil.Process(worker.process.pid).memory_info().rss / 2**20)


async def has_begun(hub: Hub) -> bool:
    return any(offset > 0 for offset in (await offsets(hub)).values())


async def is_through(hub: Hub, ended: dict[TopicPartition, int]) -> bool:
    committed = await offsets(hub)
    return all(committed.get(tp, -1) >= end for tp, end in ended.items() if end)


async def offsets(hub: Hub) -> dict[TopicPartition, int]:
    from aiokafka.errors import GroupCoordinatorNotAvailableError

    from hubapp import cluster

    async with cluster.admin(hub.settings) as client:
        try:
            found = await client.list_consumer_group_offsets(hub.settings.group)
        except GroupCoordinatorNotAvailableError:  # No group has ever been in this Kafka.
            return {}
    return {tp: one.offset for tp, one in found.items()}


async def ends(hub: Hub, *topics: str) -> dict[TopicPartition, int]:
    """Behind the last record: a progress record a second follows, so an end is where it was a moment ago."""
    async with AIOKafkaConsumer(isolation_level="read_committed", **kafka.client_options(hub.settings)) as consumer:
        await consumer._client.set_topics(topics)
        parts = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()]
        return dict(await consumer.end_offsets(parts))
