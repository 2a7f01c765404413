"""How many partitions each topic has, and a changelog with as many as the topic of its table's writer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from faust.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)


async def count(admin: AIOKafkaAdminClient, topics: Collection[str]) -> dict[str, int]:
    """The partitions of those of *topics* that exist. Asks for all topics: to ask for one by name may create it."""
    found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    return {topic: found[topic] for topic in topics if found.get(topic)}


async def provide(admin: AIOKafkaAdminClient, wanted: Mapping[str, int], replicas: int, in_sync: int) -> bool:
    """Make or widen the changelogs so that they have the *wanted* partitions; whether any was changed."""
    found = await count(admin, wanted)
    for changelog, partitions in wanted.items():
        if found.get(changelog, 0) > partitions:
            raise ImproperlyConfigured(
                f"{changelog} has {found[changelog]} partitions, the topic of its writer {partitions}: a topic that was made "
                "anew with fewer needs a new group, or its changelog deleted"
            )
    missing = [name for name in wanted if name not in found]
    if missing:
        await create(admin, {name: wanted[name] for name in missing}, replicas, in_sync)
    narrow = {name: NewPartitions(partitions) for name, partitions in wanted.items() if 0 < found.get(name, 0) < partitions}
    if narrow:
        logger.info("more partitions for %s", ", ".join(narrow))
        await admin.create_partitions(narrow)
    return bool(missing or narrow)


async def create(admin: AIOKafkaAdminClient, wanted: Mapping[str, int], replicas: int, in_sync: int) -> None:
    config = {"cleanup.policy": "compact", "min.insync.replicas": str(in_sync)}
    topics = [NewTopic(name, partitions, replicas, topic_configs=config) for name, partitions in wanted.items()]
    answer: Any = await admin.create_topics(topics)
    for name, code, *_ in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:  # Another worker was faster.
            raise for_code(code)(f"cannot create the changelog {name}")
