"""The mark that ends an input of the past: a record without key and value, told by its header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

END_OF_INPUT = "hub_end_of_input"
HEADERS: tuple[tuple[str, bytes], ...] = ((END_OF_INPUT, b"1"),)
"""The headers of the mark, as a producer takes them."""


def is_end(headers: Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]]) -> bool:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return any(name == END_OF_INPUT and value == b"1" for name, value in pairs)
