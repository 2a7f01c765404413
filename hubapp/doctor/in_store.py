"""Of the store: whether the archive is behind, and how many monitors the hub cannot place."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition

from hubapp import cluster, placed
from hubapp.database import database_url
from hubapp.doctor.in_kafka import behind, ends_of
from hubapp.doctor.line import Line, judged
from hubapp.facts import fold
from hubapp.settings import Settings
from hubapp.store.connection import opened
from hubapp.store.offsets import Logs, adopted, unknown

DAYS = 7
# The newest word on each monitor.
MONITORS = """SELECT DISTINCT ON (lower(monitor)) monitor, bed, units FROM findings
    WHERE hub = $1 AND rule IN ('episodes', 'monitored') AND monitor IS NOT NULL AND status <> 'retracted'
    AND start >= now() - make_interval(days => $2) ORDER BY lower(monitor), start DESC, id"""
STORED = "SELECT topic, partition, next FROM offsets WHERE hub = $1 AND cluster = $2"
LOST = """SELECT coalesce(sum(next - first), 0)::bigint FROM gaps
    WHERE hub = $1 AND noticed >= now() - make_interval(days => $2)"""


async def store_there(settings: Settings) -> Line:
    async with opened(database_url(settings)) as pool:
        version = await pool.fetchval("SHOW server_version")
        await pool.fetchval("SELECT 1 FROM offsets LIMIT 1")
    return Line("store", "good", f"PostgreSQL {version.split()[0]}")


async def archive_behind(settings: Settings) -> Line:
    """What stands in the logs and not in the store, and what Kafka forgot before it was stored."""
    here = await logs_of(settings)
    async with opened(database_url(settings)) as pool:
        filled = await adopted(pool, settings.name)
        rows = await pool.fetch(STORED, settings.name, here.cluster)
        lost = await pool.fetchval(LOST, settings.name, DAYS)
    if filled is not None and filled != here:
        return Line("archive", "bad", unknown(filled, here))
    if not rows:
        return Line("archive", "unknown", "nothing was ever stored: no worker with an archive has run here")
    if lost:
        return Line("archive", "bad", f"{lost} records were lost to Kafka's retention within {DAYS} days: table gaps says which")
    stored = {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}
    return behind("archive", stored, await ends_of(settings, list(stored)), "look at the database and at the workers' logs")


async def logs_of(settings: Settings) -> Logs:
    return Logs(settings.name, await cluster.cluster_id(settings), await cluster.log_epoch(settings))


async def monitors_placed(settings: Settings) -> Line:
    """By the newest finding of each monitor; those that a file has placed since count as placed."""
    known = await placed.imported(settings, await cluster.log_epoch(settings))
    async with opened(database_url(settings)) as pool:
        rows = await pool.fetch(MONITORS, settings.name, DAYS)
    return unplaced(rows, {key for key, row in known.items() if row.units}, set(known))


def unplaced(rows: list[Any], with_unit: set[str], with_bed: set[str]) -> Line:
    if not rows:
        return Line("places", "unknown", f"no monitor was heard of within {DAYS} days")
    no_unit = [row["monitor"] for row in rows if not row["units"] and fold(row["monitor"]) not in with_unit]
    no_bed = [row["monitor"] for row in rows if not row["bed"] and fold(row["monitor"]) not in with_bed]
    says = f"of {len(rows)} monitors {len(no_unit)} have no unit, {len(no_bed)} no bed"
    if not no_unit and not no_bed:
        return Line("places", "good", says)
    return judged("places", True, f"{says}, such as {min([*no_unit, *no_bed])}: hub places import")
