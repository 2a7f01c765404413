"""Facts and findings as rows of the store's tables."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from hubapp.facts import EPOCH, SECOND, AlarmFact, AnyFact, Fact, Micros, fold, iso, micros
from hubapp.findings import Finding

Row: TypeAlias = tuple[Any, ...]

FACT_COLUMNS = (
    "hub", "cluster", "topic", "partition", "offset", "index", "timestamp", "alarm", "type", "at", "sent",
    "patient", "monitor", "device", "account", "quality", "message_id", "sha256", "body",
)  # fmt: skip
FINDING_COLUMNS = (
    "hub", "cluster", "id", "start", "end", "rule", "rule_version", "status", "epoch", "revision", "quality", "units",
    "bed", "monitor", "device", "patient", "account", "patient_key", "account_key", "replaced_by", "body", "evidence",
)  # fmt: skip
REVISION_COLUMNS = ("hub", "cluster", "id", "start", "epoch", "revision", "status", "written", "finding")
# Where a fact of one kind or another says which monitor and whose account it is about.
MONITOR = ("monitor", "serial")
ACCOUNT = ("account", "account_name", "account_id")
COLUMNS_OF_A_FACT = frozenset(Fact.__struct_fields__)
# A record's time is 64 bits of milliseconds, a row's is a calendar's: what lies beyond is filed at its edge.
FIRST, LAST = micros(datetime.min.replace(tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))

EXACT: Micros = 2**52

encode = msgspec.json.Encoder().encode


def instant(at: Micros) -> datetime:
    if 0 <= at < EXACT:
        return datetime.fromtimestamp(at / SECOND, UTC)  # Three times as fast, and a double holds these to a microsecond.
    return EPOCH + timedelta(microseconds=min(max(at, FIRST), LAST))


def moment(stored: datetime) -> Micros:
    """The calendar's first and last instants are stored as infinite, and told without a zone."""
    return micros(stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored)


def text(value: bytes) -> str:
    """JSON that PostgreSQL can hold: it has no NUL, and UTF-8 has no lone surrogate."""
    if b"\\u0000" in value:
        value = encode(cleaned(msgspec.json.decode(value)))
    return value.decode()


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return value


def word(value: str | None) -> str | None:
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value is not None and "\0" in value else value


def key(value: str | None) -> str | None:
    return None if value is None else word(fold(value))


def first_of(names: tuple[str, ...], fact: Fact) -> str | None:
    for name in names:
        value = getattr(fact, name, None)
        if value is not None:
            return key(value)
    return None


@cache
def rest_of(kind: type[Fact]) -> Callable[[Fact], msgspec.Struct]:
    """Makes of a fact the fields that have no column of their own; what stands at its default is left out as they are encoded."""
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in COLUMNS_OF_A_FACT]
    fields.sort(key=lambda field: not field.required)
    take = attrgetter("at", *(field.name for field in fields))  # Of two names or more it gives a tuple.
    told = [(field.name, Any) if field.required else (field.name, Any, field.default) for field in fields]
    made = msgspec.defstruct(kind.__name__, told, omit_defaults=True)
    return lambda fact: made(*take(fact)[1:])


def body(fact: Fact) -> str:
    return text(encode(rest_of(type(fact))(fact)))


def fact_rows(hub: str, cluster: str) -> Callable[[AnyFact], Row]:
    """What makes a fact a row of *hub* and *cluster*, in the order of FACT_COLUMNS."""

    def row(fact: AnyFact) -> Row:
        return (
            hub, cluster, fact.topic, fact.partition, fact.offset, fact.index, instant(fact.timestamp),
            isinstance(fact, AlarmFact), type(fact).__name__, instant(fact.at), instant(fact.sent),
            key(getattr(fact, "patient", None)), first_of(MONITOR, fact), key(getattr(fact, "device", None)),
            first_of(ACCOUNT, fact), fact.quality or None, word(fact.message_id), bytes.fromhex(fact.sha256), body(fact),
        )  # fmt: skip

    return row


def fact_of(row: Any) -> AnyFact:
    """The fact that *row* of `facts` holds."""
    found: AnyFact = msgspec.convert(
        {
            **msgspec.json.decode(row["body"]),
            **{name: row[name] for name in ("type", "topic", "partition", "offset", "index", "message_id")},
            **{name: moment(row[name]) for name in ("at", "sent", "timestamp")},
            "sha256": row["sha256"].hex(),
            "quality": row["quality"] or (),
        },
        AnyFact,
    )
    return found


def finding_row(hub: str, cluster: str, epoch: int, found: Finding) -> Row:
    """In the order of FINDING_COLUMNS."""
    return (
        hub, cluster, uuid.UUID(found.id), datetime.fromisoformat(found.start),
        None if found.end is None else datetime.fromisoformat(found.end), found.rule, found.rule_version, found.status,
        epoch, found.revision, found.quality, [word(unit) for unit in found.units], word(found.bed), word(found.monitor),
        word(found.device), word(found.patient), word(found.account), key(found.patient), key(found.account),
        None if found.replaced_by is None else uuid.UUID(found.replaced_by),
        text(encode(found.body)), text(encode(found.evidence)),
    )  # fmt: skip


def revision_row(row: Row, written: Micros, value: bytes) -> Row:
    """In the order of REVISION_COLUMNS, from the finding's *row* and the record's *value*."""
    hub, cluster, name, start, _end, _rule, _version, status, epoch, revision = row[:10]
    return (hub, cluster, name, start, epoch, revision, status, instant(written), text(value))


def envelope(row: Any) -> dict[str, Any]:
    """The finding that *row* of `findings` holds, as its record told it."""
    kept = ("rule", "rule_version", "status", "quality", "units", "bed", "monitor", "device", "patient", "account", "revision")
    return {
        **{name: row[name] for name in kept},
        "id": str(row["id"]),
        "replaced_by": None if row["replaced_by"] is None else str(row["replaced_by"]),
        "start": iso(moment(row["start"])),
        "end": None if row["end"] is None else iso(moment(row["end"])),
        "body": msgspec.json.decode(row["body"]),
        "evidence": msgspec.json.decode(row["evidence"]),
    }
