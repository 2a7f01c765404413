"""What `hub decode` says of each line of a file: the decoder's answer for records that no broker has seen."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import orjson

from hubapp import lines
from hubapp.facts import AnyFact, iso
from hubapp.failure import Failure
from hubapp.lines import Line
from hubapp.topics import SOURCES
from hubapp.wire import NO_TIMESTAMP, Ignored, Malformed, Record, Zones, decode

MILLISECOND = 1_000
UNDATED = "no timestamp in the line: clocks were not compared"


def opened(file: str) -> IO[bytes]:
    """A file, or standard input for `-`."""
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from error


def said(texts: Iterable[bytes], roles: Mapping[str, str], zones: Zones) -> Iterator[bytes]:
    """One line of JSON for each that is not blank. roles: of each source, by its topic's name."""
    for number, text in enumerate(texts, 1):
        if text.strip():
            yield orjson.dumps({"line": number, **answer(number, parsed(number, text), roles, zones)}) + b"\n"


def parsed(number: int, text: bytes) -> Line:
    try:
        return lines.parse(text)
    except lines.BadLine as error:
        raise Failure(f"line {number}: {error}") from error


def answer(number: int, line: Line, roles: Mapping[str, str], zones: Zones) -> dict[str, Any]:
    try:
        found = decode(record(number, line, roles), zones)
    except Malformed as error:
        return {"malformed": str(error)}
    if isinstance(found, Ignored):
        return {"ignored": found.type}
    facts = {"facts": [shown(fact, line) for fact in found]}
    return facts if line.timestamp is not None else {**facts, "note": UNDATED}


def record(number: int, line: Line, roles: Mapping[str, str]) -> Record:
    """A topic that is no source of ours is ignored by its name, as one that is not read."""
    return Record(
        role=roles.get(line.topic, line.topic),
        topic=line.topic,
        partition=line.partition or 0,
        offset=number if line.offset is None else line.offset,
        timestamp=NO_TIMESTAMP if line.timestamp is None else line.timestamp * MILLISECOND,
        key=line.key,
        value=line.value,
        headers=dict(line.headers),
    )


def shown(fact: AnyFact, line: Line) -> dict[str, Any]:
    """All fields of a fact, instants as text; null for what the line does not know."""
    fields = {name: msgspec.to_builtins(value) for name, value in msgspec.structs.asdict(fact).items()}
    fields |= {name: iso(fields[name]) for name in ("at", "sent")}
    fields |= {"partition": line.partition, "offset": line.offset}
    fields["timestamp"] = None if fact.timestamp == NO_TIMESTAMP else iso(fact.timestamp)
    return {"type": type(fact).__name__, **fields}


def roles(names: Mapping[str, str]) -> dict[str, str]:
    """names: of the sources that are not named as their role, by role."""
    return {names.get(source.role, source.role): source.role for source in SOURCES}
