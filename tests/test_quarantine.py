"""hub quarantine list: which records could not be read, and never what they hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hubapp.intake.intake import quarantined
from hubapp.local.kafka import Cluster
from hubapp.quarantined import Row, row_of
from hubapp.topics import QUARANTINE
from hubapp.wire.record import NO_TIMESTAMP, Record


def broken(topic: str, offset: int, value: bytes | None = b'{"name": "Canary"') -> bytes:
    return quarantined(Record(topic, topic, 3, offset, 1_760_000_000_000_000, b"Canary", value, {"h": b"Canary"}), "not JSON")


def listed(kafka: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubapp", "quarantine", "list", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HUB_KAFKA": kafka}, timeout=60)


@pytest.mark.live
async def test_the_newest_are_listed_by_place_and_reason_without_what_they_hold(own_kafka: Cluster) -> None:
    assert listed(own_kafka.address).stderr == f"hub: topic {QUARANTINE} does not exist: hub topics list shows those that do\n"
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(QUARANTINE, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.address) as producer:
        for value in (broken("alerts", 1), broken("events-auth", 2), broken("alerts", 3), broken("alerts", 4)):
            await producer.send_and_wait(QUARANTINE, value)
    done = listed(own_kafka.address, "--topic", "alerts", "--last", "2", "--json")
    at = "2025-10-09T08:53:20.000000Z"
    row = {"timestamp": at, "topic": "alerts", "partition": 3, "bytes": 17, "reason": "not JSON"}
    assert json.loads(done.stdout) == [{**row, "offset": 3}, {**row, "offset": 4}]
    shown = listed(own_kafka.address)
    assert (shown.returncode, shown.stdout.count("not JSON")) == (0, 4)
    assert "Canary" not in shown.stdout + done.stdout


def test_a_record_without_value_and_time_has_neither_size_nor_time() -> None:
    record = Record("alerts", "alerts", 0, 7, NO_TIMESTAMP, None, None, {})
    assert row_of(json.loads(quarantined(record, "no value"))) == Row(None, "alerts", 0, 7, None, "no value")
