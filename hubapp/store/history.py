"""What was: findings and facts as the store has them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec

from hubapp.facts import AnyFact, fold
from hubapp.store.rows import envelope, fact_of

MOST = 500


async def finding(pool: Any, name: str, hub: str = "hub") -> dict[str, Any] | None:
    """The newest revision of finding *name*, as its record told it; None where there is none."""
    row = await pool.fetchrow(
        "SELECT * FROM findings WHERE hub = $1 AND id = $2 ORDER BY epoch DESC, revision DESC LIMIT 1", hub, uuid.UUID(name)
    )
    return None if row is None else envelope(row)


async def findings(
    pool: Any, hub: str = "hub", *, rule: str | None = None, patient: str | None = None, account: str | None = None,
    unit: str | None = None, status: str | None = None, since: datetime | None = None, until: datetime | None = None,
    limit: int = MOST,
) -> list[dict[str, Any]]:  # fmt: skip
    """Findings that began from *since* up to, not including, *until*, the newest first."""
    asked: list[tuple[str, Any]] = [
        ("rule = {}", rule), ("status = {}", status), ("units @> ARRAY[{}::text]", unit),
        ("start >= {}", since), ("start < {}", until),
        ("patient_key = {}", None if patient is None else fold(patient)),
        ("account_key = {}", None if account is None else fold(account)),
    ]  # fmt: skip
    given = [(clause, value) for clause, value in asked if value is not None]
    where = "".join(f" AND {clause.format(f'${number}')}" for number, (clause, _) in enumerate(given, 3))
    rows = await pool.fetch(
        f"SELECT * FROM findings WHERE hub = $1{where} ORDER BY start DESC, id LIMIT $2",
        hub,
        limit,
        *(value for _, value in given),
    )
    return [envelope(row) for row in rows]


async def revisions(pool: Any, name: str, hub: str = "hub") -> list[dict[str, Any]]:
    """All revisions that are kept of finding *name*, the oldest first."""
    rows = await pool.fetch(
        "SELECT finding FROM revisions WHERE hub = $1 AND id = $2 ORDER BY epoch, revision", hub, uuid.UUID(name)
    )
    return [msgspec.json.decode(row["finding"]) for row in rows]


async def facts(
    pool: Any, hub: str = "hub", *, patient: str | None = None, since: datetime | None = None, until: datetime | None = None,
    limit: int | None = None,
) -> list[AnyFact]:  # fmt: skip
    """Facts in their total order: of *patient*, and of which `at` is from *since* up to, not including, *until*."""
    asked = (("patient = {}", None if patient is None else fold(patient)), ("at >= {}", since), ("at < {}", until))
    given = [(clause, value) for clause, value in asked if value is not None]
    where = "".join(f" AND {clause.format(f'${number}')}" for number, (clause, _) in enumerate(given, 3))
    rows = await pool.fetch(
        f'SELECT * FROM facts WHERE hub = $1{where} ORDER BY sent, topic, partition, "offset", index LIMIT $2',
        hub, limit, *(value for _, value in given),
    )  # fmt: skip
    return [fact_of(row) for row in rows]
