"""What the store keeps, what it drops, and what it says of its room."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from hubapp.store import history, retention
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.partitions import ALARMS, FINDINGS, Partitions, name
from hubapp.store.retention import Kept, Table, days_left, due
from hubapp.store.write import write
from tests.test_store import LOGS, NOW, PLACE, batch, episode, offsets, placed, raised

DAY = 86_400_000_000
TODAY = datetime.now(UTC).date()


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    """A store with alarms of today, of 20 days ago and of 1970, a placement and findings of 20 and of 70 days ago."""
    pool = await connect(database)
    await migrate(pool)
    await offsets.next_of(pool, LOGS, PLACE)
    made = Partitions(pool)
    await made.look_ahead()
    facts = [raised(1), raised(2, timestamp=NOW - 20 * DAY), raised(3, timestamp=0), placed(4)]
    await write(made, LOGS, batch(0, 1, facts, [episode(0, NOW - 20 * DAY), episode(1, NOW - 70 * DAY, status="final")]))
    yield pool
    await pool.close()


@pytest.mark.live
async def test_what_is_past_its_time_is_dropped_and_the_rest_kept(pool: Any) -> None:
    done = await retention.apply(pool, Kept(alarms=10, findings=30))
    assert done.dropped == [
        name(ALARMS, TODAY - timedelta(days=20)),
        *(f"{table}_{TODAY - timedelta(days=70):%Y%m}" for table in ("findings", "revisions")),
    ]
    assert (done.deleted, done.busy) == (1, [])
    assert {fact.offset for fact in await history.facts(pool)} == {1, 4}
    assert [found["revision"] for found in await history.findings(pool)] == [0]
    assert await retention.apply(pool, Kept(alarms=10, findings=30)) == retention.Done([], [], 0)


@pytest.mark.live
async def test_by_default_alarms_stay_35_days_and_all_else_three_years(pool: Any) -> None:
    done = await retention.apply(pool)
    assert (done.dropped, done.deleted) == ([], 1)
    assert {fact.offset for fact in await history.facts(pool)} == {1, 2, 4}


@pytest.mark.live
async def test_provisional_revisions_go_after_a_week_and_the_finding_stays(pool: Any) -> None:
    await pool.execute("UPDATE revisions SET written = written - interval '8 days'")
    assert (await retention.apply(pool)).deleted == 2
    assert [row["status"] for row in await pool.fetch("SELECT status FROM revisions")] == ["final"]
    assert len(await history.findings(pool)) == 2


@pytest.mark.live
async def test_a_long_query_keeps_its_partition_until_the_next_time(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRY_SECONDS", 0)
    async with pool.acquire() as connection, connection.transaction():
        assert await connection.fetchval("SELECT count(*) FROM facts") == 4
        held = await retention.apply(pool, Kept(alarms=10))
        assert (held.dropped, held.busy) == ([], [name(ALARMS, TODAY - timedelta(days=20))])
        assert await connection.fetchval("SELECT count(*) FROM facts_alarms WHERE alarm") == 2
    assert (await retention.apply(pool, Kept(alarms=10))).dropped == held.busy


@pytest.mark.live
async def test_queries_go_on_while_partitions_come_and_go(pool: Any) -> None:
    async def ask() -> None:
        for _ in range(40):
            await history.facts(pool)

    async def come_and_go() -> None:
        for _ in range(3):
            made = Partitions(pool)
            await made.look_ahead()
            await made.hold(ALARMS, [datetime.now(UTC) - timedelta(days=number) for number in range(15, 25)])
            assert len((await retention.apply(pool, Kept(alarms=10))).dropped) == 10

    await asyncio.gather(ask(), come_and_go())


@pytest.mark.live
async def test_the_report_counts_rows_room_and_odd_clocks(pool: Any) -> None:
    found = await retention.report(pool, 5 * 2**30, Kept(alarms=10))
    rows = {row.table: (row.rows, row.odd, row.due) for row in found.tables}
    assert rows == {"facts_alarms": (3, 1, 1), "facts_others": (1, 0, 0), "findings": (2, 0, 0), "revisions": (2, 0, 0)}
    alarms = found.tables[0]
    assert alarms.oldest is not None
    assert alarms.oldest.date() == TODAY - timedelta(days=20)
    assert found.bytes > sum(row.bytes for row in found.tables) > 0


@pytest.mark.live
async def test_the_command_prints_json_and_applies(pool: Any, database: str) -> None:
    def hub(*arguments: str) -> Any:
        environment = {**os.environ, "HUB_DATABASE": database}
        said = subprocess.run(
            [sys.executable, "-m", "hubapp", *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return said.stdout

    looked = json.loads(await asyncio.to_thread(hub, "retention", "--json"))
    assert (looked["done"], looked["tables"][0]["odd"]) == (None, 1)
    assert "deleted 1 rows" in await asyncio.to_thread(hub, "retention", "--apply")
    assert {fact.offset for fact in await history.facts(pool)} == {1, 2, 4}


def grows(a_day: int | None, kept_days: int, used: int = 0) -> Table:
    return Table("t", 1, used, None, kept_days, 1, 0, 0, a_day)


def test_days_are_counted_until_the_room_is_full() -> None:
    assert days_left([grows(10, 1000)], total=0, room=100) == 11
    assert days_left([grows(10, 1000), grows(10, 3)], total=0, room=100) == 8
    assert days_left([grows(10, 5)], total=0, room=100) is None
    assert days_left([grows(None, 5)], total=50, room=100) is None
    assert days_left([grows(10, 1000)], total=101, room=100) == 0


def test_a_partition_is_due_when_its_last_row_is() -> None:
    limit = datetime(2026, 3, 15, 12, tzinfo=UTC)
    days = ["facts_alarms_20260313", "facts_alarms_20260314", "facts_alarms_20260315", "facts_alarms_default"]
    assert due(ALARMS, days, limit) == ["facts_alarms_20260313", "facts_alarms_20260314"]
    assert due(FINDINGS, ["findings_202602", "findings_202603", "findings_default"], limit) == ["findings_202602"]
