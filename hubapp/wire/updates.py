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
from hubapp.wire import times
from hubapp.wire.alerts import PRIORITIES
from hubapp.wire.fields import EXACT, LONGEST, NO_PATIENT, reader
from hubapp.wire.record import Record

TYPE = "NEW_ALERT_OBSERVATION"
HEADERS = {"event_type": TYPE.encode()}
NUL = rb"\u0000"
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
    if record.headers != HEADERS or NUL in value:
        return None
    try:
        return plain(record, value, read(value))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OddError, LookupError, ValueError):
        return None


def plain(record: Record, value: bytes, told: Update) -> AnyAlarm | None:
    alert, timestamp = told.payload, record.timestamp
    sent, at = times.plain(told.timestamp), times.plain(alert.determination_time)
    if sent > timestamp + times.TOLERANCE or at > sent + times.TOLERANCE or told.message_id.isspace():
        return None
    if told.event_type != TYPE or alert.is_backfill is not None:
        return None
    like = template(record.topic, record.partition, alert.active, alert.latching, alert.code, alert.device_code, alert.priority)
    span = alert.vital_range
    return replace(
        like,
        at=at,
        sent=sent,
        offset=record.offset,
        timestamp=timestamp,
        message_id=told.message_id,
        sha256=sha256(value).hexdigest(),
        patient=patient(alert.patient_primary_identifier),
        device=device(alert.device_primary_identifier),
        limits=None if span is None else limits(span.lower_limit, span.upper_limit),
    )


@lru_cache(maxsize=4096)
def template(topic: str, partition: int, active: bool, latching: bool, code: str, device_code: str, priority: str) -> AnyAlarm:
    """A fact like those that are wanted; of an unlisted code where the topic tells the kind."""
    known = codes.signals.get(device(code).strip())
    what = AlarmEnded if not active else AlarmLatched if latching else AlarmRaised
    return what(
        at=0,
        sent=0,
        topic=topic,
        partition=partition,
        offset=0,
        timestamp=0,
        device="",
        device_code=device(device_code),
        condition=known.condition if known else code.strip(),
        signal=known.signal if known else "only",
        kind=known.kind if known else "physiological",
        priority=PRIORITIES[priority],
    )


@lru_cache(maxsize=65536)
def patient(written: str) -> str:
    if written.strip().casefold() in NO_PATIENT:
        raise OddError
    return written


@lru_cache(maxsize=65536)
def device(written: str) -> str:
    if written.isspace():
        raise OddError
    return written


@lru_cache(maxsize=4096)
def limits(lower: int | float | None, upper: int | float | None) -> Limits | None:
    if any(isinstance(one, int) and abs(one) > EXACT for one in (lower, upper)):
        raise OddError
    return None if lower is None and upper is None else Limits(lower=zeroed(lower), upper=zeroed(upper))


def zeroed(limit: int | float | None) -> float | None:
    return None if limit is None else float(limit) + 0.0
