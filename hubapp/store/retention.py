"""How long the store keeps what, how much room that takes, and for how many days there is room.

Facts, findings and revisions go by dropping whole partitions; provisional revisions, and what odd clocks filed in a default
partition, row by row. It concerns the whole database, so every hub that shares it.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from hubapp.store.partitions import ALARMS, FINDINGS, LOCK, OTHERS, PARENTS, REVISIONS, Parent, after, name

# Above this size a partition's rows are as many as the last ANALYZE says.
COUNTED_BYTES = 32 * 1024 * 1024
DELETED_ROWS = 20_000
TRIES, TRY_SECONDS = 5, 1.0
HORIZON_DAYS = 4000
LEAVES = """SELECT c.oid::regclass::text AS leaf, c.reltuples::bigint AS estimate, pg_total_relation_size(c.oid) AS bytes
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass ORDER BY 1"""
# One after the other by the place of a row: no long transaction, and no row is looked for twice.
DELETE = "DELETE FROM {leaf} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {leaf} WHERE {where} LIMIT {rows}))"


@dataclass(frozen=True, slots=True)
class Kept:
    """Days."""

    alarms: int = ALARMS.kept_days
    others: int = OTHERS.kept_days
    findings: int = FINDINGS.kept_days
    provisional: int = 7

    def of(self, parent: Parent) -> int:
        return {ALARMS: self.alarms, OTHERS: self.others}.get(parent, self.findings)


@dataclass(slots=True)
class Table:
    """One row of the report. odd: rows in the default partition. due: partitions past their time. a_day: bytes."""

    table: str
    rows: int
    bytes: int
    oldest: datetime | None
    kept_days: int
    partitions: int
    due: int
    odd: int
    a_day: int | None


@dataclass(slots=True)
class Report:
    """days_left: until the store outgrows its room, if what is due is dropped every day; None: never, or too early to tell."""

    tables: list[Table]
    bytes: int
    room: int
    days_left: int | None

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


async def report(pool: Any, room: int, kept: Kept | None = None) -> Report:
    """What is stored, for a store that may take *room* bytes."""
    kept = kept or Kept()
    tables = [await table(pool, parent, kept.of(parent)) for parent in PARENTS]
    total: int = await pool.fetchval("SELECT pg_database_size(current_database())")
    return Report(tables, total, room, days_left(tables, total, room))


async def table(pool: Any, parent: Parent, kept_days: int) -> Table:
    now: datetime = await pool.fetchval("SELECT now()")
    leaves = await pool.fetch(LEAVES, parent.table)
    counts = {leaf["leaf"]: await rows_of(pool, leaf) for leaf in leaves}
    regular = [leaf for leaf in counts if first_day_of(leaf) is not None]
    filled = [leaf for leaf in regular if counts[leaf]]
    oldest = await pool.fetchval(f"SELECT min({parent.column}) FROM {filled[0]}") if filled else None
    used = sum(leaf["bytes"] for leaf in leaves if counts[leaf["leaf"]])
    limit = now - timedelta(days=kept_days)
    return Table(
        table=parent.table, rows=sum(counts.values()), bytes=sum(leaf["bytes"] for leaf in leaves), oldest=oldest,
        kept_days=kept_days, partitions=len(regular), due=len(due(parent, regular, limit)),
        odd=counts[f"{parent.table}_default"], a_day=a_day(used, oldest, now),
    )  # fmt: skip


async def rows_of(pool: Any, leaf: Any) -> int:
    if leaf["bytes"] > COUNTED_BYTES and leaf["estimate"] >= 0:
        return int(leaf["estimate"])
    found: int = await pool.fetchval(f"SELECT count(*) FROM {leaf['leaf']}")
    return found


def a_day(used: int, oldest: datetime | None, now: datetime) -> int | None:
    """Too early to tell within the first hour."""
    if oldest is None or now - oldest < timedelta(hours=1):
        return None
    return round(used / ((now - oldest) / timedelta(days=1)))


def days_left(tables: Iterable[Table], total: int, room: int) -> int | None:
    """Each table grows as it has grown so far, up to as many days as it keeps."""
    growing = [(row.bytes, row.a_day, row.kept_days) for row in tables if row.a_day]

    def grown(days: int) -> int:
        return total + sum(max(0, min(each * days, each * kept - used)) for used, each, kept in growing)

    if not growing or grown(HORIZON_DAYS) <= room:
        return None
    return next(days for days in range(HORIZON_DAYS + 1) if grown(days) > room)


def first_day_of(leaf: str) -> date | None:
    """The day in a partition's name; None for the default one."""
    found = re.search(r"_(\d{4})(\d\d)(\d\d)?$", leaf)
    return None if found is None else date(int(found[1]), int(found[2]), int(found[3] or 1))


def due(parent: Parent, leaves: Iterable[str], limit: datetime) -> list[str]:
    """Partitions of which the last row is older than *limit*."""
    days = [day for leaf in leaves if (day := first_day_of(leaf)) is not None]
    return [name(parent, day) for day in sorted(days) if after(parent, day) <= limit.astimezone(UTC).date()]


@dataclass(slots=True)
class Done:
    """What `apply` did. busy: partitions that long queries held, left for the next time."""

    dropped: list[str]
    busy: list[str]
    deleted: int


async def apply(pool: Any, kept: Kept | None = None) -> Done:
    """Drop and delete what is past its time; readers go on."""
    kept, done = kept or Kept(), Done([], [], 0)
    now: datetime = await pool.fetchval("SELECT now()")
    for parent in PARENTS:
        limit = now - timedelta(days=kept.of(parent))
        leaves = [leaf["leaf"] for leaf in await pool.fetch(LEAVES, parent.table)]
        for leaf in due(parent, leaves, limit):
            (done.dropped if await drop(pool, leaf) else done.busy).append(leaf)
        done.deleted += await delete(pool, f"{parent.table}_default", f"{parent.column} < $1", limit)
    for leaf in await pool.fetch(LEAVES, REVISIONS.table):
        past = now - timedelta(days=kept.provisional)
        done.deleted += await delete(pool, leaf["leaf"], "status = 'provisional' AND written < $1", past)
    return done


async def drop(pool: Any, leaf: str) -> bool:
    """A query that holds the table is waited for, a little, so that those behind us are not held up; False: it went on."""
    for number in range(TRIES):
        try:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '500ms'")
                await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                await connection.execute(f"DROP TABLE IF EXISTS {leaf}")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(TRY_SECONDS * number)
        else:
            return True
    return False


async def delete(pool: Any, leaf: str, where: str, limit: datetime) -> int:
    deleted, last = 0, math.inf
    while last:
        said = await pool.execute(DELETE.format(leaf=leaf, where=where, rows=DELETED_ROWS), limit)
        last = int(said.removeprefix("DELETE "))
        deleted += int(last)
    return deleted
