"""Which findings of a replay differ from the live ones of the same time, and in what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from hubapp.facts import iso, micros
from hubapp.failure import Failure
from hubapp.store.rows import moment

FOR_EVER, FETCHED = 7 * 86_400.0, 500
# What a finding says. Its version is that of the thresholds: they are told once, and are no difference of their own.
SAID = ("quality", "units", "bed", "monitor", "device", "patient", "account", "end", "body", "evidence")


def said(table: str) -> str:
    return ", ".join(f'{table}."{name}"' for name in SAID)


BOTH = f"""WITH live AS (SELECT * FROM findings
        WHERE hub = $1 AND cluster = $3 AND start >= $4 AND start < $5 AND status <> 'retracted'),
    told AS (SELECT * FROM replayed WHERE hub = $1 AND namespace = $2 AND status <> 'retracted'),
    pairs AS (SELECT coalesce(live.rule, told.rule) AS rule, coalesce(live.id, told.id) AS id,
        coalesce(live.start, told.start) AS start, to_jsonb(live) AS live, to_jsonb(told) AS told,
        CASE WHEN 'provisional' IN (coalesce(live.status, ''), coalesce(told.status, '')) THEN 'not final'
            WHEN told.id IS NULL THEN 'only live' WHEN live.id IS NULL THEN 'only replayed'
            WHEN ({said("live")}) IS NOT DISTINCT FROM ({said("told")}) THEN 'same' ELSE 'different' END AS difference
        FROM live FULL JOIN told ON live.id = told.id)"""
COUNTS = f"{BOTH} SELECT difference, count(*) AS n FROM pairs GROUP BY difference"
PAIRS = f"{BOTH} SELECT * FROM pairs WHERE difference NOT IN ('same', 'not final') ORDER BY rule, start, id"
WORD = re.compile(r"-|[a-z][a-z-]*")


@dataclass(slots=True)
class Compared:
    """changed: the thresholds that are others than in force. counts: findings by (rule, unit, status, difference). why: how
    often (rule, field, live, replay) differs; of a field whose values are no words the two are None. not_final: what the live
    hub or the replay has not concluded yet is not compared.
    """

    namespace: str
    since: str
    until: str
    watermark: str
    changed: list[dict[str, Any]]
    same: int = 0
    different: int = 0
    not_final: int = 0
    counts: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    why: Counter[tuple[str, str, str | None, str | None]] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)


async def compare(pool: Any, hub: str, namespace: str, examples: int = 2) -> Compared:
    """examples: how many at most of each rule and kind of difference."""
    row = await pool.fetchrow("SELECT * FROM replays WHERE hub = $1 AND namespace = $2", hub, namespace)
    if row is None:
        raise Failure(await unknown(pool, hub, namespace))
    since, until, watermark = (iso(moment(row[name])) for name in ("since", "until", "watermark"))
    found = Compared(namespace, since, until, watermark, msgspec.json.decode(row["changed"]))
    given = (hub, namespace, row["cluster"], row["since"], row["until"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        counts = {each["difference"]: each["n"] for each in await connection.fetch(COUNTS, *given, timeout=FOR_EVER)}
        found.same, found.not_final = counts.get("same", 0), counts.get("not final", 0)
        async for pair in connection.cursor(PAIRS, *given, prefetch=FETCHED, timeout=FOR_EVER):
            note(found, pair, examples)
    return found


async def unknown(pool: Any, hub: str, namespace: str) -> str:
    names = [row["namespace"] for row in await pool.fetch("SELECT namespace FROM replays WHERE hub = $1 ORDER BY 1", hub)]
    there = f"there are {', '.join(names)}" if names else "there are none yet: hub replay makes them"
    return f"no replay {namespace} of hub {hub}; {there}"


def note(found: Compared, pair: Any, examples: int) -> None:
    live, told = (msgspec.json.decode(pair[name] or "null") for name in ("live", "told"))
    shown, rule, difference = told or live, pair["rule"], pair["difference"]
    unit, fields = ", ".join(shown["units"]), list(fields_of(live, told)) if live and told else []
    seen = sum(n for (of, _, _, kind), n in found.counts.items() if (of, kind) == (rule, difference))
    found.different += 1
    found.counts[rule, unit, final(shown["status"]), difference] += 1
    found.why.update((rule, name, *words(before, after)) for name, before, after in fields)
    if seen < examples:
        found.examples.append(example(shown, unit, difference, fields))


def example(shown: dict[str, Any], unit: str, difference: str, fields: list[tuple[str, Any, Any]]) -> dict[str, Any]:
    named = ("id", "rule", "status", "bed", "monitor", "patient", "account")
    return {
        **{name: shown[name] for name in named},
        "start": instant_of(shown["start"]),
        "unit": unit,
        "difference": difference,
        "fields": [{"field": name, "live": before, "replay": after} for name, before, after in fields],
    }


def final(status: str) -> str:
    """That a live finding was amended on its way is no difference."""
    return "final" if status == "amended" else status


def fields_of(live: dict[str, Any], told: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(field, live, replay) of what the two say otherwise."""
    one, other = flat(live), flat(told)
    yield from ((name, one.get(name), other.get(name)) for name in [*one | other] if one.get(name) != other.get(name))


def flat(finding: dict[str, Any]) -> dict[str, Any]:
    """What a finding says, each field of its body by itself."""
    body = {f"body.{name}": value for name, value in sorted(finding["body"].items())}
    envelope = {name: finding[name] for name in SAID if name not in ("body", "evidence")}
    return {**envelope, "end": instant_of(finding["end"]), **body, "evidence": facts_in(finding["evidence"])}


def instant_of(written: str | None) -> str | None:
    """As findings write it; the first and the last instant of the calendar stay `infinity`."""
    if written is None or "infinity" in written:
        return written
    return iso(micros(datetime.fromisoformat(written)))


def facts_in(evidence: list[dict[str, Any]]) -> list[str]:
    return [f"{one['kind']} {one['topic']}-{one['partition']}@{one['offset']} {one['used']}" for one in evidence]


def words(live: Any, told: Any) -> tuple[str | None, str | None]:
    """The two values, where each is one of a few words and not a time, a number or a name of its own."""
    values = ["-" if value is None else str(value).lower() if isinstance(value, bool) else value for value in (live, told)]
    if not all(isinstance(value, str) and WORD.fullmatch(value) for value in values):
        return None, None
    return values[0], values[1]
