"""A ward on Kafka, and as lines: what `hub simulate` writes, where it goes, how it ends."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hubapp import lines, topics
from hubapp.facts import SECOND
from hubapp.failure import Failure
from hubapp.local.kafka import Cluster
from hubapp.marks import is_end, until_of
from hubapp.settings import Settings
from hubapp.sim.play import Post, play
from hubapp.sim.ward import Plan, Ward

PLAN = Plan(seed=4, beds=6, lasts=900 * SECOND, repeats=0.1, auth="newer")


def simulate(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hubapp", "simulate", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(simulate(*arguments), capture_output=True, text=True)


# Lines


def test_lines_are_the_send_form_and_the_truth_ends_with_a_summary(tmp_path: Path) -> None:
    out, truth = tmp_path / "ward.jsonl", tmp_path / "truth.jsonl"
    length = ("--for", "600", "--speed", "0", "--beds", "4", "--start", "2026-10-12T09:00:00Z", "--malformed", "0.02")
    told = run(*length, "--lines", str(out), "--truth", str(truth), "--json")
    assert told.returncode == 0, told.stderr
    records = [lines.parse(line) for line in out.read_bytes().splitlines()]
    summary = orjson.loads(told.stdout)
    assert len(records) == summary["records"] > 500
    assert {record.timestamp for record in records} == {None}
    assert orjson.loads(truth.read_bytes().splitlines()[-1])["summary"] == summary
    assert len(truth.read_bytes().splitlines()) == summary["truths"] + 1 > 10


def test_lines_hold_the_very_bytes_of_the_ward() -> None:
    ward = Ward(Plan(seed=8, beds=2, lasts=300 * SECOND, malformed=0.05))
    for _, wire in ward.records():
        told = lines.parse(wire.line())
        assert (told.topic, told.value) == (wire.topic, wire.value)
        assert told.key == (None if wire.key is None else wire.key.encode())
        assert dict(told.headers) == {name: value.encode() for name, value in wire.headers.items()}


def test_a_reader_that_goes_away_ends_it_cleanly() -> None:
    command = " ".join(simulate("--days", "1", "--speed", "0", "--lines", "-"))
    told = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | head -3"], capture_output=True, text=True)
    assert (told.returncode, told.stderr, len(told.stdout.splitlines())) == (0, "", 3)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_all_that_was_under_way_and_the_truth(tmp_path: Path, which: signal.Signals) -> None:
    out, truth = tmp_path / "ward.jsonl", tmp_path / "truth.jsonl"
    out.touch()
    endless = simulate("--start", "now-10m", "--lines", str(out), "--truth", str(truth), "--json")
    with subprocess.Popen(endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and out.stat().st_size < 100_000:
            pass
        process.send_signal(which)
        told, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    summary = orjson.loads(told)
    assert len(out.read_bytes().splitlines()) == summary["records"]
    assert len(truth.read_bytes().splitlines()) == summary["truths"] + 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "0"),
        ("--speed", "5"),
        ("--for", "5", "--days", "1"),
        ("--start", "yesterday"),
        ("--auth", "newest"),
        ("--beds", "0"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_two(arguments: tuple[str, ...]) -> None:
    told = run(*arguments, "--lines", "-")
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert arguments[0] in told.stderr


def test_a_directory_that_is_not_there_is_one_line_and_exit_one(tmp_path: Path) -> None:
    told = run("--for", "5", "--speed", "0", "--lines", str(tmp_path / "no" / "file"))
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "No such file" in told.stderr


# Kafka


@pytest.fixture
def settings_of(kafka: Cluster, unique: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Sources under names of the test's own."""
    names = {topic.role: unique + topic.role for topic in topics.SOURCES}
    monkeypatch.setenv("HUB_KAFKA", kafka.address)
    monkeypatch.setenv("HUB_TOPICS", orjson.dumps(names).decode())
    return Settings()


