"""Partitions of time: made ahead, and for what a batch brings; what is filed by an odd clock stays in the default one.

A new one is filled from its parent's default partition before it is attached, and attaching locks no reader out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import asyncpg

AHEAD_DAYS = 7
LOCK = 0x687562_02


@dataclass(frozen=True, slots=True)
class Parent:
    """A partitioned table, the column and span that its partitions are cut by, and how long its rows are kept."""

    table: str
    column: str
    span: Literal["day", "month"]
    kept_days: int


ALARMS = Parent("facts_alarms", '"timestamp"', "day", 35)
OTHERS = Parent("facts_others", '"timestamp"', "month", 3 * 365)
FINDINGS = Parent("findings", "start", "month", 3 * 365)
REVISIONS = Parent("revisions", "start", "month", 3 * 365)
PARENTS = (ALARMS, OTHERS, FINDINGS, REVISIONS)


def first_day(parent: Parent, day: date) -> date:
    return day if parent.span == "day" else day.replace(day=1)


def after(parent: Parent, first: date) -> date:
    """The first day behind the partition that begins at *first*."""
    return first + timedelta(days=1) if parent.span == "day" else (first + timedelta(days=31)).replace(day=1)


def name(parent: Parent, first: date) -> str:
    return f"{parent.table}_{first:%Y%m%d}" if parent.span == "day" else f"{parent.table}_{first:%Y%m}"


def bound(day: date) -> str:
    """The same instant in whatever zone and date style the session has."""
    return f"'{day.isoformat()} 00:00:00+00'"


def plausible(parent: Parent, day: date, today: date) -> bool:
    """A row of this day gets a partition; any other is an odd clock's, or older than what is kept."""
    return today - timedelta(days=parent.kept_days) <= day <= today + timedelta(days=AHEAD_DAYS + 1)


def ahead(today: date) -> set[tuple[Parent, date]]:
    days = [today + timedelta(days=number) for number in range(-1, AHEAD_DAYS + 1)]
    return {(parent, first_day(parent, day)) for parent in PARENTS for day in days}


async def make(connection: Any, parent: Parent, first: date) -> bool:
    """Make the partition that begins at *first*, inside the caller's transaction; False where it is there."""
    child = name(parent, first)
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", child):
        return False
    lower, upper = bound(first), bound(after(parent, first))
    within = f"{parent.column} >= {lower} AND {parent.column} < {upper}"
    await connection.execute(f"CREATE TABLE {child} (LIKE {parent.table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    await connection.execute(
        f"WITH odd AS (DELETE FROM {parent.table}_default WHERE {within} RETURNING *) INSERT INTO {child} SELECT * FROM odd"
    )
    await connection.execute(f"ALTER TABLE {parent.table} ATTACH PARTITION {child} FOR VALUES FROM ({lower}) TO ({upper})")
    return True


@dataclass(slots=True)
class Partitions:
    """What this process knows to be there."""

    pool: Any
    today: date = date.min
    made: set[tuple[Parent, date]] = field(default_factory=set)

    async def look_ahead(self) -> None:
        """Once an hour: the days to come, by the database's clock."""
        now: datetime = await self.pool.fetchval("SELECT now()")
        self.today = now.astimezone(UTC).date()
        self.made.clear()
        await self.need(ahead(self.today))

    async def hold(self, parent: Parent, instants: Iterable[datetime]) -> None:
        """Make what rows of these instants need."""
        days = {instant.date() for instant in instants}
        await self.need({(parent, first_day(parent, day)) for day in days if plausible(parent, day, self.today)})

    async def need(self, wanted: set[tuple[Parent, date]]) -> None:
        """Each in a transaction of its own: whoever holds two default partitions' locks deadlocks with a query over both."""
        for parent, first in sorted(wanted - self.made, key=lambda part: (part[0].table, part[1])):
            with suppress(
                asyncpg.LockNotAvailableError
            ):  # A long query reads the default partition: it serves until the next hour.
                await self._make(parent, first)
            self.made.add((parent, first))

    async def _make(self, parent: Parent, first: date) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await make(connection, parent, first)
