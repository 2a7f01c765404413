"""Times on the wire, and what is believed of them.

A gateway's naive times are UTC, as is what calls itself `Z`. A platform service's naive times are in that service's zone: in a
repeated hour the reading nearest to the Kafka timestamp, in a missing one the offset before the change (`time-unsure`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from hubapp.facts import EPOCH, SECOND, Micros, Quality, micros
from hubapp.wire.fields import Time
from hubapp.wire.record import NO_TIMESTAMP, Malformed

MILLISECOND: Micros = 1_000
MINUTE: Micros = 60 * SECOND
TOLERANCE: Micros = 2 * SECOND
FIRST, LAST = micros(datetime(1, 1, 1, tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))

CLOCK = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", re.ASCII)
# More than six decimals are cut off; an offset is ISO 8601's, with minutes or without.
REST = re.compile(r"(?:\.(\d{1,9}))?(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII)
SHORT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)([Z+-].*)?", re.ASCII)
MILLISECONDS = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Zones:
    """Where a service's naive times are at home."""

    authentication: tzinfo = UTC
    platform: tzinfo = UTC

    @classmethod
    def named(cls, authentication: str, platform: str) -> Zones:
        """By their IANA names. Raises ValueError or KeyError (ZoneInfoNotFoundError) for what is none."""
        return cls(ZoneInfo(authentication), ZoneInfo(platform))


SECONDS = {f":{number:02}": number * SECOND for number in range(60)}
PLAIN = (19, 23)  # characters
FRACTIONS = {f".{number:03}": number * MILLISECOND for number in range(1000)} | {"": 0}


def plain(value: str) -> Micros:
    """A gateway's own form, YYYY-MM-DDTHH:MM:SS.mmm, quickly. Raises LookupError or ValueError for any other."""
    return minute(value[:16]) + SECONDS[value[16:19]] + FRACTIONS[value[19:]]


def plainly(value: str) -> Micros | None:
    try:
        return plain(value)
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=8192)
def minute(text: str) -> Micros:
    return second(f"{text}:00")


@lru_cache(maxsize=8192)
def second(text: str) -> Micros:
    """Date and time of day, read as UTC."""
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("unreadable time")
    year, month, day, hour, minute, second = map(int, found.groups())
    return micros(datetime(year, month, day, hour, minute, second, tzinfo=UTC))


@lru_cache(maxsize=8192)
def rest(text: str) -> tuple[Micros, bool]:
    """What stands behind the seconds: the fraction less the offset, and whether a zone is told."""
    found = REST.fullmatch(text)
    if found is None:
        raise ValueError("unreadable time")
    decimals, z, sign, hours, minutes = found.groups()
    fraction = int(decimals[:6].ljust(6, "0")) if decimals else 0
    if sign is None:
        return fraction, z is not None
    if int(hours) > 23 or int(minutes or 0) > 59:
        raise ValueError("no such offset")
    offset = (int(hours) * 60 + int(minutes or 0)) * MINUTE
    return (fraction - offset if sign == "+" else fraction + offset), True


def clock(value: str) -> tuple[Micros, bool]:
    """A time read as UTC, and whether it tells a zone itself. Raises ValueError."""
    if len(value) in PLAIN and (found := plainly(value)) is not None:
        return found, False
    if value[4:5] == "-" and value[16:17] == ":":
        behind, zoned = rest(value[19:])
        return second(value[:19]) + behind, zoned
    value = value.strip()
    if MILLISECONDS.fullmatch(value):
        return milliseconds(Decimal(value)), True
    if short := SHORT.fullmatch(value):
        value = f"{short[1]}:00{short[2] or ''}"
    behind, zoned = rest(value[19:])
    return second(value[:19]) + behind, zoned


def milliseconds(value: int | float | Decimal) -> Micros:
    if not -(10**15) < value < 10**15:
        raise ValueError("no such time")
    return round(value * MILLISECOND)


def read(value: Time, field: str) -> tuple[Micros, bool] | None:
    """A time read as UTC, and whether it tells a zone itself; None where it is absent or blank."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found, zoned = clock(value) if isinstance(value, str) else (milliseconds(value), True)
    except ValueError as error:
        raise Malformed(f"{field}: unreadable time") from error
    if not FIRST <= found <= LAST:
        raise Malformed(f"{field}: outside of the years 1 to 9999")
    return found, zoned


def gateway(value: Time, field: str) -> Micros | None:
    found = read(value, field)
    return None if found is None else found[0]


def platform(value: Time, field: str, zone: tzinfo, near: Micros) -> tuple[Micros | None, bool]:
    """A time of a platform service, and whether it is sure. near: the Kafka timestamp."""
    found = read(value, field)
    if found is None:
        return None, True
    wall, zoned = found
    if zoned or zone is UTC:
        return wall, True
    earlier, later = (wall - offset for offset in offsets(zone, wall // MINUTE))
    if not FIRST <= earlier <= later <= LAST and not FIRST <= later <= earlier <= LAST:
        raise Malformed(f"{field}: outside of the years 1 to 9999")
    if earlier > later:  # The missing hour: by the offset before the change the time is later than by the one after it.
        return earlier, False
    if earlier < later and near == NO_TIMESTAMP:
        return earlier, False
    return (earlier if near - earlier <= later - near else later), True


@lru_cache(maxsize=8192)
def offsets(zone: tzinfo, minute: int) -> tuple[Micros, Micros]:
    """The offsets of a naive minute, before and after a change where there is one."""
    naive = (EPOCH + timedelta(minutes=minute)).replace(tzinfo=zone)
    before, after = naive.utcoffset(), naive.replace(fold=1).utcoffset()
    if before is None or after is None:
        raise TypeError("a zone without offsets")
    return before // timedelta(microseconds=1), after // timedelta(microseconds=1)


def sent(told: Micros | None, timestamp: Micros) -> tuple[Micros, tuple[Quality, ...]]:
    """When a record was sent, as far as it is believed: its own word, unless the Kafka timestamp says that it is ahead."""
    if told is None:
        if timestamp == NO_TIMESTAMP:
            raise Malformed("no time in the record and no Kafka timestamp")
        return timestamp, ("clock-absent",)
    if told > timestamp + TOLERANCE and timestamp != NO_TIMESTAMP:
        return timestamp, ("clock-ahead",)
    return told, ()


def at(told: Micros | None, sent: Micros, timestamp: Micros) -> tuple[Micros, tuple[Quality, ...]]:
    """When it was true, as far as that is believed: not later than it was sent."""
    quality: tuple[Quality, ...] = ()
    if told is None:
        told, quality = (sent if timestamp == NO_TIMESTAMP else timestamp), ("clock-absent",)
    return (sent, (*quality, "clock-ahead")) if told > sent + TOLERANCE else (told, quality)
