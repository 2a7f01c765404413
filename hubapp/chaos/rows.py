"""The database, row by row, against what the topics hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import asyncpg
import orjson
from aiokafka import ConsumerRecord

from hubapp.chaos.seen import Records
from hubapp.chaos.verdict import Check, same
from hubapp.facts import AnyFact, Progress, encode_fact
from hubapp.rules.told import EpisodeTold, decode_house_log
from hubapp.store.rows import envelope, fact_of
from hubapp.topics import HOUSE, LATE, PATIENTS, RULES

FACTS = (PATIENTS, HOUSE, LATE)
Place = tuple[str, int, int, int]


def all_of(records: Records, topics: Iterable[str]) -> list[ConsumerRecord]:
    return [record for topic in topics for part in records[topic].values() for record in part]


def place(fact: AnyFact) -> Place:
    return fact.topic, fact.partition, fact.offset, fact.index


def facts_of(records: Records) -> dict[Place, bytes]:
    told = (decode_house_log(record.value) for record in all_of(records, FACTS))
    return {place(fact): encode_fact(fact) for fact in told if not isinstance(fact, Progress | EpisodeTold)}


async def against_topics(url: str, hub: str, records: Records) -> list[Check]:
    """Facts: every one once. Findings: the newest of each. Revisions: all."""
    connection = await asyncpg.connect(url)
    try:
        facts = [fact_of(row) for row in await connection.fetch("SELECT * FROM facts WHERE hub = $1", hub)]
        findings = [envelope(row) for row in await connection.fetch("SELECT * FROM findings WHERE hub = $1", hub)]
        revisions = [orjson.loads(row[0]) for row in await connection.fetch("SELECT finding FROM revisions WHERE hub = $1", hub)]
    finally:
        await connection.close()
    told = [orjson.loads(record.value) for record in all_of(records, [f"hub-{rule}" for rule in RULES])]
    newest: dict[str, Any] = {}
    for one in told:
        if one["revision"] >= newest.get(one["id"], one)["revision"]:
            newest[one["id"]] = one
    by_revision: Callable[[Any], tuple[str, int]] = lambda one: (one["id"], one["revision"])  # noqa: E731  # A key, used twice.
    return [
        same("database: facts = logs", facts_of(records), ((place(fact), encode_fact(fact)) for fact in facts)),
        same("database: findings = newest", newest, ((one["id"], one) for one in findings), lambda one: one),
        same("database: revisions = all", {by_revision(one): one for one in told},
             ((by_revision(one), one) for one in revisions), lambda one: one),
    ]  # fmt: skip


async def stored_up_to(url: str, hub: str) -> dict[tuple[str, int], int]:
    """The next offset that the archive will store, of each partition; empty while there is no store."""
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass('offsets')") is None:
            return {}
        found = await connection.fetch("SELECT topic, partition, next FROM offsets WHERE hub = $1", hub)
        return {(row["topic"], row["partition"]): row["next"] for row in found}
    finally:
        await connection.close()
