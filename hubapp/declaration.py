"""What the declared topics should be in a cluster, and how what is there differs from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hubapp.settings import Settings
from hubapp.topics import HOUSE, OURS, PATIENTS, SOURCES, Topic

LOGS = (PATIENTS, HOUSE)
OFFSETS, TRANSACTIONS = "__consumer_offsets", "__transaction_state"
# Of a broker: what its own topics are made with when they are first needed.
DEFAULTS = {
    OFFSETS: ("offsets.topic.replication.factor", "min.insync.replicas"),
    TRANSACTIONS: ("transaction.state.log.replication.factor", "transaction.state.log.min.isr"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic as it should be here. configs: the values of Kafka's own settings."""

    name: str
    topic: Topic
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is. replication: of its least replicated partition; own: those configs that are set on it itself."""

    partitions: int
    replication: int
    configs: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)


class Difference(NamedTuple):
    """whose: ours, source (not ours to change), cluster (exactly-once rests on it)."""

    topic: str
    what: str
    there: str
    should: str
    whose: str


def name_of(topic: Topic, settings: Settings) -> str:
    return settings.topics.get(topic.role, topic.role)


def replication(settings: Settings, brokers: int) -> int:
    return settings.replication or min(3, brokers)


def in_sync(replicas: int) -> int:
    """How many copies a record must have before it counts: one broker of three may be away."""
    return 2 if replicas >= 3 else 1


def wanted(settings: Settings, brokers: int) -> list[Wanted]:
    """Every declared topic: the sources, then ours."""
    copies = replication(settings, brokers)
    return [Wanted(name_of(topic, settings), topic, copies, configs(topic, copies)) for topic in (*SOURCES, *OURS)]


def configs(topic: Topic, copies: int) -> dict[str, str]:
    given = {
        "retention.ms": str(topic.retention * 1000 if topic.retention is not None else -1),
        "cleanup.policy": "compact" if topic.compacted else "delete",
    }
    if topic.whose == "ours":
        given["min.insync.replicas"] = str(in_sync(copies))
        given["message.timestamp.type"] = "LogAppendTime" if topic.append_time else "CreateTime"
    return given


def differences(want: Wanted, found: Found | None) -> Iterator[Difference]:
    """How a declared topic differs from what is there."""
    whose = want.topic.whose
    if found is None:
        yield Difference(want.name, "topic", "missing", f"partitions {want.topic.partitions}", whose)
        return
    if found.partitions != want.topic.partitions:
        yield Difference(want.name, "partitions", str(found.partitions), str(want.topic.partitions), whose)
    if whose == "ours" and found.replication < want.replication:
        yield Difference(want.name, "replication", str(found.replication), str(want.replication), whose)
    for name, value in want.configs.items():
        if name in found.configs and found.configs[name] != value:
            yield Difference(want.name, name, found.configs[name], value, whose)


def weaknesses(name: str, found: Found | None, broker: Mapping[str, str], copies: int) -> Iterator[Difference]:
    """What would break exactly-once there: how far one of Kafka's own topics is, or will be, replicated."""
    factor, minimum = DEFAULTS[name]
    replicas = str(found.replication) if found else broker.get(factor)
    least = found.configs.get("min.insync.replicas") if found else broker.get(minimum)
    for what, there, should in (("replication", replicas, copies), ("min.insync.replicas", least, in_sync(copies))):
        if there is None:
            yield Difference(name, what, "not told (no right to describe it)", str(should), "cluster")
        elif int(there) < should:
            yield Difference(name, what if found else f"{what}, once made", there, str(should), "cluster")


def mendable(want: Wanted, found: Found) -> dict[str, str]:
    """Those configs of a topic of ours that may be changed: nothing that is stored is given up by it."""
    changes: dict[str, str] = {}
    for name, value in want.configs.items():
        there = found.configs.get(name, value)
        if (
            there != value
            and _keeps_all(name, there, value)
            and (name != "min.insync.replicas" or found.replication >= int(value))
        ):
            changes[name] = value
    return changes


def _keeps_all(name: str, there: str, value: str) -> bool:
    if name == "retention.ms":
        return there != "-1" and (value == "-1" or int(value) > int(there))
    if name == "min.insync.replicas":
        return int(value) > int(there)
    return name != "cleanup.policy" or there == "delete"


def may_grow(want: Wanted, found: Found) -> bool:
    """A derived topic may get partitions; a hub log never: which partition a patient is in follows from their number."""
    return want.topic.whose == "ours" and want.name not in LOGS and found.partitions < want.topic.partitions
