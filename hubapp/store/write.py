"""A batch of one partition, one SQL transaction: its offset moved on, its facts and findings once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg

from hubapp.store.offsets import Logs, Place, advance
from hubapp.store.partitions import ALARMS, FINDINGS, OTHERS, REVISIONS, Partitions
from hubapp.store.rows import FACT_COLUMNS, FINDING_COLUMNS, REVISION_COLUMNS, Row
from hubapp.store.sleepers import unheld

CONFLICT = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in FINDING_COLUMNS if name not in ("hub", "id", "start"))
ONCE = "ON CONFLICT DO NOTHING"
NEWER = f"""ON CONFLICT (hub, id, start) DO UPDATE SET {CONFLICT}
    WHERE (EXCLUDED.epoch, EXCLUDED.revision) > (findings.epoch, findings.revision)"""
TIMESTAMP, ALARM = FACT_COLUMNS.index("timestamp"), FACT_COLUMNS.index("alarm")
HUB, ID, START, EPOCH, REVISION = (FINDING_COLUMNS.index(name) for name in ("hub", "id", "start", "epoch", "revision"))


Way: TypeAlias = Callable[[Any, str, tuple[str, ...], list[Row]], Awaitable[None]]


@dataclass(slots=True)
class Batch:
    """What offsets *first* up to *following* of one partition hold."""

    place: Place
    first: int
    following: int
    facts: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    revisions: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.facts) + len(self.revisions)


def newest(findings: Sequence[Row]) -> list[Row]:
    """The newest revision of each: one statement may touch a row once. In the order of their keys: no two writers cross."""
    best: dict[Row, Row] = {}
    for row in findings:
        name = (row[HUB], row[ID], row[START])
        if name not in best or (row[EPOCH], row[REVISION]) > (best[name][EPOCH], best[name][REVISION]):
            best[name] = row
    return [best[name] for name in sorted(best)]


async def write(partitions: Partitions, logs: Logs, batch: Batch) -> None:
    """Store *batch*, or nothing of it: Stale when its partition is no longer at its first offset."""
    await make_room(partitions, batch)
    try:
        await store(partitions.pool, logs, batch, copied)
    except asyncpg.UniqueViolationError:  # Something of it is stored already, from another partition or before an adoption.
        await store(partitions.pool, logs, batch, staged)


async def store(pool: Any, logs: Logs, batch: Batch, way: Way) -> None:
    """Alarms and revisions go by *way*, other facts by the one on which copies fall: each partition of the logs has them all. In
    the order of their keys, so that no two writers wait for each other."""
    facts = sorted(batch.facts, key=lambda row: row[:TIMESTAMP])
    async with unheld(pool) as connection:
        await advance(connection, logs, batch.place, batch.first, batch.following)
        await way(connection, "facts", FACT_COLUMNS, [row for row in facts if row[ALARM]])
        await staged(connection, "facts", FACT_COLUMNS, [row for row in facts if not row[ALARM]])
        await staged(connection, "findings", FINDING_COLUMNS, newest(batch.findings), NEWER)
        await way(connection, "revisions", REVISION_COLUMNS, batch.revisions)


async def make_room(partitions: Partitions, batch: Batch) -> None:
    await partitions.hold(ALARMS, (row[TIMESTAMP] for row in batch.facts if row[ALARM]))
    await partitions.hold(OTHERS, (row[TIMESTAMP] for row in batch.facts if not row[ALARM]))
    for parent in (FINDINGS, REVISIONS):
        await partitions.hold(parent, (row[START] for row in batch.findings))


async def copied(connection: Any, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    """The fast way: it fails where a row is there already."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=columns)


async def staged(connection: Any, table: str, columns: tuple[str, ...], rows: list[Row], conflict: str = ONCE) -> None:
    """COPY knows no conflict: by a table of the transaction's own."""
    if rows:
        named = ", ".join(f'"{name}"' for name in columns)
        await connection.execute(f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {named} FROM {table} WITH NO DATA")
        await connection.copy_records_to_table("staged", records=rows, columns=columns)
        await connection.execute(f"INSERT INTO {table} ({named}) SELECT {named} FROM staged {conflict}; DROP TABLE staged")
