"""The topics of a cluster: compared with the declaration, and made as it says. Nothing is ever shrunk or deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hubapp import in_force, kafka
from hubapp.declaration import (
    DEFAULTS,
    Difference,
    Found,
    Wanted,
    differences,
    may_grow,
    mendable,
    replication,
    wanted,
    weaknesses,
)
from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.topics import LOG_PARTITIONS, META, PATIENTS

EPOCH = b"log_epoch"
ALREADY_EXISTS, UNKNOWN, UNAUTHORIZED = 36, 3, (29, 31)
TOPIC_ITSELF = 1  # The source of a config that was set on the topic, as DescribeConfigs numbers them.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster holds. broker: the configs of one of its brokers, as far as we may see them."""

    brokers: int
    topics: dict[str, Found]
    broker: dict[str, str]


async def check(settings: Settings, *, ours_only: bool = False) -> list[Difference]:
    """Every difference between the cluster and the declaration, and what would break exactly-once there."""
    async with admin(settings) as client:
        cluster = await look(client, settings)
    told: list[Difference] = []
    for want in wanted(settings, cluster.brokers):
        if want.topic.whose == "ours" or not ours_only:
            told += differences(want, cluster.topics.get(want.name))
    for name in DEFAULTS:
        told += weaknesses(name, cluster.topics.get(name), cluster.broker, replication(settings, cluster.brokers))
    return told


async def apply(settings: Settings, *, sources: bool = False) -> list[str]:
    """Make the cluster as declared, as far as that gives up nothing; a line for each thing done."""
    thresholds = in_force.of_file(settings.config)
    async with admin(settings) as client:
        cluster = await look(client, settings)
        asked = [want for want in wanted(settings, cluster.brokers) if sources or want.topic.whose == "ours"]
        missing = [want for want in asked if want.name not in cluster.topics]
        made = await _create(client, missing)
        there = [
            (want, cluster.topics[want.name]) for want in asked if want.topic.whose == "ours" and want.name in cluster.topics
        ]
        done = [f"created {want.name}: partitions {want.topic.partitions}, replication {want.replication}" for want in made]
        done += [line for want, found in there for line in await _mend(client, want, found)]
        await _until_led(client, [want.name for want in asked])
    new = any(want.name == PATIENTS for want in made)
    if new or await _read_epoch(settings) is None:
        done.append(f"wrote log_epoch {await _write_epoch(settings)}")
    if new or await in_force.in_force(settings) is None:
        await in_force.apply(settings, thresholds)
        done.append(f"wrote the thresholds of {settings.config or 'the defaults'} into the logs")
    return done


async def log_epoch(settings: Settings) -> int:
    """The number made with the hub logs: grows when they are made anew."""
    epoch = await _read_epoch(settings)
    if epoch is None:
        raise Failure(f"topic {META} holds no log_epoch: run `hub topics apply`")
    return epoch


async def log_partitions(settings: Settings) -> int:
    """How many partitions `hub-patients` has; refused where it is not as declared: patients would be looked up elsewhere."""
    async with admin(settings) as client:
        found = (await _describe(client, [PATIENTS])).get(PATIENTS)
    if found is None:
        raise Failure(f"topic {PATIENTS} does not exist: run `hub topics apply`")
    if len(found) != LOG_PARTITIONS:
        raise Failure(
            f"topic {PATIENTS} has {len(found)} partitions, this hub is made for {LOG_PARTITIONS}: the number is fixed once "
            "made; start anew with topics made by `hub topics apply`"
        )
    return len(found)


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[Any]:
    """An admin client; a cluster that cannot be reached is one clear line."""
    from aiokafka.admin import AIOKafkaAdminClient

    await kafka.reach(settings)
    client = AIOKafkaAdminClient(**kafka.client_options(settings))
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def look(client: Any, settings: Settings) -> Cluster:
    """What is there of what is declared, and of Kafka's own."""
    nodes = [broker["node_id"] for broker in (await client.describe_cluster())["brokers"]]
    names = [want.name for want in wanted(settings, len(nodes))] + list(DEFAULTS)
    partitions = await _describe(client, names)
    configs = await _configs(client, list(partitions))
    topics = {name: _found(partitions[name], configs.get(name, {})) for name in partitions}
    return Cluster(len(nodes), topics, {name: value for name, (value, _) in (await _broker(client, nodes[0])).items()})


def _found(partitions: list[Any], configs: dict[str, tuple[str, int]]) -> Found:
    return Found(
        len(partitions),
        min(len(partition["replicas"]) for partition in partitions),
        {name: value for name, (value, _) in configs.items()},
        {name: value for name, (value, source) in configs.items() if source == TOPIC_ITSELF},
    )


