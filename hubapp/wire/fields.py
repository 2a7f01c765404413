"""The fields of a record, read leniently in form and strictly in what cannot be kept.

null is absent. A whole number where text is wanted is its text; blank text is absent. What neither the database nor a reader
can hold (NUL, half a surrogate pair, text of more than 256 characters) is malformed where it is read, and nothing elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from hubapp.facts import fold
from hubapp.wire.record import Malformed

Text: TypeAlias = str | int | float | None
Headers: TypeAlias = Mapping[str, bytes | None]
Time: TypeAlias = str | int | float | None
Read = TypeVar("Read")

NULL = msgspec.Raw(b"null")
LONGEST = 256  # Characters; in UTF-8 these are never more than 1,024 bytes.
EXACT = 2**53
NO_PATIENT = frozenset({"", "0", "unknown"})
NOBODY = frozenset({"", "system", "sdc"})
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def text(value: Text, field: str) -> str | None:
    """As it was written; None where it is absent or blank."""
    if type(value) is not str:
        if value is None:
            return None
        value = whole(value, field)
    if len(value) > LONGEST:
        raise Malformed(f"{field}: longer than {LONGEST} characters")
    if "\0" in value:
        raise Malformed(f"{field}: holds NUL or half of a surrogate pair")
    return value if value and not value.isspace() else None


def needed(value: Text, field: str) -> str:
    found = text(value, field)
    if found is None:
        raise Malformed(f"{field}: absent or blank")
    return found


def whole(value: Any, field: str) -> str:
    if abs(value) <= EXACT and value == int(value):
        return str(int(value))
    if isinstance(value, int) and value.bit_length() <= 64:
        return str(value)
    raise Malformed(f"{field}: neither text nor a whole number of 64 bits")


def patient(value: Text, field: str) -> str | None:
    """A patient's identifier; None for those that mean that there is no patient."""
    found = text(value, field)
    return None if found is None or fold(found) in NO_PATIENT else found


def account(value: Text, field: str) -> str | None:
    """Who did it, an id or a name; None for what no account did."""
    found = text(value, field)
    return None if found is None or fold(found) in NOBODY else found


def flag(value: bool | None, field: str) -> bool:
    if value is None:
        raise Malformed(f"{field}: absent")
    return value


def header(headers: Headers, name: str) -> str | None:
    """A header's text."""
    value = headers.get(name)
    if value is None:
        return None
    try:
        return text(value.decode(), f"header {name}")
    except UnicodeDecodeError:
        raise Malformed(f"header {name}: not UTF-8") from None


def key(value: bytes | None) -> str | None:
    """The record's key, where it is text that can be an identifier. No fact needs it, so nothing else in it is bad."""
    if value is None or len(value) > 4 * LONGEST or b"\0" in value:
        return None
    try:
        return text(value.decode(), "key")
    except (UnicodeDecodeError, Malformed):
        return None


def limit(value: Any, field: str) -> tuple[float | None, bool]:
    """A limit, and whether it could be read.

    A number, or text that is a JSON number with blanks around it at most. Beyond a double, or an integer over 64 bits:
    malformed. Whatever else is no number, and an integer that a double does not hold exactly: None, unread.
    """
    if value is None:
        return None, True
    if isinstance(value, str):
        value = number(value.strip(), field)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, False
    if isinstance(value, int) and value.bit_length() > 64:
        raise Malformed(f"{field}: an integer of more than 64 bits")
    if not math.isfinite(value):
        raise Malformed(f"{field}: beyond a double")
    # Adding 0.0 takes the sign from a zero: 0 and -0.0 are one limit.
    return (float(value) + 0.0, True) if float(value) == value else (None, False)


def number(text: str, field: str) -> int | float | None:
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    if found[1] or found[2]:
        return float(text)
    if len(text) > 20:
        raise Malformed(f"{field}: an integer of more than 64 bits")
    return int(text)


def reader(wanted: type[Read]) -> Callable[[msgspec.Raw | bytes], Read]:
    """Reads JSON as *wanted*, an own small type with the fields that are read and no others."""
    return msgspec.json.Decoder(wanted).decode


def optional(wanted: type[Read]) -> Callable[[msgspec.Raw | bytes], Read | None]:
    """The same, or None where null stands."""
    either: Any = cast(Any, wanted) | None
    return msgspec.json.Decoder(either).decode


class Typed(msgspec.Struct):
    """The type of an event, and nothing else."""

    event_type: str | None = None


read_type = reader(Typed)


def type_of(told: str | None, headers: Headers) -> str:
    """The event's TYPE: the body's, or the header's where the body has none."""
    found = text(told, "event_type") or header(headers, "event_type")
    if found is None:
        raise Malformed("event_type: neither in the body nor in the header")
    return found