async def made(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    declared = topics.SOURCES
    await admin.create_topics([NewTopic(settings.topics[topic.role], min(topic.partitions, 3), 1) for topic in declared])
    await admin.close()


async def read(settings: Settings) -> dict[str, list[Any]]:
    """All records of all sources, by role."""
    found: dict[str, list[Any]] = defaultdict(list)
    roles = {name: role for role, name in settings.topics.items()}
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest") as consumer:
        parts = [TopicPartition(topic, number) for topic in roles for number in await partitions(consumer, topic)]
        ends = await consumer.end_offsets(parts)
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for part, records in (await consumer.getmany(timeout_ms=200)).items():
                found[roles[part.topic]] += records
    return found


async def partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    cluster = await consumer._client.fetch_all_metadata()
    return sorted(cluster.partitions_for_topic(topic))


@pytest.mark.live
async def test_a_ward_is_on_kafka_record_for_record_each_key_in_one_partition_and_repeats_with_what_they_repeat(
    settings_of: Settings,
) -> None:
    await made(settings_of)
    ward = Ward(PLAN)
    async with AIOKafkaProducer(bootstrap_servers=settings_of.kafka, enable_idempotence=True) as producer:
        await play(ward, producer, 0, asyncio.Event(), settings_of)
        await producer.send_and_wait(settings_of.topics["alerts"], b"{}", key=b"MRN004000001")
        post = Post(settings_of, producer)
        await post.sending.end_of_input()
        await post.sending.acknowledged(0)
    found = await read(settings_of)
    expected = Counter((wire.topic, wire.key, wire.value) for _, wire in Ward(PLAN).records())
    told = Counter[Any]()
    places = defaultdict(set)
    ends: dict[str, set[int]] = defaultdict(set)
    for role, records in found.items():
        for record in records:
            if is_end(record.headers):
                ends[role].add(record.partition)
                continue
            if until_of(record.headers) is not None:
                continue
            key = None if record.key is None else record.key.decode()
            told[role, key, record.value] += 1
            places[role, key or record.value].add(record.partition)
    assert told - expected == Counter({("alerts", "MRN004000001", b"{}"): 1})
    assert not expected - told
    assert {len(numbers) for numbers in places.values()} == {1}
    assert {role: len(numbers) for role, numbers in ends.items()} == {t.role: min(t.partitions, 3) for t in topics.READ}


@pytest.mark.live
async def test_without_the_topics_it_says_what_to_do(settings_of: Settings) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings_of.kafka) as producer:
        with pytest.raises(Failure, match="does not exist: run hub topics apply --sources"):
            await play(Ward(PLAN), producer, 0, asyncio.Event(), settings_of)


@pytest.mark.live
async def test_in_real_time_nothing_is_written_before_it_is_so_and_stop_ends_it(settings_of: Settings) -> None:
    import time

    await made(settings_of)
    stop = asyncio.Event()
    plan = Plan(seed=6, beds=6, lasts=None, start=time.time_ns() // 1000 - 300 * SECOND, malformed=0)
    async with AIOKafkaProducer(bootstrap_servers=settings_of.kafka, enable_idempotence=True) as producer:
        ward = Ward(plan)
        playing = asyncio.create_task(play(ward, producer, 1, stop, settings_of))
        while not playing.done() and ward.now < plan.start + 302 * SECOND:  # noqa: ASYNC110  # the ward's time is what is waited for
            await asyncio.sleep(0.05)
        stop.set()
        await playing
    found = await read(settings_of)
    assert sum(len(records) for records in found.values()) == ward.wires.counts["records"]
    stamps = [record.timestamp * 1000 for records in found.values() for record in records]
    assert ward.now <= max(stamps) + SECOND


@pytest.mark.live
async def test_a_kafka_that_takes_nothing_any_more_is_one_clear_line(own_kafka: Cluster) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic("alerts", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=own_kafka.address, request_timeout_ms=1500)
    async with producer:
        post = Post(Settings(kafka=own_kafka.address), producer)
        await post.put(("alerts", 0), None, b"{}", [])
        await post.flush()
        await post.acknowledged(0)
        own_kafka.kill()
        with pytest.raises(Failure, match="Kafka takes no records"):
            for _ in range(3):
                await post.put(("alerts", 0), None, b"{}", [])
                await post.flush()
