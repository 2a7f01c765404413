"""A writer that froze in the middle of a transaction holds its locks as long as it sleeps: nothing else tells PostgreSQL of it.

So no batch waits for a lock longer than LOCK_TIMEOUT, and who waited that long ends those transactions of the archive's own user
that wait for their client. One that wakes, or was only slow, finds its connection gone, and its batch stored by another or not.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hubapp.store import migrate, partitions

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"
# Idle between two statements, or in a COPY, of which no timeout of PostgreSQL 14 takes notice.
END = """SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
    AND a.wait_event = 'ClientRead' AND a.xact_start < clock_timestamp() - interval '5 seconds'
    AND EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.granted
        AND (l.relation = 'offsets'::regclass OR (l.locktype = 'advisory' AND l.objid = ANY($1::oid[]))))"""


@asynccontextmanager
async def unheld(pool: Any) -> AsyncIterator[Any]:
    """A transaction that waits for no lock for long; after LockNotAvailableError it may be tried again."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_TIMEOUT)
            yield connection
    except asyncpg.LockNotAvailableError:
        await end(pool)
        raise


async def end(pool: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        ended = await connection.fetch(END, [migrate.LOCK, partitions.LOCK])
    if ended:
        logger.warning("archive: ended the transaction of a writer that sleeps", extra={"number": len(ended)})
