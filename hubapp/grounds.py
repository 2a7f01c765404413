"""What a finding rests on, as the store has it: its revisions, the facts of its evidence, the thresholds that were applied."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from hubapp.explain.evidence import Place
from hubapp.explain.explanation import Stored, places
from hubapp.facts import RulesChanged, iso
from hubapp.store.history import finding
from hubapp.store.rows import fact_of, moment

# The key of `facts` from its first column on, so that no table is read through.
FACTS = """SELECT facts.* FROM facts
    JOIN unnest($2::text[], $3::text[], $4::int[], $5::bigint[]) AS wanted (cluster, topic, partition, "offset")
    USING (cluster, topic, partition, "offset") WHERE hub = $1"""
RULES = """SELECT * FROM facts WHERE hub = $1 AND NOT alarm AND topic = 'hub.toml' AND type = 'RulesChanged'
    AND cluster IN (SELECT cluster FROM logs WHERE hub = $1) ORDER BY sent, "offset" """
REVISIONS = "SELECT finding, epoch, written FROM revisions WHERE hub = $1 AND id = $2 ORDER BY epoch, revision"


async def grounds(pool: Any, name: uuid.UUID, hub: str) -> Stored | None:
    """All of finding *name*; None where there is none."""
    newest = await finding(pool, str(name), hub)
    if newest is None:
        return None
    rows = await pool.fetch(FACTS, hub, *columns(places(newest)))
    facts = [(row["cluster"], fact_of(row)) for row in rows]
    rules = [fact for row in await pool.fetch(RULES, hub) if isinstance(fact := fact_of(row), RulesChanged)]
    return Stored(hub, newest, await revisions(pool, name, hub), facts, rules)


def columns(wanted: list[Place]) -> list[list[Any]]:
    return [[place[number] for place in wanted] for number in range(4)]


async def revisions(pool: Any, name: uuid.UUID, hub: str) -> list[dict[str, Any]]:
    rows = await pool.fetch(REVISIONS, hub, name)
    return [
        {"finding": msgspec.json.decode(row["finding"]), "epoch": row["epoch"], "written": iso(moment(row["written"]))}
        for row in rows
    ]
