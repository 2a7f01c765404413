"""Numbered SQL brings the tables up to date, under a lock: of two workers one does it, the other finds it done."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import asyncpg

from hubapp.failure import Failure

LOCK = 0x687562_01
LEDGER = """CREATE TABLE IF NOT EXISTS migrations
    (number integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"""


def migrations() -> dict[int, tuple[str, str]]:
    """number -> (name, SQL), in order."""
    found = sorted(
        (file for file in files("hubapp.store.migrations").iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    return {int(file.name[:4]): (file.name, file.read_text(encoding="utf-8")) for file in found}


async def migrate(pool: Any) -> list[str]:
    """Apply what is missing, all or nothing; the names of what was applied."""
    try:
        return await missing(pool)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Failure(f"the database's user may not make the hub's tables: {error}; give it CREATE on the schema") from error


async def missing(pool: Any) -> list[str]:
    known = migrations()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(LEDGER)
        done = {row["number"] for row in await connection.fetch("SELECT number FROM migrations")}
        if done and max(done) > max(known):
            raise Failure(f"the store has migration {max(done)}, this program knows {max(known)}: start the newer program")
        wanted = [number for number in known if number not in done]
        for number in wanted:
            await connection.execute(known[number][1])
            await connection.execute("INSERT INTO migrations (number, name) VALUES ($1, $2)", number, known[number][0])
    return [known[number][0] for number in wanted]
