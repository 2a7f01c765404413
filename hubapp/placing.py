"""A file of monitors and where they stand, for what is older than the topics: lines -> rows -> facts. Pure.

A unit is written ID=NAME, as the platform tells it; a plain word is both. What the topics tell is newer than any file: it stands.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from hubapp.facts import AnyFact, BedPlaced, Micros, MonitorPlaced, fold

COLUMNS = ("serial", "device id", "bed", "units")
LONGEST = 256
TOPIC = "places"


class Unit(msgspec.Struct, frozen=True, order=True):
    id: str
    name: str


class Row(msgspec.Struct, frozen=True):
    """Where one monitor stands, and the units that its bed is in."""

    serial: str
    device_id: str | None
    bed: str
    units: tuple[Unit, ...]


Table: TypeAlias = Mapping[str, Row]
"""Rows by folded serial."""


class Told(msgspec.Struct, frozen=True):
    """What the topics tell of: monitors whose place they say, folded; ids and names of units; the id of a name, folded."""

    monitors: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    names: Mapping[str, str | None] = {}

    def has(self, unit: Unit) -> bool:
        return unit.id in self.ids or fold(unit.name) in self.names


class Wrong(Exception):
    """Everything that is wrong with a file, a line each."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


def parsed(content: bytes) -> dict[str, Row]:
    """The rows of a file. Raises `Wrong`, which names every line that cannot be meant."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        before = content[: error.start].count(b"\n")
        raise Wrong([f"line {before + 1}: not UTF-8"]) from error
    found: dict[str, Row] = {}
    firsts: dict[str, int] = {}
    complaints: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and is_header(line)):
            continue
        try:
            row = row_of(line)
            key = fold(row.serial)
            if found.get(key, row) != row:
                raise ValueError(f"serial: is in line {firsts[key]} too, and stands elsewhere there")
            found[key], firsts[key] = row, firsts.get(key, number)
        except (ValueError, csv.Error) as error:
            complaints.append(f"line {number}: {error}")
    complaints += contradictions(found, firsts)
    if complaints:
        raise Wrong(complaints)
    return found


def is_header(line: str) -> bool:
    return fold(line.partition(",")[0].strip('"')) == COLUMNS[0]


def row_of(line: str) -> Row:
    (fields,) = csv.reader([line], strict=True)
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields between commas, not {len(COLUMNS)} ({', '.join(COLUMNS)})")
    serial, device_id, bed, units = (told(value, name) for value, name in zip(fields, COLUMNS, strict=True))
    if serial is None or bed is None:
        raise ValueError(f"{'serial' if serial is None else 'bed'}: blank")
    return Row(serial, device_id, bed, tuple(sorted({unit_of(one) for one in (units or "").split(";") if one.strip()})))


def told(value: str, name: str) -> str | None:
    """A field without its outer blanks; None where it is blank."""
    value = value.strip()
    if len(value) > LONGEST and name != "units":
        raise ValueError(f"{name}: longer than {LONGEST} characters")
    if not value.isprintable():
        raise ValueError(f"{name}: holds a character that cannot be printed")
    return value or None


def unit_of(text: str) -> Unit:
    name, equals, named = text.partition("=")
    unit = Unit(name.strip(), named.strip() if equals else name.strip())
    if not unit.id or not unit.name:
        raise ValueError(f"units: {text.strip()!r} is neither NAME nor ID=NAME")
    if max(len(unit.id), len(unit.name)) > LONGEST:
        raise ValueError(f"units: longer than {LONGEST} characters")
    return unit


def contradictions(rows: Table, lines: Mapping[str, int]) -> Iterator[str]:
    """A device id is one monitor's; a unit's id has one name."""
    owners: dict[str, int] = {}
    names: dict[str, tuple[str, int]] = {}
    for key, row in rows.items():
        line = lines[key]
        if row.device_id and owners.setdefault(row.device_id, line) != line:
            yield f"line {line}: device id: is in line {owners[row.device_id]} too, with another serial"
        for unit in row.units:
            name, first = names.setdefault(unit.id, (unit.name, line))
            if name != unit.name:
                yield f"line {line}: units: {unit.id} has another name in line {first}"


def merged(before: Table, rows: Table, topics: Told) -> dict[str, Row]:
    """The rows of all files, the newest file first. A unit that the topics have told since goes by their id."""
    return {key: by_their_ids(row, topics) for key, row in {**before, **rows}.items()}


def by_their_ids(row: Row, topics: Told) -> Row:
    units = {Unit(topics.names.get(fold(unit.name)) or unit.id, unit.name) for unit in row.units}
    return msgspec.structs.replace(row, units=tuple(sorted(units)))


def changes(before: Table, after: Table, topics: Told, now: Micros, sha256: str) -> list[AnyFact]:
    """The facts that make of what the files said before what they say *after*, of all that the topics do not tell."""
    old, new = dict(said(before, topics)), dict(said(after, topics))
    told_now = [fields for key, fields in new.items() if old.get(key) != fields]
    gone = {unit.id for row in before.values() for unit in row.units} - {unit.id for row in after.values() for unit in row.units}
    told_now += [BedPlaced(**AT_NO_TIME, unit=unit, deleted=True) for unit in sorted(gone - topics.ids)]
    return [
        msgspec.structs.replace(fact, at=now, sent=now, timestamp=now, offset=now, index=index, sha256=sha256)
        for index, fact in enumerate(told_now)
    ]


AT_NO_TIME: dict[str, Any] = {"at": 0, "sent": 0, "timestamp": 0, "topic": TOPIC, "partition": 0, "offset": 0}


def said(table: Table, topics: Told) -> Iterator[tuple[str, AnyFact]]:
    """What a table says: a fact for each unit with all its beds, then one for each monitor."""
    beds: dict[Unit, set[str]] = {}
    for row in table.values():
        for unit in row.units:
            beds.setdefault(unit, set()).add(row.bed)
    for unit in sorted(beds):
        if not topics.has(unit):
            fact = BedPlaced(**AT_NO_TIME, unit=unit.id, name=unit.name, beds=tuple(sorted(beds[unit])))
            yield f"unit {unit.id}", fact
    for key, row in sorted(table.items()):
        if key not in topics.monitors:
            placed = MonitorPlaced(**AT_NO_TIME, device_id=row.device_id, serial=row.serial, place="bed", bed=row.bed)
            yield f"monitor {key}", placed


def counted(facts: Iterable[AnyFact]) -> tuple[int, int]:
    """How many monitors and how many units *facts* are of."""
    kinds = [isinstance(fact, MonitorPlaced) for fact in facts]
    return sum(kinds), len(kinds) - sum(kinds)
