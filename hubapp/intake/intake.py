"""One source partition: records in, what to send and to keep out."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from hubapp.facts import AlarmFact, AnyFact, Micros, MonitorBack, MonitorConfigured, MonitorLost, fold
from hubapp.intake.clocks import CLOCKS
from hubapp.intake.connections import Connections
from hubapp.intake.gaps import gone
from hubapp.intake.repeats import DIGEST, Repeats
from hubapp.marks import is_end, until_of
from hubapp.wire import Ignored, Malformed, Record, Zones, decode

# The row that keeps the newest `sent`: at its end an input says how far it came, whoever read it.
NEWEST = b"newest"


@dataclass
class Said:
    """What a batch of records says. quarantined: values for hub-quarantine."""

    facts: list[AnyFact] = field(default_factory=list)
    quarantined: list[bytes] = field(default_factory=list)
    ignored: int = 0
    repeats: int = 0
    unchanged: int = 0


class Intake:
    """State of one source partition: what was told before, what is connected, how far its time has come."""

    def __init__(self, role: str, zones: Zones, past: bool) -> None:
        self.role, self.zones = role, zones
        self.repeats, self.connections = Repeats(), Connections(past)
        self.audio: dict[str, tuple[Micros, str]] = {}
        self.newest: Micros | None = None
        self.until: Micros | None = None
        self.ended = False
        self._audio_changed: set[str] = set()
        self._told_newest: Micros | None = None

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> Intake:
        for key, value in rows:
            kind, _, name = key.partition(b"/")
            if kind == b"seen":
                self.repeats.restore(key, value)
            elif kind == b"connection":
                self.connections.restore(name, value)
            elif kind == b"audio":
                sent, state = orjson.loads(value)
                self.audio[name.decode()] = (sent, state)
            elif key == NEWEST:
                self.newest = self._told_newest = int(value)
        return self

    def changes(self, offset: int) -> Iterator[tuple[bytes, bytes | None]]:
        """Rows of the table that the records up to *offset* changed."""
        yield from self.repeats.changes(offset)
        yield from self.connections.changes()
        if self.newest is not None and self.newest != self._told_newest:
            self._told_newest = self.newest
            yield NEWEST, b"%d" % self.newest
        for monitor in sorted(self._audio_changed):
            yield b"audio/" + monitor.encode(), orjson.dumps(self.audio[monitor])
        self._audio_changed.clear()

    def read(self, records: Sequence[ConsumerRecord], gap: tuple[int, int] | None = None) -> Said:
        """What *records* say. gap: offsets, from and to, that were gone before them."""
        said, before = Said(), self.newest
        for record in records:
            if record.value is None and self._is_mark(record):
                continue
            self._read(record, said)
        if gap is not None:
            said.facts.insert(0, gone(self.role, records[0], gap, before, self._until(records[0])))
        said.facts += self.connections.silences()
        return said

    def _until(self, record: ConsumerRecord) -> Micros:
        """When *record* was written; of an input of the past, as far as its own times tell."""
        return self.newest if self.connections.past and self.newest is not None else int(record.timestamp) * 1000

    def _is_mark(self, record: ConsumerRecord) -> bool:
        if is_end(record.headers):
            self.ended = True
        elif (until := until_of(record.headers)) is not None:
            self.until, self.ended = max(until, self.until or until), False
        else:
            return False
        return True

    def _read(self, source: ConsumerRecord, said: Said) -> None:
        record = record_of(source, self.role)
        try:
            decoded = decode(record, self.zones)
        except Malformed as malformed:
            said.quarantined.append(quarantined(record, str(malformed)))
            return
        if isinstance(decoded, Ignored):
            said.ignored += 1
            return
        for fact in decoded:
            self._reach(fact.sent)
        if decoded and not self.connections.past:
            CLOCKS.note(record, decoded[0], self.zones)
        if self._is_repeat(record, decoded):
            said.repeats += 1
            return
        for fact in decoded:
            news = self._news(fact)
            said.facts += news
            said.unchanged += not news

    def _reach(self, sent: Micros) -> None:
        """What follows the end of an input is another one, whose times may be earlier."""
        if self.ended and self.connections.past:
            self.newest = self.until = None
        self.newest = sent if self.newest is None else max(self.newest, sent)
        self.ended = False

    def _is_repeat(self, record: Record, facts: tuple[AnyFact, ...]) -> bool:
        """Connection reports need no memory of their bytes: one that is told again is no change."""
        if not facts or isinstance(facts[0], MonitorBack) or facts[0].message_id is None:
            return False
        return self.repeats.is_repeat(bytes.fromhex(facts[0].sha256[: 2 * DIGEST]), record.timestamp)

    def _news(self, fact: AnyFact) -> Sequence[AnyFact]:
        if isinstance(fact, AlarmFact):
            return (fact,)
        if isinstance(fact, (MonitorBack, MonitorLost)):
            return tuple(self.connections.news(fact))
        return () if isinstance(fact, MonitorConfigured) and not self._audio_changes(fact) else (fact,)

    def _audio_changes(self, fact: MonitorConfigured) -> bool:
        """A monitor tells its audio at every report. What is older than the newest one is told on: it may be a change."""
        monitor = fold(fact.monitor)
        sent, state = self.audio.get(monitor, (None, None))
        if sent is None or fact.sent >= sent:
            self.audio[monitor] = (fact.sent, fact.audio)
            self._audio_changed.add(monitor)
            return state != fact.audio or fact.discovery
        return True


def record_of(source: ConsumerRecord, role: str) -> Record:
    """Kafka's milliseconds become microseconds."""
    return Record(
        role,
        source.topic,
        source.partition,
        source.offset,
        source.timestamp * 1000,
        source.key,
        source.value,
        dict(source.headers),
    )


def quarantined(record: Record, reason: str) -> bytes:
    """The value for hub-quarantine: reason, coordinates, and the record's own bytes."""

    def text(value: bytes | None) -> str | None:
        return None if value is None else base64.b64encode(value).decode()

    told: dict[str, Any] = {
        "reason": reason, "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "timestamp": record.timestamp, "key": text(record.key), "value": text(record.value),
        "headers": {name: text(value) for name, value in record.headers.items()},
    }  # fmt: skip
    return orjson.dumps(told)
