"""The store alone: what a batch's transaction does, whatever the database is set to, whoever else writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from hubapp.facts import EPOCH, SECOND, AlarmRaised, AnyFact, Limits, MonitorPlaced, SessionOpened, encode_fact, iso, micros
from hubapp.failure import Failure
from hubapp.findings import Finding, canonical, finding_id
from hubapp.store import history, offsets
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.offsets import Logs, Stale
from hubapp.store.partitions import Partitions
from hubapp.store.rows import fact_of, fact_rows, finding_row, revision_row
from hubapp.store.write import Batch, write

pytestmark = pytest.mark.live

LOGS = Logs("hub", "a-cluster", 1)
PLACE = ("hub-patients", 0)
NOW = micros(datetime.now(UTC))


def raised(offset: int, **changes: Any) -> AlarmRaised:
    told: dict[str, Any] = {
        "at": NOW, "sent": NOW + 12, "timestamp": NOW + 34, "topic": "alerts", "partition": 3, "offset": offset,
        "sha256": "ab" * 32, "patient": "Straße-7", "device": "SN-1", "condition": "heart-rate-high", "signal": "visible",
        "kind": "physiological", "priority": "HI", "limits": Limits(upper=120.5), "message_id": "m",
        "quality": ("clock-behind",),
    }  # fmt: skip
    return AlarmRaised(**{**told, **changes})


def placed(offset: int) -> MonitorPlaced:
    return MonitorPlaced(
        at=NOW, sent=NOW, timestamp=NOW, topic="events-patient", partition=0, offset=offset, serial="PM-1", place="bed", bed="b"
    )


def episode(revision: int, at: int = NOW, **changes: Any) -> Finding:
    told: dict[str, Any] = {
        "id": finding_id("episodes", "p", at), "rule": "episodes", "rule_version": "1-abc", "status": "provisional",
        "quality": [], "units": ["ICU"], "bed": None, "monitor": "PM-1", "device": "SN-1", "patient": "P-1", "account": None,
        "start": iso(at), "end": None, "evidence": [],
        "body": {"duration": 1.5, "limits": None, "name": "Ärger \N{SNOWMAN}"}, "revision": revision,
    }  # fmt: skip
    return Finding(**{**told, **changes})


def batch(
    first: int, following: int, facts: list[AnyFact] | None = None, findings: list[Finding] | None = None, epoch: int = 1
) -> Batch:
    row = fact_rows(LOGS.hub, LOGS.cluster)
    rows = [finding_row(LOGS.hub, LOGS.cluster, epoch, finding) for finding in findings or []]
    revisions = [revision_row(row, NOW, canonical(finding)) for row, finding in zip(rows, findings or [], strict=True)]
    return Batch(PLACE, first, following, [row(fact) for fact in facts or []], rows, revisions)


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await connect(database)
    await migrate(pool)
    await offsets.recognise(pool, LOGS)
    await offsets.next_of(pool, LOGS, PLACE)
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def partitions(pool: Any) -> Partitions:
    made = Partitions(pool)
    await made.look_ahead()
    return made


async def next_offset(pool: Any) -> int:
    return await offsets.next_of(pool, LOGS, PLACE)


async def test_a_fact_comes_back_as_it_was(pool: Any, partitions: Partitions) -> None:
    account = SessionOpened(
        at=NOW,
        sent=NOW,
        timestamp=NOW,
        topic="events-auth",
        partition=0,
        offset=2**40,
        service="newer",
        account_name="Ana",
        roles=("tech",),
    )
    told = [raised(1), placed(2), account]
    await write(partitions, LOGS, batch(0, 3, told))
    assert sorted(map(encode_fact, await history.facts(pool))) == sorted(map(encode_fact, told))
    assert [fact.offset for fact in await history.facts(pool, patient=" STRASSE-7")] == [1]
    assert await next_offset(pool) == 3


async def test_copies_of_a_fact_fall_on_its_key(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 2, [placed(1), placed(2)]))
    await write(partitions, LOGS, batch(2, 5, [placed(2), raised(1), placed(3), raised(1)]))
    await write(partitions, LOGS, batch(5, 6, [raised(1), raised(2)]))
    assert await pool.fetchval("SELECT count(*) FROM facts") == 5


async def test_a_stale_writer_writes_nothing(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 5, [raised(1)]))
    for late in (batch(0, 5, [raised(1), raised(2)], [episode(0)]), batch(4, 9, [raised(2)]), batch(6, 9, [raised(2)])):
        with pytest.raises(Stale):
            await write(partitions, LOGS, late)
    assert await pool.fetchval("SELECT count(*) FROM facts") == 1
    assert await history.findings(pool) == []
    assert await next_offset(pool) == 5


async def test_of_two_writers_of_one_batch_one_writes(pool: Any, partitions: Partitions) -> None:
    said = await asyncio.gather(*(write(partitions, LOGS, batch(0, 5, [raised(1)])) for _ in range(2)), return_exceptions=True)
    assert sorted(type(word).__name__ for word in said) == ["NoneType", "Stale"]
    assert await pool.fetchval("SELECT count(*) FROM facts") == 1


@pytest.mark.parametrize("copying", [False, True])
async def test_a_writer_that_sleeps_in_its_transaction_holds_nobody_up(
    pool: Any, partitions: Partitions, database: str, copying: bool
) -> None:
    wakes = asyncio.Event()

    async def nothing_comes() -> AsyncIterator[bytes]:
        await wakes.wait()
        yield b""

    sleeper = await asyncpg.connect(database)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(sleeper.terminate)
        await sleeper.execute("BEGIN")
        await offsets.advance(sleeper, LOGS, PLACE, 0, 5)
        copy = asyncio.create_task(sleeper.copy_to_table("gaps", source=nothing_comes())) if copying else None
        assert await next_offset(pool) == 0
        with pytest.raises(asyncpg.LockNotAvailableError):
            await write(partitions, LOGS, batch(0, 5, [raised(1)]))
        await write(partitions, LOGS, batch(0, 5, [raised(1)]))
        wakes.set()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await (copy or sleeper.execute("COMMIT"))
    assert await next_offset(pool) == 5


async def test_the_newest_revision_stays_and_all_are_kept(pool: Any, partitions: Partitions) -> None:
    last = episode(4, status="final", body={"duration": 2.0})
    await write(partitions, LOGS, batch(0, 3, [], [episode(1), episode(3, body={}), episode(2)]))
    await write(partitions, LOGS, batch(3, 4, [], [last]))
    await write(partitions, LOGS, batch(4, 5, [], [episode(0)]))
    found = await history.finding(pool, last.id)
    assert found == {**(await history.revisions(pool, last.id))[-1]}
    assert (found["revision"], found["status"], found["body"]) == (4, "final", {"duration": 2.0})
    assert [kept["revision"] for kept in await history.revisions(pool, last.id)] == [0, 1, 2, 3, 4]


async def test_a_newer_epoch_goes_before_a_higher_revision(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 1, [], [episode(9)], epoch=1))
    await write(partitions, LOGS, batch(1, 2, [], [episode(0, status="final")], epoch=2))
    await write(partitions, LOGS, batch(2, 3, [], [episode(10)], epoch=1))
    assert (await history.findings(pool))[0]["status"] == "final"


async def test_findings_are_found_by_what_people_ask(pool: Any, partitions: Partitions) -> None:
    later = episode(0, NOW + SECOND, patient="P-2", account="Ana", units=["ICU", "NICU"], status="final")
    await write(partitions, LOGS, batch(0, 2, [], [episode(0), later]))
    for asked in (
        {"patient": "p-2 "},
        {"account": "ANA"},
        {"unit": "NICU"},
        {"status": "final"},
        {"rule": "episodes", "limit": 1},
    ):
        assert [found["id"] for found in await history.findings(pool, **asked)] == [later.id], asked
    assert await history.findings(pool, rule="attendance") == []
    assert len(await history.findings(pool, until=EPOCH + timedelta(microseconds=NOW + SECOND))) == 1


ODD = {
    "year 1": micros(datetime(1, 1, 1, tzinfo=UTC)), "1969": -1, "1970": 0, "two years ago": NOW - 730 * 86400 * SECOND,
    "2100": micros(datetime(2100, 1, 1, tzinfo=UTC)), "year 9999": micros(datetime.max.replace(tzinfo=UTC)),
    "ten days ahead": NOW + 10 * 86400 * SECOND, "a month ago": NOW - 30 * 86400 * SECOND,
}  # fmt: skip


async def test_no_clock_is_too_odd_for_a_row(pool: Any, partitions: Partitions) -> None:
    facts: list[AnyFact] = [raised(number, timestamp=at, at=at, sent=at) for number, at in enumerate(ODD.values())]
    findings = [episode(0, at) for at in ODD.values()]
    await write(partitions, LOGS, batch(0, 50, [raised(99), *facts], findings))
    assert {fact.timestamp for fact in await history.facts(pool)} == {NOW + 34, *ODD.values()}
    assert {found["start"] for found in await history.findings(pool)} == set(map(iso, ODD.values()))
    in_default = {row["timestamp"] for row in await pool.fetch("SELECT * FROM facts_alarms_default")}
    assert len(in_default) == len(ODD) - 1
    assert {row["start"].year for row in await pool.fetch("SELECT * FROM findings_default")} >= {1, 1969, 1970, 2100, 9999}


async def test_a_kafka_timestamp_beyond_any_calendar_is_filed_at_its_edge(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 1, [raised(1, timestamp=2**63 * 1000)]))
    assert (await history.facts(pool))[0].timestamp == micros(datetime.max.replace(tzinfo=UTC))


async def test_rows_in_the_default_partition_move_to_the_one_made_for_them(pool: Any, partitions: Partitions) -> None:
    unaware = Partitions(pool, today=(EPOCH + timedelta(microseconds=NOW)).date() - timedelta(days=400))
    unaware.made = set()
    await pool.execute("DROP TABLE facts_alarms_" + (EPOCH + timedelta(microseconds=NOW)).strftime("%Y%m%d"))
    await write(unaware, LOGS, batch(0, 1, [raised(1)]))
    assert await pool.fetchval("SELECT count(*) FROM facts_alarms_default") == 1
    await partitions.look_ahead()
    assert await pool.fetchval("SELECT count(*) FROM facts_alarms_default") == 0
    assert await pool.fetchval("SELECT count(*) FROM facts") == 1


async def test_two_at_once_migrate_once(database: str) -> None:
    pools = [await connect(database) for _ in range(2)]
    applied = await asyncio.gather(*map(migrate, pools))
    assert sorted(map(len, applied))[0] == 0
    assert await pools[0].fetchval("SELECT count(*) FROM migrations") == len(max(applied, key=len)) > 0
    for pool in pools:
        await pool.close()


async def test_two_at_once_make_partitions(pool: Any) -> None:
    await asyncio.gather(*(Partitions(pool).look_ahead() for _ in range(2)))
    assert await pool.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'facts_alarms'::regclass") == 10


async def test_a_store_of_a_newer_program_is_left_alone(pool: Any) -> None:
    await pool.execute("INSERT INTO migrations (number, name) VALUES (9000, 'of tomorrow')")
    with pytest.raises(Failure, match="start the newer program"):
        await migrate(pool)


async def test_other_logs_are_refused_until_adopted(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 5, [raised(1)]))
    for other in (replace(LOGS, cluster="another"), replace(LOGS, epoch=2)):
        with pytest.raises(Failure, match="hub store adopt"):
            await offsets.recognise(pool, other)
    anew = replace(LOGS, epoch=2)
    await offsets.adopt(pool, anew)
    await offsets.recognise(pool, anew)
    assert await offsets.next_of(pool, anew, PLACE) == 0
    with pytest.raises(Stale):
        await write(partitions, LOGS, batch(5, 6, [raised(2)]))
    with pytest.raises(Failure, match="epoch 1, the store knows 2"):
        await offsets.recognise(pool, LOGS)


async def test_two_hubs_share_a_database(pool: Any) -> None:
    await offsets.recognise(pool, Logs("another hub", "another", 7))
    await offsets.recognise(pool, LOGS)


async def test_a_gap_is_written_down(pool: Any) -> None:
    await offsets.leap(pool, LOGS, PLACE, 0, 70)
    assert await next_offset(pool) == 70
    assert [tuple(row) for row in await pool.fetch("SELECT topic, partition, first, next FROM gaps")] == [(*PLACE, 0, 70)]


async def test_text_that_postgresql_cannot_hold_stops_nothing(pool: Any, partitions: Partitions) -> None:
    odd = raised(1, patient="a\0b", condition="c\0", message_id="\0")
    await write(partitions, LOGS, batch(0, 1, [odd], [episode(0, body={"x": ["\0"], "\\u0000": 1}, patient="\0")]))
    assert (await history.facts(pool))[0].condition == "c\N{REPLACEMENT CHARACTER}"  # type: ignore[union-attr]  # an alarm
    assert (await history.findings(pool))[0]["body"] == {"x": ["\N{REPLACEMENT CHARACTER}"], "\\u0000": 1}


async def test_zone_and_date_style_of_the_database_change_nothing(pool: Any, database: str, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 3, [raised(1)], [episode(0)]))
    before = (await history.facts(pool), await history.findings(pool))
    name = database.rsplit("/", 1)[1]
    await pool.execute(f"ALTER DATABASE {name} SET timezone = 'America/St_Johns'")
    await pool.execute(f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'")
    other = await connect(database)
    moved = Partitions(other)
    await other.execute("DROP TABLE findings_" + (EPOCH + timedelta(microseconds=NOW)).strftime("%Y%m"))
    await moved.look_ahead()
    await write(moved, LOGS, batch(3, 6, [raised(1)], [episode(0)]))
    assert (await history.facts(other), await history.findings(other)) == before
    await other.close()


async def test_a_wrong_name_or_address_is_one_clear_line(database: str) -> None:
    with pytest.raises(Failure, match=r'refuses: database "nowhere" does not exist; check HUB_DATABASE'):
        await connect(database.rsplit("/", 1)[0] + "/nowhere")
    with pytest.raises(Failure, match="HUB_DATABASE is no address"):
        await connect("mysql://somewhere")


async def test_a_row_holds_what_its_fact_says(pool: Any, partitions: Partitions) -> None:
    await write(partitions, LOGS, batch(0, 1, [raised(1)]))
    row = await pool.fetchrow("SELECT * FROM facts")
    assert (row["hub"], row["cluster"], row["type"], row["alarm"], row["patient"]) == (
        "hub",
        "a-cluster",
        "AlarmRaised",
        True,
        "strasse-7",
    )
    assert micros(row["at"]) == NOW
    assert fact_of(row) == raised(1)


async def test_columns_of_time_have_a_zone_and_offsets_64_bits(pool: Any) -> None:
    columns = await pool.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name IN ('facts', 'findings', 'revisions', 'offsets', 'gaps')"
    )
    assert not [row for row in columns if row["data_type"] in ("timestamp without time zone", "date")]
    counts = {row["data_type"] for row in columns if row["column_name"] in ("offset", "next", "first", "revision", "epoch")}
    assert counts == {"bigint"}