async def _describe(client: Any, names: list[str]) -> dict[str, list[Any]]:
    """Topic -> its partitions, of those that exist."""
    found = {}
    for told in await client.describe_topics(names):
        if told["error_code"] in UNAUTHORIZED:
            raise Failure(f"this Kafka user may not describe topic {told['topic']}: `hub topics acls` prints what it needs")
        if told["error_code"] != UNKNOWN and told["partitions"]:
            found[told["topic"]] = told["partitions"]
    return found


async def _configs(client: Any, names: list[str]) -> dict[str, dict[str, tuple[str, int]]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    if not names:
        return {}
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {name: dict(_entries(entries)) for answer in answers for code, _, _, name, entries in answer.resources if not code}


async def _broker(client: Any, node: int) -> dict[str, tuple[str, int]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    (answer,) = [
        answer
        for answer in await client.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(node))])
        if answer.resources
    ]
    ((code, _, _, _, entries),) = answer.resources
    return {} if code else dict(_entries(entries))


def _entries(entries: list[Any]) -> Iterator[tuple[str, tuple[str, int]]]:
    for name, value, _read_only, source, *_ in entries:
        if value is not None:
            yield name, (value, source)


async def _create(client: Any, missing: list[Wanted]) -> list[Wanted]:
    """Those of *missing* that we made; somebody else may have been quicker."""
    from aiokafka.admin import NewTopic

    if not missing:
        return []
    asked = [NewTopic(want.name, want.topic.partitions, want.replication, topic_configs=dict(want.configs)) for want in missing]
    answer = await client.create_topics(asked, timeout_ms=int(PATIENCE * 1000))
    codes = {name: (code, message) for name, code, message in answer.topic_errors}
    for name, (code, message) in codes.items():
        if code not in (0, ALREADY_EXISTS):
            raise Failure(f"topic {name} could not be made: {_refusal(code, message)}")
    return [want for want in missing if codes[want.name][0] == 0]


async def _mend(client: Any, want: Wanted, found: Found) -> list[str]:
    """AlterConfigs replaces all that is set on a topic: what is there already is sent along."""
    from aiokafka.admin import NewPartitions
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    done = []
    if changes := mendable(want, found):
        resource = ConfigResource(ConfigResourceType.TOPIC, want.name, {**found.own, **changes})
        for answer in await client.alter_configs([resource]):
            for code, message, *_ in answer.resources:
                if code:
                    raise Failure(f"topic {want.name} could not be changed: {_refusal(code, message)}")
        done += [f"changed {want.name}: {name} {found.configs.get(name)} -> {value}" for name, value in changes.items()]
    if may_grow(want, found):
        await client.create_partitions({want.name: NewPartitions(want.topic.partitions)})
        done.append(f"changed {want.name}: partitions {found.partitions} -> {want.topic.partitions}")
    return done


async def _until_led(client: Any, names: list[str]) -> None:
    """Until every partition has a leader: whoever sends next finds it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = await _describe(client, names)
        if set(found) == set(names) and all(partition["leader"] >= 0 for told in found.values() for partition in told):
            return
        if time.monotonic() > deadline:
            raise Failure(f"the new topics have no leaders after {PATIENCE:.0f} s: look at the brokers")
        await asyncio.sleep(0.1)


async def _read_epoch(settings: Settings) -> int | None:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    place = TopicPartition(META, 0)
    newest = None
    async with AIOKafkaConsumer(**kafka.client_options(settings), enable_auto_commit=False) as consumer:
        if not consumer.partitions_for_topic(META) and META not in await consumer.topics():
            raise Failure(f"topic {META} does not exist: run `hub topics apply`")
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(place, timeout_ms=1000)).values():
                newest = next((int(record.value) for record in reversed(records) if record.key == EPOCH), newest)
    return newest


async def _write_epoch(settings: Settings) -> int:
    from aiokafka import AIOKafkaProducer

    epoch = max(time.time_ns() // 1_000_000, (await _read_epoch(settings) or 0) + 1)
    async with AIOKafkaProducer(**kafka.client_options(settings), acks="all") as producer:
        await producer.send_and_wait(META, str(epoch).encode(), key=EPOCH)
    return epoch


def _refusal(code: int, message: str | None) -> str:
    from aiokafka.errors import for_code

    right = ": `hub topics acls` prints the rights it needs" if code in UNAUTHORIZED else ""
    return f"{message or for_code(code).__name__}{right}"
