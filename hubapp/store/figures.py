"""The figures that thresholds are suggested from: of the stored findings of the last four weeks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hubapp import suggesting
from hubapp.failure import Failure
from hubapp.suggesting import Session, Suggestion

DAYS = 28
PATIENCE = 600
# What is in no figure.
LEFT_OUT = "NOT quality && ARRAY['excluded', 'backfilled', 'told-late'] AND status <> 'retracted'"
# By rule, as the index has them.
KNOWN = """SELECT min(first), max(last) FROM unnest(ARRAY['attendance', 'episodes', 'presence']) AS wanted, LATERAL (
        SELECT min(start) AS first, max(start) AS last FROM findings
        WHERE hub = $1 AND rule = wanted AND start >= $2 AND start <= now()
    ) AS of_rule"""
SECONDS = f"""SELECT body->>'priority' AS priority, (body->>'seconds')::float AS seconds, body->>'result' AS result FROM findings
    WHERE hub = $1 AND rule = 'attendance' AND start >= $2 AND start <= now() AND {LEFT_OUT}
    AND body->>'result' IN ('attended', 'visited', 'attended-late', 'visited-late', 'no-evidence')"""
ONSETS = f"""SELECT DISTINCT unit, date_trunc('minute', start, 'UTC') AS minute, device, body->>'condition' AS condition
    FROM findings, unnest(units) AS unit
    WHERE hub = $1 AND rule = 'episodes' AND start >= $2 AND start <= now() AND device IS NOT NULL AND {LEFT_OUT}"""
# Which service it was the fact says, which is the first of the evidence.
SESSIONS = f"""SELECT account, body->>'client' AS client, units, (body->>'shared')::boolean AS shared,
    body->>'how_ended' AS how_ended, start, coalesce("end", now()) AS "end", anchor.service FROM findings
    LEFT JOIN LATERAL (
        SELECT fact.body->>'service' AS service FROM facts AS fact
        WHERE fact.hub = findings.hub AND NOT fact.alarm AND fact.type = 'SessionOpened'
        AND fact.cluster = evidence->0->>'cluster' AND fact.topic = evidence->0->>'topic'
        AND fact.partition = (evidence->0->>'partition')::int AND fact."offset" = (evidence->0->>'offset')::bigint LIMIT 1
    ) AS anchor ON true
    WHERE hub = $1 AND rule = 'presence' AND start >= $2 AND start <= now() AND account IS NOT NULL AND {LEFT_OUT}"""
SHIFTS = """SELECT account, count(*) AS days FROM (
        SELECT account, date_trunc('day', sent, 'UTC') FROM facts
        WHERE hub = $1 AND NOT alarm AND type = 'SessionOpened' AND "timestamp" >= $2 AND account IS NOT NULL
        GROUP BY 1, 2 HAVING count(DISTINCT floor(extract(hour FROM sent AT TIME ZONE 'UTC') / 8)) = 3
    ) AS days GROUP BY account"""


async def suggestions(pool: Any, hub: str) -> list[Suggestion]:
    """Raises Failure where nothing is stored."""
    since: datetime = await pool.fetchval("SELECT now()") - timedelta(days=DAYS)
    first, last = await pool.fetchrow(KNOWN, hub, since)
    if first is None:
        raise Failure(f"the store holds no findings of hub {hub} of the last {DAYS} days: nothing to suggest anything from")
    attendance = await pool.fetch(SECONDS, hub, since, timeout=PATIENCE)
    onsets = [tuple(row) for row in await pool.fetch(ONSETS, hub, since, timeout=PATIENCE)]
    sessions = [Session(**row) for row in await pool.fetch(SESSIONS, hub, since, timeout=PATIENCE)]
    shifts = {row["account"]: row["days"] for row in await pool.fetch(SHIFTS, hub, since, timeout=PATIENCE)}
    return [
        *deadlines(attendance),
        *suggesting.floods(onsets, (first, last)),
        *suggesting.staffed(sessions, {onset[0] for onset in onsets}, (first, last)),
        *suggesting.session_days(sessions),
        suggesting.shared_accounts(sessions, shifts),
    ]


def deadlines(rows: list[Any]) -> Iterator[Suggestion]:
    seconds: dict[str, list[float]] = {}
    without: dict[str, int] = {}
    for row in rows:
        if row["seconds"] is not None:
            seconds.setdefault(row["priority"], []).append(row["seconds"])
        else:
            without[row["priority"]] = without.get(row["priority"], 0) + 1
    return suggesting.deadlines(seconds, without)
