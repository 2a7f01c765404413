"""A pooler in transaction mode before the database: nothing of a session may be relied on."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from hubapp.store import history, offsets, retention
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate, migrations
from hubapp.store.offsets import Logs, Stale
from hubapp.store.partitions import Partitions
from hubapp.store.write import write
from tests.pooler import pooling
from tests.test_store import LOGS, PLACE, batch, episode, placed, raised

pytestmark = pytest.mark.live


async def test_two_writers_behind_a_pooler_migrate_write_and_read(database: str) -> None:
    async with pooling(database) as (url, pooler):
        pools = [await connect(url) for _ in range(2)]
        assert sorted(map(len, await asyncio.gather(*map(migrate, pools)))) == [0, len(migrations())]
        for pool in pools:
            await offsets.recognise(pool, LOGS)
            await offsets.next_of(pool, LOGS, PLACE)
        parts = [Partitions(pool) for pool in pools]
        await asyncio.gather(*(part.look_ahead() for part in parts))

        async def work(part: Partitions) -> None:
            first = 0
            while first < 40:
                with contextlib.suppress(Stale):
                    await write(part, LOGS, batch(first, first + 1, [raised(first), placed(first)], [episode(first)]))
                await history.findings(part.pool, patient="P-1")
                first = await offsets.next_of(part.pool, LOGS, PLACE)

        await asyncio.gather(*map(work, parts))
        assert len(await history.facts(pools[0])) == 80
        assert [found["revision"] for found in await history.findings(pools[1])] == [39]
        assert len((await retention.report(pools[1], 2**30)).tables) == 4
        assert await offsets.adopted(pools[0], "hub") == Logs("hub", "a-cluster", 1)
        assert pooler.transactions > 200
        for pool in pools:
            await pool.close()
