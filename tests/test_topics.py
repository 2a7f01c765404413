"""Topics: the cluster compared with the declaration, made as it says, never shrunk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from hubapp import acls, cluster, in_force
from hubapp.cli.topics import app
from hubapp.declaration import Difference, Found, differences, may_grow, mendable, wanted, weaknesses
from hubapp.failure import Failure
from hubapp.local.kafka import Cluster
from hubapp.settings import Settings
from hubapp.thresholds import Thresholds

WANTED = {want.name: want for want in wanted(Settings(), 3)}


def as_declared(name: str) -> Found:
    want = WANTED[name]
    return Found(want.topic.partitions, want.replication, dict(want.configs))


@pytest.fixture(scope="module")
def applied(scratch: Path) -> Iterator[Settings]:
    """A cluster of these tests' own, in which `apply --sources` has been run once."""
    embedded = Cluster(scratch / "topics")
    embedded.start()
    settings = Settings(kafka=embedded.address)
    asyncio.run(cluster.apply(settings, sources=True))
    yield settings
    embedded.kill()


@pytest.mark.live
async def test_after_apply_there_is_no_difference_and_nothing_to_do(applied: Settings) -> None:
    assert await cluster.check(applied) == []
    assert await cluster.apply(applied, sources=True) == []
    assert await cluster.log_partitions(applied) == 4


@pytest.mark.live
async def test_apply_writes_the_epoch_once_and_the_thresholds(applied: Settings) -> None:
    epoch = await cluster.log_epoch(applied)
    assert epoch > 1_700_000_000_000
    assert await in_force.in_force(applied) == Thresholds()
    await cluster.apply(applied)
    assert await cluster.log_epoch(applied) == epoch


@pytest.mark.live
async def test_apply_extends_ours_keeps_what_else_is_set_and_leaves_the_sources(applied: Settings) -> None:
    async with cluster.admin(applied) as admin:
        await alter(admin, "hub-episodes", {"retention.ms": "1000", "max.message.bytes": "2000000"})
        await alter(admin, "alerts", {"retention.ms": "1000"})
    told = await cluster.check(applied)
    assert Difference("hub-episodes", "retention.ms", "1000", "2419200000", "ours") in told
    assert Difference("alerts", "retention.ms", "1000", "259200000", "source") in told
    assert [difference.whose for difference in await cluster.check(applied, ours_only=True)] == ["ours"]

    assert await cluster.apply(applied, sources=True) == ["changed hub-episodes: retention.ms 1000 -> 2419200000"]
    assert await cluster.check(applied) == [Difference("alerts", "retention.ms", "1000", "259200000", "source")]
    async with cluster.admin(applied) as admin:
        found = (await cluster.look(admin, applied, lambda topic: True)).topics["hub-episodes"]
        await alter(admin, "alerts", {"retention.ms": "259200000"})
    assert found.own["max.message.bytes"] == "2000000"


@pytest.mark.live
async def test_a_hub_log_made_anew_has_a_younger_epoch(applied: Settings) -> None:
    epoch = await cluster.log_epoch(applied)
    async with cluster.admin(applied) as admin:
        await admin.delete_topics(["hub-patients"])
        while "hub-patients" in await admin.list_topics():  # noqa: ASYNC110  # Kafka tells no event of it.
            await asyncio.sleep(0.05)
    assert await cluster.check(applied) == [Difference("hub-patients", "topic", "missing", "partitions 4", "ours")]
    done = await cluster.apply(applied)
    assert done[0] == "created hub-patients: partitions 4, replication 1"
    assert await cluster.log_epoch(applied) > epoch


@pytest.mark.live
async def test_another_number_of_log_partitions_is_told_never_mended_and_refused(applied: Settings) -> None:
    """Runs last: partitions cannot be taken away again."""
    async with cluster.admin(applied) as admin:
        await admin.create_partitions({"hub-patients": NewPartitions(5)})
    different = [Difference("hub-patients", "partitions", "5", "4", "ours")]
    assert await cluster.check(applied) == different
    assert await cluster.apply(applied) == []
    assert await cluster.check(applied) == different
    with pytest.raises(
        Failure, match="topic hub-patients has 5 partitions, this hub is made for 4: the number is fixed once made"
    ):
        await cluster.log_partitions(applied)


