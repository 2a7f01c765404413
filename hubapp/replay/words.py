"""What a person writes of a replay: its times and its name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hubapp.facts import Micros, micros
from hubapp.failure import Misuse

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def micros_of(option: str, written: str) -> Micros:
    """A day or an instant in ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(written)
        return micros(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise Misuse(f"{option} {written!r} is no time: write 2026-10-12 or 2026-10-12T09:00:00Z") from error


def named(written: str) -> str:
    if not NAME.fullmatch(written):
        raise Misuse(
            f"{written!r} is no name of a replay: up to 64 letters, digits, '-', '_' and '.', beginning with one of the first two"
        )
    return written
