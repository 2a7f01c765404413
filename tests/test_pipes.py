"""hub send and hub tail as processes between pipes, against a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

from hubapp import pipes
from hubapp.local.kafka import Cluster
from hubapp.settings import Settings

pytestmark = pytest.mark.live

# The old times of the records would let the broker delete them.
FOR_EVER = {"retention.ms": "-1"}
HUB = [sys.executable, "-m", "hubapp"]


def hub(kafka: Cluster, *arguments: str, lines: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HUB_KAFKA": kafka.address, **settings}
    return subprocess.run([*HUB, *arguments], input=lines, capture_output=True, text=True, env=environment, timeout=60)


def started(kafka: Cluster, *arguments: str, **pipes: Any) -> subprocess.Popen[str]:
    environment = os.environ | {"HUB_KAFKA": kafka.address}
    return subprocess.Popen([*HUB, *arguments], text=True, env=environment, stdout=subprocess.PIPE, **pipes)


def told(kafka: Cluster, topic: str, *more: str) -> list[dict[str, Any]]:
    answer = hub(kafka, "tail", topic, "--from-beginning", "--until-end", *more)
    assert (answer.returncode, answer.stderr) == (0, "")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def line(topic: str, value: Any, key: Any = None, timestamp: int | None = None, **headers: Any) -> str:
    return json.dumps({"topic": topic, "key": key, "headers": headers, "value": value, "timestamp": timestamp}) + "\n"


@pytest.fixture
async def topic(kafka: Cluster, unique: str) -> str:
    await make(kafka, **{unique + "topic": 3})
    return unique + "topic"


async def make(kafka: Cluster, **topics: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=FOR_EVER) for name, partitions in topics.items()])
    await admin.close()


async def test_what_is_sent_is_told_again_with_all_its_parts(kafka: Cluster, topic: str, tmp_path: Path) -> None:
    odd = {"base64": "//4="}
    sent = [
        line(topic, {"a": 1.50, "ü": [None]}, "k", 1_700_000_000_000, event_type="X", none=None),
        line(topic, "text", odd, raw=odd),
        line(topic, odd, "k"),
        line(topic, None, "k"),
        line(topic, None),
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("\n".join(sent))
    answer = hub(kafka, "send", str(file))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    records = told(kafka, topic)
    mine = [record for record in records if record["key"] == "k"]
    assert [record["value"] for record in mine] == [{"a": 1.5, "ü": [None]}, odd, None]
    assert (mine[0]["timestamp"], mine[0]["headers"]) == (1_700_000_000_000, {"event_type": "X", "none": None})
    [other] = [record for record in records if record["key"] == odd]
    assert (other["value"], other["headers"]) == ("text", {"raw": odd})
    assert [record["value"] for record in records if record["key"] is None] == [None]


async def test_records_keep_the_order_of_the_file_in_the_partition_of_their_key(kafka: Cluster, topic: str) -> None:
    answer = hub(kafka, "send", "-", lines="".join(line(topic, {"n": n}, f"k{n % 7}") for n in range(2000)))
    assert (answer.returncode, answer.stderr) == (0, "")
    records = told(kafka, topic)
    assert sorted(record["value"]["n"] for record in records) == list(range(2000))
    for key in {record["key"] for record in records}:
        mine = [record for record in records if record["key"] == key]
        assert {record["partition"] for record in mine} == {(murmur2(key.encode()) & 0x7FFFFFFF) % 3}
        assert [record["value"]["n"] for record in mine] == sorted(record["value"]["n"] for record in mine)


async def test_records_without_a_key_are_spread(kafka: Cluster, topic: str) -> None:
    hub(kafka, "send", "-", lines="".join(line(topic, {"n": n}) for n in range(200)))
    assert {record["partition"] for record in told(kafka, topic)} == {0, 1, 2}


async def test_what_tail_tells_can_be_sent_again(kafka: Cluster, topic: str, unique: str) -> None:
    await make(kafka, **{unique + "copy": 3})
    hub(kafka, "send", "-", lines=line(topic, {"n": 2**70, "f": 1.10}, "k", 1_700_000_000_000, h="1"))
    again = hub(kafka, "tail", topic, "--from-beginning", "--until-end").stdout.replace(topic, unique + "copy")
    assert hub(kafka, "send", "-", lines=again).returncode == 0
    assert hub(kafka, "tail", unique + "copy", "--from-beginning", "--until-end").stdout == again
    assert '"n":1180591620717411303424,"f":1.1' in again


async def test_a_bad_line_is_named_and_what_stood_before_it_is_sent(kafka: Cluster, topic: str) -> None:
    lines = line(topic, "one") + "\n" + "{no json\n" + line(topic, "never")
    answer = hub(kafka, "send", "-", lines=lines)
    assert answer.returncode == 1
    assert answer.stderr.startswith("hub: line 3: ") and answer.stderr.count("\n") == 1
    assert [record["value"] for record in told(kafka, topic)] == ["one"]


async def test_a_topic_that_does_not_exist_is_named_and_not_made(kafka: Cluster, unique: str) -> None:
    for answer in (hub(kafka, "send", "-", lines=line(unique + "no", "x")), hub(kafka, "tail", unique + "no")):
        assert answer.returncode == 1
        assert f"topic {unique}no does not exist" in answer.stderr and answer.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["send", "-"], ["tail", "alerts"], ["send", "/no/such/file"]])
async def test_without_a_broker_or_a_file_one_line_says_so(kafka: Cluster, command: list[str]) -> None:
    answer = hub(kafka, *command, lines="{}", HUB_KAFKA=kafka.address if "/no/such/file" in command else "127.0.0.1:9")
    assert answer.returncode == 1
    assert answer.stderr.startswith("hub: ") and answer.stderr.count("\n") == 1


async def test_a_pipe_is_sent_line_by_line(kafka: Cluster, topic: str) -> None:
    sending = started(kafka, "send", "-", stdin=subprocess.PIPE)
    tailing = started(kafka, "tail", topic, "--from-beginning")
    assert sending.stdin and tailing.stdout
    for number in range(3):
        sending.stdin.write(line(topic, number))
        sending.stdin.flush()
        assert json.loads(await asyncio.to_thread(tailing.stdout.readline))["value"] == str(number)
    sending.stdin.close()
    tailing.send_signal(signal.SIGINT)
    assert (sending.wait(30), tailing.wait(30)) == (0, 0)


async def test_a_client_that_does_not_stop_keeps_nobody(kafka: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def __init__(self, **_options: object) -> None:
            self.stopping = False

        async def start(self) -> None: ...

        async def stop(self) -> None:
            self.stopping = True
            await asyncio.Event().wait()

    monkeypatch.setattr(pipes, "STOP_SECONDS", 0.05)
    async with asyncio.timeout(30), pipes.connected(Client, Settings(kafka=kafka.address)) as client:
        pass
    assert client.stopping


async def test_a_reader_that_has_had_enough_ends_tail_cleanly(kafka: Cluster, topic: str) -> None:
    hub(kafka, "send", "-", lines="".join(line(topic, "x" * 100) for _ in range(5000)))
    tailing = started(kafka, "tail", topic, "--from-beginning", stderr=subprocess.PIPE)
    assert tailing.stdout and tailing.stderr
    tailing.stdout.readline()
    tailing.stdout.close()
    assert (tailing.stderr.read(), tailing.wait(30)) == ("", 0)


async def test_until_end_ends_at_markers_aborted_records_and_open_transactions(kafka: Cluster, topic: str) -> None:
    async with producing(kafka, topic + "-1") as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted", partition=0)
        await producer.send_and_wait(topic, b"aborted", partition=1)
        await producer.abort_transaction()
    async with producing(kafka, topic + "-2") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", partition=0)
        await producer.send_and_wait(topic, b"open", partition=2)
        assert [record["value"] for record in told(kafka, topic)] == ["committed"]
        await producer.abort_transaction()


def producing(kafka: Cluster, name: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=name)


async def test_only_records_of_a_key_are_told(kafka: Cluster, topic: str) -> None:
    hub(kafka, "send", "-", lines=line(topic, "1", "a") + line(topic, "2", "b") + line(topic, "3", "a"))
    assert [record["value"] for record in told(kafka, topic, "--key", "a")] == ["1", "3"]


async def test_the_end_of_input_goes_to_every_partition_of_every_source_that_exists(kafka: Cluster, unique: str) -> None:
    names = {"alerts": unique + "alerts", "events-auth": unique + "auth"}
    others = {role: unique + "absent" for role in ROLES if role not in names}
    await make(kafka, **{names["alerts"]: 3, names["events-auth"]: 1})
    renamed = json.dumps(names | others)
    sent = hub(kafka, "send", "-", "--end-of-input", lines=line(names["alerts"], "last"), HUB_TOPICS=renamed)
    assert (sent.returncode, sent.stderr) == (0, "")
    consumer = AIOKafkaConsumer(*names.values(), bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    async with consumer:
        found = [await consumer.getone() for _ in range(5)]
    marks = {(mark.topic, mark.partition) for mark in found if mark.value is None and mark.headers}
    assert marks == {(names["alerts"], 0), (names["alerts"], 1), (names["alerts"], 2), (names["events-auth"], 0)}


ROLES = (
    "alerts", "technical-alerts", "events-sdc", "sdc-realtime-state", "events-authentication", "events-auth", "events-patient",
    "events-device", "device-commands-requests", "device-commands-responses",
)  # fmt: skip
