"""An update of one alarm signal: alone, or in a list of a monitor's discovery or of a patient session's start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hubapp import codes
from hubapp.facts import AlarmEnded, AlarmLatched, AlarmRaised, AnyAlarm, AnyFact, Kind, Limits, Priority, fold
from hubapp.wire import times
from hubapp.wire.fields import NO_PATIENT, NULL, Text, Time, flag, header, key, limit, needed, optional, patient, reader, text
from hubapp.wire.record import Ignored, Malformed
from hubapp.wire.stamp import Stamp

PATIENT_HEADER = "patient_primary_identifier"
PRIORITIES: dict[str, Priority] = {"HI": "HI", "ME": "ME", "LO": "LO", "NONE": "NONE"}
MONITOR = fold("Patient Monitor")
BACKFILLED: dict[bytes | None, bool] = {None: False, b"": False, b"0": False, b"1": True}


class Alert(msgspec.Struct):
    """What is read of an alert's payload."""

    active: bool | None = None
    latching: bool | None = None
    code: Text = None
    device_code: Text = None
    device_primary_identifier: Text = None
    priority: str | None = None
    determination_time: Time = None
    patient_primary_identifier: Text = None
    patient_id: msgspec.Raw = NULL
    vital_range: msgspec.Raw = NULL
    is_backfill: bool | None = None


class VitalRange(msgspec.Struct):
    upper_limit: Any = None
    lower_limit: Any = None


read = reader(Alert)
read_list = optional(list[Alert])
read_range = reader(VitalRange)
read_twin: Callable[[msgspec.Raw], Text] = msgspec.json.Decoder(str | int | float | None).decode


def decode(stamp: Stamp, payload: msgspec.Raw) -> tuple[AnyFact, ...] | Ignored:
    """NEW_ALERT_OBSERVATION. A listed code tells the kind, else the header, else the topic."""
    alert, record = read(payload), stamp.record
    technical = record.role != "alerts" or PATIENT_HEADER in record.headers
    named = twice_named(alert)
    who = patient(header(record.headers, PATIENT_HEADER) if named is None else named, "patient_primary_identifier")
    monitor = keyed(stamp, alert, who) if record.role != "alerts" else None
    return (fact(stamp, alert, who, monitor, "technical" if technical else "physiological", listed=False),)


def listed(stamp: Stamp, alerts: msgspec.Raw, monitor: str, who: str | None, kind: Kind) -> list[AnyAlarm]:
    """A list: one that is broken makes the whole record malformed. An alert without a patient has that of its record."""
    return [
        fact(
            stamp,
            alert,
            patient(twice_named(alert), "alerts.patient_primary_identifier") or who,
            monitor,
            kind,
            listed=True,
        )
        for alert in read_list(alerts) or ()
    ]


def twice_named(alert: Alert) -> Text:
    """The patient as the alert names it; its old twin is looked at where the identifier itself is absent."""
    return read_twin(alert.patient_id) if alert.patient_primary_identifier is None else alert.patient_primary_identifier


def keyed(stamp: Stamp, alert: Alert, who: str | None) -> str | None:
    """The monitor by the record's key, unless the patient stands there, or the sensor, as the emulator writes."""
    serial = key(stamp.record.key)
    if serial is None or fold(serial) in NO_PATIENT or (who is not None and fold(serial) == fold(who)):
        return None
    if fold(serial) == fold(text(alert.device_primary_identifier, "device_primary_identifier") or ""):
        return serial if fold(text(alert.device_code, "device_code") or "") == MONITOR else None
    return serial


def fact(stamp: Stamp, alert: Alert, who: str | None, monitor: str | None, kind: Kind, *, listed: bool) -> AnyAlarm:
    """kind: that of a code which is not listed."""
    code = needed(alert.code, "code").strip()
    known = codes.signals.get(code)
    priority = PRIORITIES.get(alert.priority or "")
    if priority is None:
        raise Malformed("priority: none of HI, ME, LO, NONE")
    at, quality = stamp.at(times.gateway(alert.determination_time, "determination_time"))
    limits, unread = limits_of(alert.vital_range)
    if unread:
        quality = (*quality, "limits-unread")
    if backfilled(stamp, alert):
        quality = (*quality, "backfilled")
    return stamp.fact(
        what(alert),
        at=at,
        quality=quality,
        patient=who,
        device=needed(alert.device_primary_identifier, "device_primary_identifier"),
        device_code=text(alert.device_code, "device_code"),
        monitor=monitor,
        condition=known.condition if known else code,
        signal=known.signal if known else "only",
        kind=known.kind if known else kind,
        priority=priority,
        limits=limits,
        listed=listed,
    )


def what(alert: Alert) -> type[AlarmRaised] | type[AlarmLatched] | type[AlarmEnded]:
    if not flag(alert.active, "active"):
        return AlarmEnded
    return AlarmLatched if alert.latching else AlarmRaised


def backfilled(stamp: Stamp, alert: Alert) -> bool:
    told = stamp.record.headers.get("is_backfill")
    if told not in BACKFILLED:
        raise Malformed("header is_backfill: neither 0 nor 1")
    return BACKFILLED[told] or bool(alert.is_backfill)


def limits_of(vital_range: msgspec.Raw) -> tuple[Limits | None, bool]:
    """The limits, and whether something there could not be read. An onset is never lost for a limit that is no number."""
    if vital_range is NULL:
        return None, False
    found = bytes(vital_range)
    if not found.startswith(b"{"):
        return None, found != b"null"
    told = read_range(found)
    lower, lower_read = limit(told.lower_limit, "lower_limit")
    upper, upper_read = limit(told.upper_limit, "upper_limit")
    limits = None if lower is None and upper is None else Limits(lower=lower, upper=upper)
    return limits, not (lower_read and upper_read)
