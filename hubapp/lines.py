"""A record as one line of JSON: {"topic", "key", "headers", "value", "timestamp"}; read from Kafka, also {"partition", "offset"}.

Text stands as text, bytes that are no text as {"base64": "…"}. A value that is a JSON object or list is written compactly,
number for number and escape for escape as it stands in the line; null is no value. timestamp: milliseconds, or null. Other
fields are ignored.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from hubapp.wire import surrogates

NULL = msgspec.Raw(b"null")
# Stands for the `\\u` of a lone surrogate while a line is read.
MASK = rb"\uf8ff"


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. partition and offset: where it was read, if it was."""

    topic: str
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None
    timestamp: int | None
    partition: int | None = None
    offset: int | None = None


class BadLine(ValueError):
    """No record: what is wrong with the line, and nothing of what stands in it."""


class Parts(msgspec.Struct):
    topic: str
    key: msgspec.Raw = NULL
    headers: dict[str, msgspec.Raw] | None = None
    value: msgspec.Raw = NULL
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None


class Base64(msgspec.Struct, forbid_unknown_fields=True):
    base64: str


read = msgspec.json.Decoder(Parts).decode
read_text = msgspec.json.Decoder(str).decode
read_base64 = msgspec.json.Decoder(Base64).decode


def parse(text: bytes | str) -> Line:
    """One line. Raises `BadLine`, a ValueError; the number of the line is the caller's to say."""
    data = text.encode() if isinstance(text, str) else text
    try:
        return record(*parts(data))
    except BadLine:
        raise
    except RecursionError:
        raise BadLine('nested too deeply: write such a value as {"base64": "…"}') from None
    except UnicodeError:
        raise BadLine("not UTF-8") from None
    except ValueError as error:
        raise BadLine(str(error)) from None


def parts(data: bytes) -> tuple[Parts, bool]:
    """The parts of a line, and whether lone surrogates are masked in them."""
    try:
        return read(data), False
    except msgspec.DecodeError:
        masked = surrogates.masked(data, MASK)
        if masked == data or MASK in data:
            raise
        return read(masked), True


def record(parts: Parts, masked: bool) -> Line:
    if not parts.topic:
        raise BadLine("no topic")
    if parts.timestamp is not None and not -1 <= parts.timestamp < 1 << 63:
        raise BadLine("timestamp: milliseconds since 1970 are wanted")
    texts = (parts.key, *(parts.headers or {}).values(), *([parts.value] if bytes(parts.value)[:1] == b'"' else []))
    if masked and any(MASK in bytes(text) for text in texts):
        raise BadLine("half of a surrogate pair is no text")
    headers = tuple((name, plain(f"headers.{name}", value)) for name, value in (parts.headers or {}).items())
    value = value_of(parts.value)
    value = value.replace(MASK, rb"\u") if masked and value else value
    return Line(parts.topic, plain("key", parts.key), headers, value, parts.timestamp, parts.partition, parts.offset)


def value_of(raw: msgspec.Raw) -> bytes | None:
    """An object (but {"base64"} alone) or a list compactly, whatever else as `plain` reads it."""
    data = bytes(raw)
    if data[:1] == b"[" or (data[:1] == b"{" and not is_base64(data)):
        return msgspec.json.format(data, indent=-1)
    return plain("value", raw)


def plain(where: str, raw: msgspec.Raw) -> bytes | None:
    """Text, {"base64"} or null as bytes; a number or a boolean as its JSON."""
    data = bytes(raw)
    if data == b"null":
        return None
    if data[:1] == b'"':
        return read_text(data).encode()
    return unwrapped(where, data) if data[:1] in (b"{", b"[") else data


def is_base64(data: bytes) -> bool:
    try:
        read_base64(data)
    except msgspec.ValidationError:
        return False
    return True


def unwrapped(where: str, data: bytes) -> bytes:
    try:
        return base64.b64decode(read_base64(data).base64, validate=True)
    except (msgspec.ValidationError, binascii.Error, ValueError):
        raise BadLine(f'{where}: text, null or {{"base64": "…"}} is wanted') from None
