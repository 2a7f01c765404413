"""hub places import: where monitors stand, for what is older than the topics."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from hubapp import cluster, pipes, placing, topics
from hubapp.facts import AnyFact, BedPlaced, MonitorPlaced, Progress, RulesChanged, decode_log
from hubapp.local.kafka import Cluster
from hubapp.placed import told_by_store
from hubapp.placing import Row, Told, Unit, Wrong, parsed
from hubapp.settings import Settings
from hubapp.sim.platform import Platform
from hubapp.sim.wires import Wire
from hubapp.store import offsets
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.partitions import Partitions
from hubapp.store.write import write
from tests.test_store import LOGS, NOW, PLACE, batch, episode
from tests.test_store import placed as standing
from tests.timeline import T0, Timeline, instant, placed, raised, session, unit

FILE = "serial,device id,bed,units\nM1,d1,B1,g1=ICU\nM2,,B2,g1=ICU;ER\n"
ICU, ER = Unit("g1", "ICU"), Unit("ER", "ER")
NOTHING = Told()


def complaints(text: str) -> list[str]:
    with pytest.raises(Wrong) as wrong:
        parsed(text.encode())
    return wrong.value.complaints


def changes(before: str, after: str, told: Told = NOTHING, at: str = "-1:00") -> list[AnyFact]:
    old = parsed(before.encode())
    return placing.changes(old, placing.merged(old, parsed(after.encode()), told), told, instant(at), "00")


def words(facts: list[AnyFact]) -> list[tuple[object, ...]]:
    return [
        (fact.serial, fact.bed) if isinstance(fact, MonitorPlaced) else (fact.unit, fact.beds, fact.deleted)
        for fact in facts
        if isinstance(fact, MonitorPlaced | BedPlaced)
    ]


def test_a_line_is_a_monitor_with_its_bed_and_the_units_of_that() -> None:
    assert parsed(FILE.encode()) == {"m1": Row("M1", "d1", "B1", (ICU,)), "m2": Row("M2", None, "B2", (ER, ICU))}
    assert parsed(b'\xef\xbb\xbfSerial,id,bed,units\r\n\r\n M1 ,d1, "B,1" ,\r\n'.replace(b' "B,1" ', b'"B,1"')) == {
        "m1": Row("M1", "d1", "B,1", ())
    }


def test_every_malformed_line_is_named_by_its_number() -> None:
    assert complaints("M1,d1,B1\n,d2,B2,\nM3,d3,,\nM4,d4,B4,=ICU\nM5,d5,B5,ICU\n" + "x" * 257 + ",,B,\n") == [
        "line 1: 3 fields between commas, not 4 (serial, device id, bed, units)",
        "line 2: serial: blank",
        "line 3: bed: blank",
        "line 4: units: '=ICU' is neither NAME nor ID=NAME",
        "line 6: serial: longer than 256 characters",
    ]


def test_lines_that_contradict_each_other_are_malformed() -> None:
    assert complaints("M1,d1,B1,g=A\nm1,d1,B2,\n") == ["line 2: serial: is in line 1 too, and stands elsewhere there"]
    assert complaints("M1,d1,B1,g=A\nM2,d1,B2,g=B\n") == [
        "line 2: device id: is in line 1 too, with another serial",
        "line 2: units: g has another name in line 1",
    ]
    with pytest.raises(Wrong, match="line 2: not UTF-8"):
        parsed(b"M1,,B1,\nM\xff,,B2,\n")


def test_what_the_hub_concludes_afterwards_has_the_place() -> None:
    line = Timeline().at("-9:00", session()).at("0:00", raised())
    assert line.finding("episodes").quality == ["unplaced"]
    line.facts += changes("", "M1,d1,B1,ICU;ER\n")
    assert (line.finding("episodes").bed, line.finding("episodes").units) == ("B1", ["ER", "ICU"])


def test_what_the_topics_tell_later_takes_its_place() -> None:
    line = Timeline().at("-9:00", session())
    line.facts += changes("", "M1,d1,B1,id-ICU=ICU\n")
    line.at("-0:30", placed("B2"), unit("ICU", "B2")).at("0:00", raised())
    assert (line.finding("episodes").bed, line.finding("episodes").units) == ("B2", ["ICU"])


def test_the_same_file_again_says_nothing_and_a_mended_one_what_was_mended() -> None:
    assert words(changes("", FILE)) == [("ER", ("B2",), False), ("g1", ("B1", "B2"), False), ("M1", "B1"), ("M2", "B2")]
    assert changes(FILE, FILE) == []
    assert words(changes(FILE, "M2,,B3,g1=ICU\n")) == [("g1", ("B1", "B3"), False), ("M2", "B3"), ("ER", None, True)]
    assert words(changes(FILE, "M3,,B3,g1=ICU\n")) == [("g1", ("B1", "B2", "B3"), False), ("M3", "B3")]


def test_what_the_topics_tell_stands() -> None:
    told = Told(frozenset({"m1"}), frozenset({"g1"}), {"icu": "g1"})
    assert words(changes("", FILE, told)) == [("ER", ("B2",), False), ("M2", "B2")]
    assert words(changes("M1,,B1,ICU\n", "M1,,B1,ICU\n", told)) == [("ICU", None, True)]


def imported(kafka: str, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubapp", "places", "import", str(file), *options]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HUB_KAFKA": kafka}, timeout=60)


async def facts_in(settings: Settings, topic: str) -> list[list[AnyFact]]:
    """By partition."""
    async with pipes.connected(AIOKafkaConsumer, settings, isolation_level="read_committed") as consumer:
        parts = await pipes.partitions(consumer, topic)
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        found: list[list[AnyFact]] = [[] for _ in parts]
        async for record in pipes.read(consumer, await consumer.end_offsets(parts)):
            fact = decode_log(record.value)
            if not isinstance(fact, Progress | RulesChanged):
                found[record.partition].append(fact)
    return found


async def tell_the_topics(kafka: str) -> None:
    """That M2 stands at B9."""
    wires: list[Wire] = []
    platform = Platform(lambda _at, wire: wires.append(wire), Random(1))
    state = {"id": "d2", "primary_identifier": "M2", "gateway_id": None, "location_id": "B9"}
    platform.write(T0, "DEVICE_UPDATED_EVENT", "user", state, topic="events-device")
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        headers = [(name, value.encode()) for name, value in wires[0].headers.items()]
        await producer.send_and_wait("events-device", wires[0].value, headers=headers)


@pytest.mark.live
async def test_a_file_is_written_once_into_every_partition_and_where_the_topics_are_silent(
    own_kafka: Cluster, home: Path
) -> None:
    settings, file = Settings(kafka=own_kafka.address), home / "places.csv"
    file.write_text(FILE)
    refused = imported(own_kafka.address, file)
    assert (refused.returncode, refused.stderr) == (1, "hub: topic hub-meta does not exist: run `hub topics apply`\n")
    await cluster.apply(settings, sources=True)
    await tell_the_topics(own_kafka.address)

    dry = await asyncio.to_thread(imported, own_kafka.address, file, "--dry-run")
    assert dry.stdout == "2 lines: would write 1 monitors and 2 units; the topics tell of 1, the rest is known\n"
    assert await facts_in(settings, topics.HOUSE) == [[]]
    first = await asyncio.to_thread(imported, own_kafka.address, file)
    assert first.stdout == dry.stdout.replace("would write", "wrote")
    (house,) = await facts_in(settings, topics.HOUSE)
    assert words(house) == [("ER", ("B2",), False), ("g1", ("B1", "B2"), False), ("M1", "B1")]
    assert await facts_in(settings, topics.PATIENTS) == [house] * topics.LOG_PARTITIONS

    again = await asyncio.to_thread(imported, own_kafka.address, file)
    assert again.stdout == "2 lines: wrote 0 monitors and 0 units; the topics tell of 1, the rest is known\n"
    file.write_text(FILE + "M3,d3\n")
    bad = await asyncio.to_thread(imported, own_kafka.address, file)
    assert bad.returncode == 1 and bad.stderr.startswith(f"hub: {file}: line 4: 2 fields") and "nothing is written" in bad.stderr
    assert await facts_in(settings, topics.HOUSE) == [house]
    assert msgspec.json.encode(house[0]).count(b'"places"') == 1


@pytest.mark.live
async def test_the_store_is_asked_what_the_topics_told_since_the_logs_were_made(database: str) -> None:
    settings = Settings(database=SecretStr(database))
    rows = parsed(b"pm-1,,B1,ICU\nPM-2,,B2,ICU;ER\nPM-3,,B3,West\n")
    told, unasked = await told_by_store(settings, rows, {}, 1)
    assert told == NOTHING and unasked is not None and "has no store yet" in unasked
    pool = await connect(database)
    await migrate(pool)
    await offsets.recognise(pool, LOGS)
    await offsets.next_of(pool, LOGS, PLACE)
    partitions = Partitions(pool)
    await partitions.look_ahead()
    unsure = msgspec.structs.replace(standing(2), serial="PM-2", place="unsure", bed=None)
    by_file = msgspec.structs.replace(standing(3), serial="PM-3", topic=placing.TOPIC)
    await write(partitions, LOGS, batch(0, 1, [standing(1), unsure, by_file], [episode(0)]))
    await pool.close()
    assert await told_by_store(settings, rows, {}, 1) == (Told(frozenset({"pm-1"}), frozenset(), {"icu": None}), None)
    assert await told_by_store(settings, rows, rows, 2) == (Told(frozenset({"pm-1"})), None)
    later = NOW // 1000 + 60_000
    assert await told_by_store(settings, rows, {}, later) == (NOTHING, None)
