"""Up to where each partition is stored, and of which hub logs: the store knows it, the consumer group does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hubapp.failure import Failure
from hubapp.store.sleepers import unheld

Place = tuple[str, int]
"""Topic, partition."""


NEXT = "SELECT next FROM offsets WHERE hub = $1 AND cluster = $2 AND topic = $3 AND partition = $4"
BEGIN = """INSERT INTO offsets (hub, cluster, topic, partition, epoch, next) VALUES ($1, $2, $3, $4, $5, 0)
    ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Logs:
    """Whose logs these are: the hub's name, the cluster's id, the epoch in which the hub logs were made."""

    hub: str
    cluster: str
    epoch: int


class Stale(Exception):
    """Somebody else has stored this batch, or the logs are no longer the ones that the store is filled from."""


async def adopted(pool: Any, hub: str) -> Logs | None:
    """The logs that the store is filled from."""
    row = await pool.fetchrow("SELECT cluster, epoch FROM logs WHERE hub = $1 ORDER BY adopted DESC LIMIT 1", hub)
    return None if row is None else Logs(hub, row["cluster"], row["epoch"])


async def recognise(pool: Any, logs: Logs) -> None:
    """A new store takes any logs; after that only those, until somebody says otherwise."""
    found = await adopted(pool, logs.hub)
    if found is None:
        await adopt(pool, logs)
    elif found != logs:
        raise Failure(unknown(found, logs))


def unknown(found: Logs, logs: Logs) -> str:
    if found.cluster != logs.cluster:
        what = f"the store of hub {logs.hub} is filled from Kafka cluster {found.cluster}, this is cluster {logs.cluster}"
    else:
        what = f"the hub logs of {logs.hub} were made anew: epoch {logs.epoch}, the store knows {found.epoch}"
    return f"{what}: nothing is archived; if that is right, run `hub store adopt`"


async def adopt(pool: Any, logs: Logs, anew: bool = False) -> None:
    """From now on *logs* fill the store: from their beginning where they are not known, or *anew*; else from where it was."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO logs (hub, cluster, epoch) VALUES ($1, $2, $3)"
            " ON CONFLICT (hub, cluster, epoch) DO UPDATE SET adopted = clock_timestamp()",
            logs.hub, logs.cluster, logs.epoch,
        )  # fmt: skip
        await connection.execute(
            "DELETE FROM offsets WHERE hub = $1 AND cluster = $2 AND (epoch <> $3 OR $4)",
            logs.hub,
            logs.cluster,
            logs.epoch,
            anew,
        )


async def next_of(pool: Any, logs: Logs, place: Place) -> int:
    """Where to read on."""
    of_place = (logs.hub, logs.cluster, *place)
    async with unheld(pool) as connection:
        found: int | None = await connection.fetchval(NEXT, *of_place)
        if found is None:
            await connection.execute(BEGIN, *of_place, logs.epoch)
            found = 0
    return found


async def advance(connection: Any, logs: Logs, place: Place, first: int, following: int) -> None:
    """Compare and set: the first statement of a batch's transaction. Two writers come one after the other, a sleeper fails."""
    said = await connection.execute(
        "UPDATE offsets SET next = $7"
        " WHERE hub = $1 AND cluster = $2 AND topic = $3 AND partition = $4 AND epoch = $5 AND next = $6",
        logs.hub, logs.cluster, *place, logs.epoch, first, following,
    )  # fmt: skip
    if said != "UPDATE 1":
        raise Stale(f"{place[0]}-{place[1]} is not at {first}")


async def leap(pool: Any, logs: Logs, place: Place, first: int, following: int) -> None:
    """Kafka's retention took offsets *first* up to *following* before they were stored: go on there, and say so."""
    async with unheld(pool) as connection:
        await advance(connection, logs, place, first, following)
        await connection.execute(
            "INSERT INTO gaps (hub, cluster, topic, partition, epoch, first, next) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            logs.hub, logs.cluster, *place, logs.epoch, first, following,
        )  # fmt: skip
