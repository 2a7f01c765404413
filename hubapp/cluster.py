"""The topics of a cluster: compared with the declaration, and made as it says. Nothing is ever shrunk or deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hubapp import epoch, in_force, kafka
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
from hubapp.thresholds import Thresholds
from hubapp.topics import LOG_PARTITIONS, META, PATIENTS, Topic

ALREADY_EXISTS, UNKNOWN, UNAUTHORIZED = 36, 3, (29, 31)
TOPIC_ITSELF = 1  # The source of a config that was set on the topic, as DescribeConfigs numbers them.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """The topics asked for, and what a cluster holds of them. broker: the configs of one broker, as far as we may see them."""

    brokers: int
    asked: list[Wanted]
    topics: dict[str, Found]
    broker: dict[str, str]


async def check(settings: Settings, *, ours_only: bool = False) -> list[Difference]:
    """Every difference between the cluster and the declaration, and what would break exactly-once there."""
    async with admin(settings) as client:
        cluster = await look(client, settings, lambda topic: topic.whose == "ours" or (topic.read and not ours_only))
    told = [told for want in cluster.asked for told in differences(want, cluster.topics.get(want.name))]
    for name in DEFAULTS:
        told += weaknesses(name, cluster.topics.get(name), cluster.broker, replication(settings, cluster.brokers))
    return told


async def apply(settings: Settings, *, sources: bool = False) -> list[str]:
    """Make the cluster as declared, as far as that gives up nothing; a line for each thing done."""
    thresholds = in_force.of_file(settings.config)
    async with admin(settings) as client:
        cluster = await look(client, settings, lambda topic: sources or topic.whose == "ours")
        made = await _create(client, [want for want in cluster.asked if want.name not in cluster.topics])
        done = [f"created {want.name}: partitions {want.topic.partitions}, replication {want.replication}" for want in made]
        for want in cluster.asked:
            if want.topic.whose == "ours" and want.name in cluster.topics:
                done += await _mend(client, want, cluster.topics[want.name])
        await _until_led(client, [want.name for want in cluster.asked])
    new = any(want.name == PATIENTS for want in made)
    return done + await _begin(settings, thresholds, new)


async def _begin(settings: Settings, thresholds: Thresholds, new: bool) -> list[str]:
    """What stands at the beginning of new hub logs: their epoch, and the thresholds in force."""
    done = []
    if new or await epoch.read(settings) is None:
        done.append(f"wrote log_epoch {await epoch.write(settings)}")
    if new or await in_force.in_force(settings) is None:
        await in_force.apply(settings, thresholds)
        done.append(f"wrote the thresholds of {settings.config or 'the defaults'} into the logs")
    return done


async def log_epoch(settings: Settings) -> int:
    """The number made with the hub logs: grows when they are made anew."""
    written = await epoch.read(settings)
    if written is None:
        raise Failure(f"topic {META} holds no log_epoch: run `hub topics apply`")
    return written


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


async def cluster_id(settings: Settings) -> str:
    async with admin(settings) as client:
        return str((await client.describe_cluster())["cluster_id"])


async def look(client: Any, settings: Settings, chosen: Callable[[Topic], bool]) -> Cluster:
    """What is there of the *chosen* topics, and of Kafka's own."""
    nodes = [broker["node_id"] for broker in (await client.describe_cluster())["brokers"]]
    asked = [want for want in wanted(settings, len(nodes)) if chosen(want.topic)]
    partitions = await _describe(client, [*(want.name for want in asked), *DEFAULTS])
    configs = await _configs(client, list(partitions))
    topics = {name: _found(partitions[name], configs.get(name, {})) for name in partitions}
    return Cluster(len(nodes), asked, topics, {name: value for name, (value, _) in (await _broker(client, nodes[0])).items()})


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


def _refusal(code: int, message: str | None) -> str:
    from aiokafka.errors import for_code

    right = ": `hub topics acls` prints the rights it needs" if code in UNAUTHORIZED else ""
    return f"{message or for_code(code).__name__}{right}"
