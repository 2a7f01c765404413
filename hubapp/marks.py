"""The marks in an input of the past: records without key and value, told by a header.

One says that nothing sent before an instant is still to come in its partition, one that nothing comes any more. A live
worker ignores both: it knows by itself when a source is quiet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hubapp.facts import Micros

END_OF_INPUT = "hub_end_of_input"
HEADERS: tuple[tuple[str, bytes], ...] = ((END_OF_INPUT, b"1"),)
"""The headers of the mark, as a producer takes them."""


def is_end(headers: Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]]) -> bool:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return HEADERS[0] in pairs


UNTIL = "hub_input_until"


def until(instant: Micros) -> tuple[tuple[str, bytes], ...]:
    """The headers of a mark: nothing sent before *instant* is still to come in this partition."""
    return ((UNTIL, b"%d" % instant),)


def until_of(headers: Iterable[tuple[str, bytes | None]]) -> Micros | None:
    """What such a mark says; None of any other record."""
    for name, value in headers:
        if name == UNTIL and value and value.lstrip(b"-").isdigit():
            return int(value)
    return None
