"""A replay from the store into the store: facts by a cursor, findings into the namespace, all in one SQL transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hubapp.facts import SECOND, AnyFact, Micros, RulesChanged, iso
from hubapp.failure import Failure
from hubapp.findings import Finding
from hubapp.in_force import rows as places_of
from hubapp.replay.course import Always, Course, InForce
from hubapp.store.offsets import adopted
from hubapp.store.rows import FINDING_COLUMNS, Row, fact_of, finding_row, instant, moment
from hubapp.store.write import staged
from hubapp.thresholds import Thresholds, parse
from hubapp.ward.watermark import AFTER_THE_END

FACT = 'type, topic, partition, "offset", index, message_id, at, sent, "timestamp", sha256, quality, body'
FACTS = f"""SELECT {FACT} FROM facts WHERE hub = $1 AND cluster = $2 AND type <> 'RulesChanged' AND sent < $3
    ORDER BY sent, topic, partition, "offset", index"""
CHANGES = f"SELECT {FACT} FROM facts WHERE hub = $1 AND cluster = $2 AND NOT alarm AND type = 'RulesChanged'"
SPAN = """SELECT min(sent) AS first, max(sent) AS last, count(*) FILTER (WHERE sent >= $3 AND sent < $4) AS within
    FROM facts WHERE hub = $1 AND cluster = $2 AND type <> 'RulesChanged'"""
COLUMNS = ("namespace", *FINDING_COLUMNS)
NEWER = "ON CONFLICT (hub, namespace, id) DO UPDATE SET " + ", ".join(
    f'"{name}" = EXCLUDED."{name}"' for name in FINDING_COLUMNS if name not in ("hub", "id")
)
BEGIN = """INSERT INTO replays (hub, namespace, cluster, since, until, watermark, facts, thresholds, changed)
    VALUES ($1, $2, $3, $4, $5, $6, 0, $7::text::jsonb, $8::text::jsonb)"""
LOCK, FOR_EVER = 0x687562_03, 7 * 86_400.0
FETCHED, WRITTEN = 2_000, 4_000

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be replayed: findings that began from *since* up to, not including, *until*; facts of *after* behind it are
    read too, as deadlines and ends of alarms may lie there. rules: None: the thresholds that were in force.
    """

    hub: str
    namespace: str
    since: Micros
    until: Micros
    after: Micros = 24 * 3600 * SECOND
    rules: Thresholds | None = None


@dataclass(slots=True)
class Made:
    """What came of it. watermark: up to when the replay knows."""

    namespace: str
    facts: int = 0
    watermark: Micros = 0
    findings: dict[str, int] = field(default_factory=dict)
    changed: list[dict[str, Any]] = field(default_factory=list)


async def replay(pool: Any, asked: Asked, tell: Tell = lambda line: None) -> Made:
    """Replace the namespace by what the rules find of the stored facts."""
    logs = await adopted(pool, asked.hub)
    if logs is None:
        raise Failure(f"the store has nothing of hub {asked.hub}: a worker with an archive fills it (HUB_NAME says which hub)")
    watermark = await reached(pool, asked, logs.cluster)
    changes = [fact_of(row) for row in await pool.fetch(CHANGES, asked.hub, logs.cluster)]
    in_force = InForce(change for change in changes if isinstance(change, RulesChanged))
    made = Made(asked.namespace, watermark=watermark, changed=differences(in_force.at(asked.since), asked.rules))
    course = Course(logs.cluster, in_force if asked.rules is None else Always(asked.rules))
    async with pool.acquire() as reader, pool.acquire() as writer, reader.transaction(readonly=True), writer.transaction():
        await begin(writer, asked, made, logs.cluster)
        namespace = Namespace(writer, asked, logs.cluster)
        async for fact in facts_of(reader, asked, logs.cluster):
            await namespace.keep(course.take(fact))
            if course.taken % FETCHED == 0:
                tell(f"{course.taken} facts, up to {iso(fact.sent)}")
        await namespace.keep(course.pass_to(watermark))
        await namespace.write()
        await writer.execute(
            "UPDATE replays SET facts = $3 WHERE hub = $1 AND namespace = $2", asked.hub, asked.namespace, course.taken
        )
        made.facts, made.findings = course.taken, await namespace.counted()
    return made


