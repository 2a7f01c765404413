"""How the hub speaks to PostgreSQL: nothing of a session is kept, so a pooler in transaction mode may stand before it."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hubapp.failure import Failure

OLDEST = 140000
CONNECT_SECONDS, COMMAND_SECONDS = 10, 60
# The database is away, is full, is busy, has lost a race: the same batch may be good a little later.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.ReadOnlySQLTransactionError,
)
# What no waiting mends.
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    ssl.SSLCertVerificationError,
)


def address(url: str) -> str:
    """The database's place, without user and password."""
    return re.sub(r"^(\w+://)[^@/]*@", r"\1", url)


async def nothing(_connection: Any) -> None:
    """What a connection needs before another may have it: asyncpg would reset the session."""


async def connect(url: str, size: int = 2) -> Any:
    """A pool on the database at *url*; raises one of AWAY when it cannot be reached, Failure when it will never let us in."""
    try:
        pool = await asyncpg.create_pool(
            url, min_size=0, max_size=size, statement_cache_size=0, timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS, reset=nothing,
        )  # fmt: skip
        await fit(pool, url)
    except REFUSED as error:
        raise refused(url, error) from error
    except asyncpg.ClientConfigurationError as error:
        raise Failure(
            f"HUB_DATABASE is no address of a database: {error}; write postgresql://USER:PASSWORD@HOST:PORT/NAME"
        ) from error
    return pool


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Any]:
    """A pool for one command: whatever is wrong with the database is one clear line."""
    try:
        pool = await connect(url)
        try:
            yield pool
        finally:
            await pool.close()
    except asyncpg.UndefinedTableError as error:
        raise Failure(f"the database at {address(url)} has no store yet: start a worker, or run `hub store migrate`") from error
    except (*AWAY, asyncpg.PostgresError) as error:
        raise Failure(f"the database at {address(url)} fails: {error or type(error).__name__}; check HUB_DATABASE") from error


def refused(url: str, error: Exception) -> Failure:
    return Failure(f"the database at {address(url)} refuses: {error}; check HUB_DATABASE (user, password, name, rights)")


async def fit(pool: Any, url: str) -> None:
    version = await pool.fetchval("SELECT current_setting('server_version_num')::int")
    if version < OLDEST:
        raise Failure(f"the database at {address(url)} is PostgreSQL {version // 10000}; the hub needs 14 or newer")
