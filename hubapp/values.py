"""What facts are made of: instants, identifiers, words of closed lists, limits. Values only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

Micros: TypeAlias = int
SECOND: Micros = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Quality: TypeAlias = Literal[
    "clock-ahead", "clock-behind", "clock-absent", "time-unsure", "told-late", "end-missed", "late", "gap", "backfilled",
    "place-unknown", "place-unsure", "unplaced", "user-unmatched", "shared-account", "patient-conflict", "limits-unread",
    "excluded",
]  # fmt: skip
Kind: TypeAlias = Literal["physiological", "technical"]
Priority: TypeAlias = Literal["HI", "ME", "LO", "NONE"]
Signal: TypeAlias = Literal["visible", "audible", "only"]
Audio: TypeAlias = Literal["on", "paused", "off"]


def micros(instant: datetime) -> Micros:
    """An aware datetime as microseconds since the epoch."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def iso(instant: Micros) -> str:
    """Six decimals and `Z`, always."""
    return (EPOCH + timedelta(microseconds=instant)).isoformat(timespec="microseconds")[:26] + "Z"


@lru_cache(maxsize=1 << 16)
def fold(identifier: str) -> str:
    """How identifiers of patients, devices and accounts are compared and routed; they are shown as they were written."""
    return identifier.strip().casefold()


class Limits(msgspec.Struct, frozen=True, gc=False):
    """An alarm's limits in the unit of its metric; None where there is none."""

    lower: float | None = None
    upper: float | None = None


class Limit(msgspec.Struct, frozen=True, gc=False):
    """What a monitor reports of one alarm condition."""

    condition: str
    upper: float | None = None
    lower: float | None = None
    enabled: bool = True