async def reached(pool: Any, asked: Asked, cluster: str) -> Micros:
    """Up to when the facts are known: where the store ends sooner, as far behind its newest as behind the end of an input."""
    span = await pool.fetchrow(SPAN, asked.hub, cluster, instant(asked.since), instant(asked.until), timeout=FOR_EVER)
    if not span["within"]:
        there = (
            "none at all" if span["first"] is None else f"some from {iso(moment(span['first']))} to {iso(moment(span['last']))}"
        )
        raise Failure(f"the store has no facts from {iso(asked.since)} to {iso(asked.until)}: of hub {asked.hub} it has {there}")
    return min(asked.until + asked.after, moment(span["last"]) + AFTER_THE_END)


async def facts_of(connection: Any, asked: Asked, cluster: str) -> AsyncIterator[AnyFact]:
    """All that was sent before the end, in the total order: who is logged in and what is where was told long before."""
    await connection.execute("SET LOCAL statement_timeout = 0")
    end = instant(asked.until + asked.after)
    async for row in connection.cursor(FACTS, asked.hub, cluster, end, prefetch=FETCHED, timeout=FOR_EVER):
        yield fact_of(row)


async def begin(connection: Any, asked: Asked, made: Made, cluster: str) -> None:
    """Let the namespace be empty: others see what it was until all is done."""
    await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
    free = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, hashtext($2))", LOCK, f"{asked.hub}/{asked.namespace}")
    if not free:
        raise Failure(f"{asked.namespace} is being replayed by somebody else: wait, or choose another name")
    await drop(connection, asked.hub, asked.namespace)
    await connection.execute(
        BEGIN, asked.hub, asked.namespace, cluster, instant(asked.since), instant(asked.until), instant(made.watermark),
        None if asked.rules is None else asked.rules.text(), msgspec.json.encode(made.changed).decode(),
    )  # fmt: skip


async def drop(connection: Any, hub: str, namespace: str) -> None:
    """All of a namespace, in one statement."""
    await connection.execute(
        "WITH gone AS (DELETE FROM replays WHERE hub = $1 AND namespace = $2)"
        " DELETE FROM replayed WHERE hub = $1 AND namespace = $2",
        hub, namespace, timeout=FOR_EVER,
    )  # fmt: skip


class Namespace:
    """Rows of `replayed`, the newest revision of each finding that began in the time that is asked for."""

    def __init__(self, connection: Any, asked: Asked, cluster: str) -> None:
        self.connection, self.asked, self.cluster = connection, asked, cluster
        self._since, self._until = iso(asked.since), iso(asked.until)
        self._unwritten: dict[str, Finding] = {}

    async def keep(self, findings: list[Finding]) -> None:
        self._unwritten.update((one.id, one) for one in findings if self._since <= one.start < self._until)
        if len(self._unwritten) >= WRITTEN:
            await self.write()

    async def write(self) -> None:
        rows = [self._row(one) for _, one in sorted(self._unwritten.items())]
        await staged(self.connection, "replayed", COLUMNS, rows, NEWER)
        self._unwritten = {}

    def _row(self, finding: Finding) -> Row:
        return (self.asked.namespace, *finding_row(self.asked.hub, self.cluster, 0, finding))

    async def counted(self) -> dict[str, int]:
        """Findings that stand, by rule."""
        found = await self.connection.fetch(
            "SELECT rule, count(*) AS n FROM replayed WHERE hub = $1 AND namespace = $2 AND status <> 'retracted'"
            " GROUP BY rule ORDER BY rule",
            self.asked.hub, self.asked.namespace,
        )  # fmt: skip
        return {row["rule"]: row["n"] for row in found}


def differences(in_force: str | None, rules: Thresholds | None) -> list[dict[str, Any]]:
    """Each threshold of *rules* that is another than the one in force at the beginning."""
    if rules is None:
        return []
    defaults = msgspec.to_builtins(Thresholds())
    live, asked = (
        {place: value for place, value, _ in places_of(msgspec.to_builtins(each), defaults)}
        for each in (parse(in_force) if in_force else Thresholds(), rules)
    )
    return [
        {"threshold": place, "live": live.get(place), "replay": asked.get(place)}
        for place in sorted(live | asked)
        if live.get(place) != asked.get(place)
    ]
