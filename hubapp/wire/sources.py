"""One record of any source: facts, `Ignored`, or `Malformed`, whatever its bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from hubapp.facts import AnyFact
from hubapp.wire import authentication, gateway, platform, surrogates, updates
from hubapp.wire.record import NO_TIMESTAMP, Ignored, Malformed, Record
from hubapp.wire.times import FIRST, LAST, Zones

Said: TypeAlias = tuple[AnyFact, ...] | Ignored

SOURCES: dict[str, Callable[[Record, bytes, Zones], Said]] = {
    "alerts": gateway.decode,
    "technical-alerts": gateway.decode,
    "events-sdc": gateway.decode,
    "sdc-realtime-state": gateway.decode,
    "events-authentication": authentication.decode,
    "events-auth": authentication.decode,
    "events-patient": platform.decode,
    "events-device": platform.decode,
    "device-commands-requests": platform.decode,
    "device-commands-responses": platform.decode,
}

# Well below what the parser can do, which counts the caller's depth too: so the answer is the same wherever it is asked.
DEEPEST = 400
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
OTHERS = bytes(set(range(256)) - set(b"[]{}"))
PLACE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)


def decode(record: Record, zones: Zones) -> Said:
    """What *record* says. Raises `Malformed` and nothing else."""
    source = SOURCES.get(record.role)
    if source is None:
        return Ignored(record.role)
    value = record.value
    if value is None:
        raise Malformed("no value")
    if not FIRST <= record.timestamp <= LAST and record.timestamp != NO_TIMESTAMP:
        raise Malformed("Kafka timestamp outside of the years 1 to 9999")
    if len(value) > 2 * DEEPEST and value.count(b"[") + value.count(b"{") > DEEPEST and too_deep(value):
        raise Malformed(f"nested more than {DEEPEST} deep")
    if record.role == "alerts" and (update := updates.decode(record, value)) is not None:
        return (update,)
    try:
        return tried(source, record, value, zones)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(reason(error)) from None


def tried(source: Callable[[Record, bytes, Zones], Said], record: Record, value: bytes, zones: Zones) -> Said:
    """Half of a surrogate pair is no text: bad where it is read, nothing elsewhere. So it is tried again as NUL."""
    try:
        return source(record, value, zones)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        masked = surrogates.masked(value, rb"\u0000")
        if masked == value:
            raise
        return source(record, masked, zones)


def too_deep(value: bytes) -> bool:
    """Whether brackets, those in strings left out, are nested deeper than `DEEPEST`."""
    now = 0
    for bracket in STRING.sub(b"", value).translate(None, OTHERS):
        now += 1 if bracket in b"[{" else -1
        if now > DEEPEST:
            return True
    return False


def reason(error: Exception) -> str:
    """The parser's word, which names fields and types and never a value, with the field in front."""
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if not isinstance(error, msgspec.ValidationError):
        return "not JSON"
    found = PLACE.fullmatch(str(error))
    words, place = (found[1], found[2]) if found else ("", None)
    return f"{place}: {words}" if place else words