@pytest.mark.live
def test_check_prints_each_difference_and_exits_1(applied: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert applied.kafka is not None
    monkeypatch.setenv("HUB_KAFKA", applied.kafka)
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 1
    assert ["hub-patients", "partitions", "5", "4", "ours"] in [line.split() for line in done.stdout.splitlines()]


@pytest.mark.live
async def test_a_source_of_another_name_is_looked_for_by_it(applied: Settings) -> None:
    told = await cluster.check(Settings(kafka=applied.kafka, topics={"alerts": "elsewhere"}))
    assert Difference("elsewhere", "topic", "missing", "partitions 12", "source") in told


def test_what_is_as_declared_does_not_differ() -> None:
    assert [told for name, want in WANTED.items() for told in differences(want, as_declared(name))] == []


def test_every_difference_is_told() -> None:
    found = Found(2, 1, {**WANTED["hub-house"].configs, "message.timestamp.type": "CreateTime", "min.insync.replicas": "1"})
    assert [told[1:] for told in differences(WANTED["hub-house"], found)] == [
        ("partitions", "2", "1", "ours"),
        ("replication", "1", "3", "ours"),
        ("min.insync.replicas", "1", "2", "ours"),
        ("message.timestamp.type", "CreateTime", "LogAppendTime", "ours"),
    ]


def test_the_replication_of_a_source_is_not_ours_to_judge() -> None:
    assert list(differences(WANTED["alerts"], replace(as_declared("alerts"), replication=1))) == []


@pytest.mark.parametrize("name", ["__consumer_offsets", "__transaction_state"])
def test_what_would_break_exactly_once_is_told(name: str) -> None:
    hospital = {
        "offsets.topic.replication.factor": "1", "min.insync.replicas": "1",
        "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
    }  # fmt: skip
    assert [told[1:] for told in weaknesses(name, None, hospital, 3)] == [
        ("replication, once made", "1", "3", "cluster"),
        ("min.insync.replicas, once made", "1", "2", "cluster"),
    ]
    assert [told[1:] for told in weaknesses(name, Found(8, 1, {"min.insync.replicas": "1"}), {}, 3)] == [
        ("replication", "1", "3", "cluster"),
        ("min.insync.replicas", "1", "2", "cluster"),
    ]
    assert [told.there for told in weaknesses(name, None, {}, 3)] == ["not told (no right to describe it)"] * 2
    assert list(weaknesses(name, None, hospital, 1)) == []


@pytest.mark.parametrize(
    ("there", "changes"),
    [
        ({"retention.ms": "1"}, {"retention.ms": "2419200000"}),
        ({"retention.ms": "-1"}, {}),
        ({"retention.ms": "9999999999999"}, {}),
        ({"cleanup.policy": "compact"}, {}),
        ({"min.insync.replicas": "1"}, {"min.insync.replicas": "2"}),
        ({"min.insync.replicas": "3"}, {}),
    ],
)
def test_nothing_stored_is_given_up_by_a_change(there: dict[str, str], changes: dict[str, str]) -> None:
    found = as_declared("hub-late")
    assert mendable(WANTED["hub-late"], replace(found, configs={**found.configs, **there})) == changes


def test_min_insync_is_not_raised_above_the_replication() -> None:
    found = as_declared("hub-late")
    alone = replace(found, replication=1, configs={**found.configs, "min.insync.replicas": "1"})
    assert mendable(WANTED["hub-late"], alone) == {}


def test_only_derived_topics_grow() -> None:
    grow = [name for name, want in WANTED.items() if may_grow(want, replace(as_declared(name), partitions=0))]
    assert "hub-episodes" in grow and "hub-attendance" in grow
    assert not {"hub-patients", "hub-house", "alerts", "events-auth"} & set(grow)
    assert not may_grow(WANTED["hub-episodes"], replace(as_declared("hub-episodes"), partitions=9))


def test_acls_name_every_source_that_is_read_and_the_transactional_id() -> None:
    lines = acls.kafka_acls(Settings(), "User:hub")
    for name in ("alerts", "events-sdc", "events-auth"):
        assert any(f"--topic '{name}'" in line and "Write" not in line for line in lines)
    assert not any("vitals" in line for line in lines)
    assert any("--transactional-id 'hub' --resource-pattern-type prefixed --operation Write" in line for line in lines)
    assert "type: transactionalId" in acls.strimzi(Settings(), "User:hub")


async def alter(admin: Any, name: str, configs: dict[str, str]) -> None:
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)])
