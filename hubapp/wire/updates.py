"""The record that comes most, in one pass: a plain update of an alarm signal on `alerts`, with all that it needs and no oddity.

It says of a record what `alerts` says of it, or nothing (None): then `alerts` is asked. Tests hold that both say the same.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec.structs import replace

from hubapp import codes
from hubapp.facts import AlarmEnded, AlarmLatched, AlarmRaised, AnyAlarm, Limits
from hubapp.wire.alerts import PRIORITIES
from hubapp.wire.fields import EXACT, LONGEST, NO_PATIENT, reader
from hubapp.wire.record import Record
from hubapp.wire.times import TOLERANCE, plain

TYPE = "NEW_ALERT_OBSERVATION"
HEADERS = {"event_type": TYPE.encode()}
Plain = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class Range(msgspec.Struct, gc=False):
    upper_limit: int | float | None = None
    lower_limit: int | float | None = None


class Alert(msgspec.Struct, gc=False):
    active: bool
    code: Plain
    device_code: Plain
    priority: str
    determination_time: str
    device_primary_identifier: Plain
    patient_primary_identifier: Plain
    latching: bool = False
    vital_range: Range | None = None
    is_backfill: bool | None = None


class Update(msgspec.Struct, gc=False):
    event_type: str
    message_id: Plain
    timestamp: str
    payload: Alert


read = reader(Update)


class OddError(Exception):
    """Not as plain as it has to be here."""


def decode(record: Record, value: bytes) -> AnyAlarm | None:
    if record.headers != HEADERS:
        return None
    try:
        told = read(value)
        alert, range_ = told.payload, told.payload.vital_range
        sent, at = plain(told.timestamp), plain(alert.determination_time)
        if told.event_type != TYPE or alert.is_backfill is not None or odd(told.message_id):
            return None
        if sent > record.timestamp + TOLERANCE or at > sent + TOLERANCE:
            return None
        return replace(
            template(alert.active, alert.latching, alert.code, alert.device_code, alert.priority),
            at=at,
            sent=sent,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            message_id=told.message_id,
            sha256=sha256(value).hexdigest(),
            patient=patient(alert.patient_primary_identifier),
            device=device(alert.device_primary_identifier),
            limits=None if range_ is None else limits(range_.lower_limit, range_.upper_limit),
        )
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, ValueError, OddError):
        return None


@lru_cache(maxsize=4096)
def template(active: bool, latching: bool, code: str, device_code: str, priority: str) -> AnyAlarm:
    """A fact like those that are wanted; of an unlisted code where the topic tells the kind."""
    known = codes.signals.get(device(code).strip())
    what = AlarmEnded if not active else AlarmLatched if latching else AlarmRaised
    return what(
        at=0,
        sent=0,
        topic="",
        partition=0,
        offset=0,
        timestamp=0,
        device="",
        device_code=device(device_code),
        condition=known.condition if known else code.strip(),
        signal=known.signal if known else "only",
        kind=known.kind if known else "physiological",
        priority=PRIORITIES[priority],
    )


def odd(written: str) -> bool:
    return written.isspace() or "\0" in written


@lru_cache(maxsize=65536)
def patient(written: str) -> str:
    if odd(written) or written.strip().casefold() in NO_PATIENT:
        raise OddError
    return written


@lru_cache(maxsize=65536)
def device(written: str) -> str:
    if odd(written):
        raise OddError
    return written


@lru_cache(maxsize=4096)
def limits(lower: int | float | None, upper: int | float | None) -> Limits | None:
    if any(isinstance(one, int) and abs(one) > EXACT for one in (lower, upper)):
        raise OddError
    return None if lower is None and upper is None else Limits(lower=zeroed(lower), upper=zeroed(upper))


def zeroed(limit: int | float | None) -> float | None:
    return None if limit is None else float(limit) + 0.0
