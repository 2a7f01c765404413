"""hub doctor: one line for each thing that is looked at, and never a good one for what was not."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import OffsetAndMetadata
from pydantic import SecretStr

from hubapp import cluster
from hubapp.doctor.examine import examine
from hubapp.doctor.in_kafka import BEHIND, behind, differing, share
from hubapp.doctor.in_store import archive_behind, logs_of, unplaced
from hubapp.doctor.line import Line
from hubapp.findings import finding_id
from hubapp.local.kafka import Cluster
from hubapp.settings import Settings
from hubapp.store import offsets
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.partitions import Partitions
from hubapp.store.write import write
from hubapp.thresholds import read
from hubapp.topics import QUARANTINE
from tests.test_quarantine import broken
from tests.test_store import PLACE, batch, episode

A, B = TopicPartition("alerts", 0), TopicPartition("alerts", 1)


def test_behind_is_more_than_a_stride() -> None:
    assert behind("workers", {A: 5, B: 7}, {A: BEHIND + 5, B: 7}, "x") == Line(
        "workers", "good", "10000 records behind, of 2 partitions"
    )
    assert behind("workers", {A: 5, B: 6}, {A: BEHIND + 5, B: 7}, "x") == Line(
        "workers", "bad", "10001 records behind, most in alerts-0 (10000): x"
    )
    assert behind("workers", {A: 5, B: 6}, {A: 4}, "x").says == "0 records behind, of 1 partitions"


def test_over_a_tenth_and_over_a_hundred_of_one_source_that_cannot_be_read_is_bad() -> None:
    of = Counter({"alerts": 1000, "events-auth": 100_000, "events-device": 3})
    good = Line("quarantine", "good", "0 of 101003 records of the last day could not be read")
    assert share("quarantine", Counter(), Counter()).state == "unknown"
    assert share("quarantine", Counter(), of) == good
    assert share("quarantine", Counter({"alerts": 100, "events-auth": 101, "events-device": 3}), of).state == "good"
    assert share("quarantine", Counter({"alerts": 100}), Counter({"alerts": 500})).state == "good"
    assert share("quarantine", Counter({"alerts": 101, "events-device": 3}), of) == Line(
        "quarantine", "bad",
        "104 of 101003 records of the last day could not be read, most of alerts (10.1%): hub quarantine list --topic alerts",
    )  # fmt: skip


def test_a_monitor_without_unit_or_bed_is_bad_unless_a_file_has_placed_it() -> None:
    rows = [
        {"monitor": "M1", "bed": "B1", "units": ["ICU"]},
        {"monitor": "M2", "bed": "B2", "units": []},
        {"monitor": "M3", "bed": None, "units": []},
    ]
    bad = Line("places", "bad", "of 3 monitors 2 have no unit, 1 no bed, such as M2: hub places import")
    assert unplaced(rows, set(), set()) == bad
    assert unplaced(rows, {"m2", "m3"}, {"m2", "m3"}) == Line("places", "good", "of 3 monitors 0 have no unit, 0 no bed")
    assert unplaced([], set(), set()).state == "unknown"


def test_the_tables_that_differ_are_named() -> None:
    assert differing(read({}), read({"masking": {"lost": 20}, "units": {"ICU": {"staffed": True}}})) == ["masking", "units"]


async def test_without_kafka_and_store_two_are_bad_and_the_rest_is_unknown(home: Path) -> None:
    found = await examine(Settings(home=home))
    assert [(line.check, line.state) for line in found] == [
        ("kafka", "bad"), ("store", "bad"), ("topics", "unknown"), ("thresholds", "unknown"), ("workers", "unknown"),
        ("quarantine", "unknown"), ("archive", "unknown"), ("places", "unknown"),
    ]  # fmt: skip
    assert found[0].says.startswith("no Kafka: ") and found[-1].says == "without kafka"


def examined(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubapp", "doctor", "--json"]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=60)


def states(told: str) -> dict[str, str]:
    return {line["check"]: line["state"] for line in json.loads(told)}


async def shorten(settings: Settings) -> None:
    async with cluster.admin(settings) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "alerts", {"retention.ms": "1000"})])


async def fill(settings: Settings, database: str, behind_by: int) -> None:
    """A store with one monitor in a unit; a group that has read all of alerts-0; *behind_by* records more of that."""
    logs = await logs_of(settings)
    pool = await connect(database)
    await migrate(pool)
    await offsets.recognise(pool, logs)
    await offsets.next_of(pool, logs, PLACE)
    partitions = Partitions(pool)
    await partitions.look_ahead()
    await write(partitions, logs, batch(0, 1, [], [episode(0, bed="B1")]))
    await pool.close()
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        for _ in range(behind_by):
            await producer.send("alerts", b"{}", partition=0)
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka, group_id="hub", enable_auto_commit=False) as consumer:
        consumer.assign([A])
        await consumer.commit({A: OffsetAndMetadata((await consumer.end_offsets([A]))[A], "")})


@pytest.mark.live
async def test_what_is_well_is_good_and_each_defect_turns_its_own_line(own_kafka: Cluster, database: str, home: Path) -> None:
    hub_toml = home / "hub.toml"
    hub_toml.write_text("")
    environment = {"HUB_KAFKA": own_kafka.address, "HUB_DATABASE": database, "HUB_CONFIG": str(hub_toml)}
    settings = Settings(kafka=own_kafka.address, config=hub_toml)
    await cluster.apply(settings, sources=True)
    await fill(settings, database, behind_by=5)
    well = await asyncio.to_thread(examined, environment)
    assert states(well.stdout) == dict.fromkeys(
        ("kafka", "store", "topics", "thresholds", "workers", "quarantine", "archive", "places"), "good"
    ), well.stdout
    assert (well.returncode, well.stderr) == (0, "")

    hub_toml.write_text("[masking]\nlost = 20\n")
    await shorten(settings)
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.address) as producer:
        value = broken("alerts", 3).replace(b'"partition":3', b'"partition":0')
        await asyncio.gather(*[await producer.send(QUARANTINE, value) for _ in range(101)])
    pool = await connect(database)
    partitions = Partitions(pool)
    await partitions.look_ahead()
    stray = episode(0, id=finding_id("episodes", "q", 1), monitor="PM-2", units=[])
    await write(partitions, await logs_of(settings), batch(1, 2, [], [stray]))
    ill = await asyncio.to_thread(examined, environment)
    bad = {check for check, state in states(ill.stdout).items() if state == "bad"}
    assert (bad, ill.returncode) == ({"thresholds", "topics", "quarantine", "places"}, 1), ill.stdout

    await offsets.adopt(pool, replace(await logs_of(settings), epoch=1))
    await pool.close()
    lines = {line.check: line for line in await examine(settings.model_copy(update={"database": None}))}
    assert lines["store"].state == "bad" and lines["archive"] == Line("archive", "unknown", "without store")
    assert (await archive_behind(settings.model_copy(update={"database": SecretStr(database)}))).state == "bad"
