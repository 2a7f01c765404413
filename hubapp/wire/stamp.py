"""What all facts of one record share."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from hubapp.facts import Fact, Micros, Quality
from hubapp.wire import times
from hubapp.wire.fields import Text, text
from hubapp.wire.record import Record

F = TypeVar("F", bound=Fact)


@dataclass(slots=True)
class Stamp:
    """Coordinates, clocks and quality of a record; `fact` makes the next of its facts."""

    record: Record
    sent: Micros
    quality: tuple[Quality, ...]
    message_id: str | None
    sha256: str
    index: int = 0

    def fact(self, what: type[F], /, *, at: Micros | None = None, quality: tuple[Quality, ...] = (), **fields: Any) -> F:
        """at: None for what was true when it was sent."""
        record, index = self.record, self.index
        self.index += 1
        return what(
            at=self.sent if at is None else at,
            sent=self.sent,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            index=index,
            timestamp=record.timestamp,
            message_id=self.message_id,
            sha256=self.sha256,
            quality=joined(self.quality, quality) if quality else self.quality,
            **fields,
        )

    def at(self, told: Micros | None) -> tuple[Micros, tuple[Quality, ...]]:
        """When something was true by the word of the record, and what is to be said of that."""
        return times.at(told, self.sent, self.record.timestamp)


def stamped(record: Record, told: Micros | None, message_id: Text, unsure: bool = False) -> Stamp:
    """told: when the record was sent, by its own word."""
    sent, quality = times.sent(told, record.timestamp)
    if unsure:
        quality = joined(quality, ("time-unsure",))
    value = record.value or b""
    return Stamp(record, sent, quality, text(message_id, "message_id"), sha256(value).hexdigest())


def joined(some: tuple[Quality, ...], more: tuple[Quality, ...]) -> tuple[Quality, ...]:
    return tuple(sorted({*some, *more}))
