"""A source record, and the three things that decoding it can give: facts, `Ignored`, or `Malformed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from hubapp.facts import Micros

NO_TIMESTAMP: Micros = -1_000
"""What Kafka says (-1 ms) of a record that has none."""


class Record(msgspec.Struct, frozen=True):
    """A record as Kafka gave it.

    role: the source's role in `hubapp.topics` (its name is a setting). timestamp: the Kafka timestamp, or `NO_TIMESTAMP`.
    """

    role: str
    topic: str
    partition: int
    offset: int
    timestamp: Micros
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A known record that says nothing the hub needs; counted. type: the event's TYPE, or the role of an unread topic."""

    type: str


class Malformed(Exception):
    """Bad input: quarantined with this reason, counted, never tried again. The reason holds no value of a record."""
