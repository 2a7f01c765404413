"""The forms of time and of names on the wire. Pure: identifiers come from the ward's own random numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from random import Random

from hubapp.facts import Micros

MILLI: Micros = 1000


@lru_cache(maxsize=4096)
def second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def milliseconds(instant: Micros) -> str:
    """2025-03-11T07:40:49.358, the gateway's form."""
    second, rest = divmod(instant, 1_000_000)
    return f"{second_text(second)}.{rest // 1000:03d}"


def microseconds(instant: Micros) -> str:
    """2025-03-11T07:40:49.358123, a platform service's form."""
    second, rest = divmod(instant, 1_000_000)
    return f"{second_text(second)}.{rest:06d}"


def shortened(instant: Micros) -> str:
    """As many decimals as the instant needs, none for a whole second."""
    return microseconds(instant).rstrip("0").rstrip(".")


def uuid_text(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def quick_patient(instant: Micros, serial: str) -> str:
    """The identifier that a quick admission makes up: milliseconds and the last four of the serial."""
    return f"{instant // MILLI}{serial[-4:]}"
