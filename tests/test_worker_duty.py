"""Whether the group still counts a worker in: asked of a real group."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hubapp.duty import Duty
from hubapp.local.kafka import Cluster
from hubapp.settings import Settings

pytestmark = pytest.mark.live


def duty_of(member: str, settings: Settings) -> Duty:
    coordinator = SimpleNamespace(member_id=member)
    app: Any = SimpleNamespace(
        consumer=SimpleNamespace(_thread=SimpleNamespace(_consumer=SimpleNamespace(_coordinator=coordinator)))
    )
    duty = Duty(settings, "w", "http://127.0.0.1:1", rules=True, archive=False)
    duty.app = app
    return duty


async def test_a_member_is_counted_in_and_one_that_the_group_has_dropped_is_not(kafka: Cluster, unique: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(unique + "t", 1, 1)])
    await admin.close()
    settings = Settings(kafka=kafka.address, group=unique + "g")
    async with AIOKafkaConsumer(unique + "t", bootstrap_servers=kafka.address, group_id=settings.group) as consumer:
        await consumer.getmany(timeout_ms=100)
        member, dropped = duty_of(consumer._coordinator.member_id, settings), duty_of("w-dropped", settings)
        assert await member.counted_in()
        assert not await dropped.counted_in()
    member._confirmed = float("-inf")
    assert not await member.counted_in()
    await member.close()
    await dropped.close()


async def test_without_a_broker_nobody_is_counted_in() -> None:
    assert not await duty_of("w", Settings(kafka="127.0.0.1:9")).counted_in()


async def test_nobody_is_counted_in_while_the_embedded_broker_is_down(tmp_path: Path) -> None:
    assert not await duty_of("w", Settings(home=tmp_path)).counted_in()


@pytest.mark.parametrize(("input", "unread", "told"), [(True, 0, False), (True, 1, True), (False, 0, True)])
def test_a_worker_that_commits_nothing_says_so_unless_nothing_came_in(input: bool, unread: int, told: bool) -> None:
    duty = duty_of("w", Settings(input=input))
    owned = SimpleNamespace(topic="alerts", partition=0, open=True, position=5, highwater=5 + unread)
    duty.app.owned = lambda: [owned]  # type: ignore[union-attr]  # It is the one made above.
    duty._ready_since = time.monotonic() - 60
    assert [reason.startswith("nothing was committed for 6") for reason in duty._uncommitted()] == [True] * told
