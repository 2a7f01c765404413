"""What a chronicle must remember, as the tables hold it: a row for each key of a rule, and one for each episode told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.said import Said
from hubapp.rules.told import EpisodeTold

VERSION = 1
T = TypeVar("T")


class UnknownVersion(Exception):
    """State of a newer hub: it must not be read as if it were ours."""


class RuleRow(msgspec.Struct):
    """What a rule remembers of one key up to the horizon, and its findings as they were last told."""

    version: int
    item: msgspec.Raw
    said: list[Said]


class ToldRow(msgspec.Struct):
    version: int
    thresholds: str
    told: EpisodeTold


NONE = msgspec.Raw(b"null")


def changes(chronicle: Chronicle) -> Iterator[tuple[str, bytes, bytes | None]]:
    """(rule, key, value) of the rows that have changed since the last call; None deletes."""
    settled = {rule.name: rule for rule in chronicle.settled.rules}
    for place in sorted(chronicle.changed):
        name, key = place
        item, said = settled[name].items.get(key), [one for _, one in sorted(chronicle.said.get(place, {}).items())]
        raw = NONE if item is None else msgspec.Raw(encoded(item))
        yield name, key.encode(), None if item is None and not said else encoded(RuleRow(VERSION, raw, said))
    chronicle.changed = set()


def told_changes(chronicle: Chronicle) -> Iterator[tuple[bytes, bytes | None]]:
    """(id, value) of the episodes of which something else is told since the last call."""
    for name in sorted(chronicle.retold):
        told = chronicle.episodes.get(name)
        yield name.encode(), None if told is None else encoded(ToldRow(VERSION, told[1], told[0]))
    chronicle.retold = set()


def restore(chronicle: Chronicle, tables: Mapping[str, Iterable[tuple[bytes, bytes]]], told: Iterable[bytes]) -> None:
    """Bring *chronicle*, whose house and horizon are restored, to where its rows say that it stood."""
    for rule in chronicle.settled.rules:
        for key, value in tables[rule.name]:
            row = decoded(value, RuleRow)
            if row.item != NONE:
                rule.items[key.decode()] = msgspec.json.decode(row.item, type=rule.kind)
            if row.said:
                chronicle.said[rule.name, key.decode()] = {one.finding.id: one for one in row.said}
    chronicle.note_changes()
    chronicle.changed = set()
    for value in told:
        episode = decoded(value, ToldRow)
        chronicle.restore(episode.told, episode.thresholds)


def encoded(row: msgspec.Struct) -> bytes:
    return msgspec.json.encode(row, order="deterministic")


def decoded(value: bytes, kind: type[T]) -> T:
    try:
        row = msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError as error:
        raise UnknownVersion(f"{kind.__name__}: {error}") from error
    version = getattr(row, "version", VERSION)
    if version > VERSION:
        raise UnknownVersion(f"{kind.__name__} of version {version}: this hub knows {VERSION}; start the newer one")
    return row
