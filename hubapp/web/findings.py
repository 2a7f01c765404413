"""/v1/findings/{id}: why a finding says what it says, from the store, by whichever worker is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from aiohttp import web

from hubapp.database import database_url
from hubapp.explaining import explained
from hubapp.failure import Failure
from hubapp.settings import settings
from hubapp.store.connection import AWAY, connect
from hubapp.web.problem import Problem, answer, not_now

# What is left of a query's time for Kafka: it can always be done without.
KAFKA_SECONDS = 2.0


class Store:
    """The store's pool, made when somebody first asks."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._making = asyncio.Lock()

    async def pool(self) -> Any:
        async with self._making:
            if self._pool is None:
                self._pool = await connect(database_url(settings()))
            return self._pool

    def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()


STORE = web.AppKey("store", Store)


async def store(site: web.Application) -> AsyncIterator[None]:
    site[STORE] = Store()
    yield
    site[STORE].close()


async def finding(request: web.Request) -> web.Response:
    """records=0 in the query: Kafka is not asked."""
    asks = request.query.get("records") != "0"
    try:
        pool = await request.app[STORE].pool()
        told = await explained(pool, settings(), request.match_info["id"], ask_kafka=asks, patience=KAFKA_SECONDS)
    except (Failure, *AWAY, asyncpg.UndefinedTableError):
        raise not_now("The store cannot be asked at the moment: `hub explain` says why.") from None
    if told is None:
        raise Problem(404, "There is no such finding in the store.")
    return answer(told)
