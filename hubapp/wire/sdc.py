"""What a gateway says of monitors: discoveries, patient sessions, configuration, sensors, ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from hubapp import codes
from hubapp.facts import (
    AdmissionRejected,
    AnyFact,
    Audio,
    Limit,
    LimitsReported,
    MonitorConfigured,
    MonitorSeen,
    PatientSessionClosed,
    PatientSessionOpened,
    SensorRemoved,
    fold,
)
from hubapp.wire import alerts, times
from hubapp.wire.fields import NULL, Text, Time, flag, key, limit, needed, optional, patient, reader, text
from hubapp.wire.record import Ignored, Malformed
from hubapp.wire.stamp import Stamp

Said: TypeAlias = tuple[AnyFact, ...] | Ignored
AUDIO: dict[tuple[bool, bool], Audio] = {(True, False): "on", (True, True): "paused", (False, False): "off"}


class Device(msgspec.Struct):
    primary_identifier: Text = None
    gateway_id: Text = None
    connected_sensors: msgspec.Raw = NULL
    alerts: msgspec.Raw = NULL
    config: msgspec.Raw = NULL


class Patient(msgspec.Struct):
    primary_identifier: Text = None
    alerts: msgspec.Raw = NULL


class Discovery(msgspec.Struct):
    device: Device | None = None
    patient: msgspec.Raw = NULL


class Sensor(msgspec.Struct):
    primary_identifier: Text = None


class Configuration(msgspec.Struct):
    device_primary_identifier: Text = None
    audio_enabled: bool | None = None
    audio_pause_enabled: bool | None = None


class Start(msgspec.Struct):
    patient_monitor_identifier: Text = None
    patient: Patient | None = None


class Named(msgspec.Struct):
    """An event that names a device and perhaps a patient."""

    device_primary_identifier: Text = None
    patient_primary_identifier: Text = None
    determination_time: Time = None


class Range(msgspec.Struct):
    code: Text = None
    upper_limit: Any = None
    lower_limit: Any = None
    alert_condition_enabled: bool | None = None


class Ranges(msgspec.Struct):
    primary_identifier: Text = None
    ranges: list[Range] | None = None


read_discovery, read_patient, read_config = reader(Discovery), optional(Patient), optional(Configuration)
read_sensors = optional(list[Sensor])
read_start, read_named, read_ranges = reader(Start), reader(Named), reader(Ranges)


def discovered(stamp: Stamp, payload: msgspec.Raw) -> Said:
    """DEVICE_DISCOVERED: a monitor with all that it has, or the link of one sensor to its monitor."""
    told = read_discovery(payload)
    if told.device is None:
        raise Malformed("device: absent")
    serial = needed(told.device.primary_identifier, "device.primary_identifier")
    gateway = text(told.device.gateway_id, "device.gateway_id")
    if gateway is not None:
        return (stamp.fact(MonitorSeen, monitor=gateway, sensors=(serial,)),)
    return tuple(whole(stamp, serial, told.device, read_patient(told.patient)))


def whole(stamp: Stamp, monitor: str, device: Device, told: Patient | None) -> Iterator[AnyFact]:
    connected = read_sensors(device.connected_sensors) or ()
    sensors = tuple(needed(sensor.primary_identifier, "connected_sensors.primary_identifier") for sensor in connected)
    yield stamp.fact(MonitorSeen, monitor=monitor, sensors=sensors, whole=True)
    config = read_config(device.config)
    if config is not None:
        yield stamp.fact(MonitorConfigured, monitor=monitor, audio=audio(config), discovery=True)
    who = None if told is None else patient(told.primary_identifier, "patient.primary_identifier")
    if who is not None:
        yield stamp.fact(PatientSessionOpened, monitor=monitor, patient=who, discovery=True)
    yield from alerts.listed(stamp, device.alerts, monitor, who, "technical")
    if told is not None and who is not None:
        yield from alerts.listed(stamp, told.alerts, monitor, who, "physiological")


def session_started(stamp: Stamp, payload: msgspec.Raw) -> Said:
    """PATIENT_SESSION_STARTED, also at each reconnect."""
    told = read_start(payload)
    if told.patient is None:
        raise Malformed("patient: absent")
    monitor = needed(told.patient_monitor_identifier, "patient_monitor_identifier")
    who = patient(told.patient.primary_identifier, "patient.primary_identifier")
    if who is None:
        return Ignored("PATIENT_SESSION_STARTED")
    opened = stamp.fact(PatientSessionOpened, monitor=monitor, patient=who)
    return (opened, *alerts.listed(stamp, told.patient.alerts, monitor, who, "physiological"))


def session_closed(stamp: Stamp, payload: msgspec.Raw) -> Said:
    monitor, who = named(read_named(payload))
    return (stamp.fact(PatientSessionClosed, monitor=monitor, patient=who),)


def admission_rejected(stamp: Stamp, payload: msgspec.Raw) -> Said:
    monitor, who = named(read_named(payload))
    return (stamp.fact(AdmissionRejected, monitor=monitor, patient=who),)


def sensor_removed(stamp: Stamp, payload: msgspec.Raw) -> Said:
    """SENSOR_REMOVED_EVENT. The monitor is the key, unless the emulator wrote the sensor there."""
    told = read_named(payload)
    sensor, who = named(told)
    monitor = key(stamp.record.key)
    if monitor is not None and fold(monitor) in (fold(sensor), fold(who or "")):
        monitor = None
    at, quality = stamp.at(times.gateway(told.determination_time, "determination_time"))
    return (stamp.fact(SensorRemoved, at=at, quality=quality, sensor=sensor, monitor=monitor, patient=who),)


def named(told: Named) -> tuple[str, str | None]:
    device = needed(told.device_primary_identifier, "device_primary_identifier")
    return device, patient(told.patient_primary_identifier, "patient_primary_identifier")


def configured(stamp: Stamp, payload: msgspec.Raw) -> Said:
    """PM_CONFIGURATION_UPDATED."""
    told = read_config(payload)
    if told is None:
        raise Malformed("payload: absent")
    monitor = needed(told.device_primary_identifier, "device_primary_identifier")
    return (stamp.fact(MonitorConfigured, monitor=monitor, audio=audio(told)),)


def audio(told: Configuration) -> Audio:
    state = AUDIO.get((flag(told.audio_enabled, "audio_enabled"), flag(told.audio_pause_enabled, "audio_pause_enabled")))
    if state is None:
        raise Malformed("audio_enabled false and audio_pause_enabled true: no such state")
    return state


def ranges_reported(stamp: Stamp, payload: msgspec.Raw) -> Said:
    """DEVICE_NEW_VITALS_RANGES: of a discovery where the key is the monitor, of a change where it is the patient."""
    told = read_ranges(payload)
    if told.ranges is None:
        raise Malformed("ranges: absent")
    monitor = needed(told.primary_identifier, "primary_identifier")
    found = [limits(one) for one in told.ranges]
    discovery = fold(key(stamp.record.key) or "") == fold(monitor)
    return (
        stamp.fact(
            LimitsReported,
            quality=() if all(read for _, read in found) else ("limits-unread",),
            monitor=monitor,
            limits=tuple(limit for limits, _ in found for limit in limits),
            discovery=discovery,
        ),
    )


def limits(told: Range) -> tuple[list[Limit], bool]:
    """One range as limits of its condition, or of both its directions, and whether all of it could be read."""
    code = needed(told.code, "ranges.code").strip()
    upper, upper_read = limit(told.upper_limit, "ranges.upper_limit")
    lower, lower_read = limit(told.lower_limit, "ranges.lower_limit")
    enabled = told.alert_condition_enabled is not False
    conditions = codes.conditions_of_code.get(code, (code,))
    return [Limit(condition, upper, lower, enabled) for condition in conditions], upper_read and lower_read


EVENTS = {
    "DEVICE_DISCOVERED": discovered,
    "PATIENT_SESSION_STARTED": session_started,
    "PATIENT_SESSION_CLOSED_EVENT": session_closed,
    "PATIENT_ADMISSION_REJECTED": admission_rejected,
    "SENSOR_REMOVED_EVENT": sensor_removed,
    "PM_CONFIGURATION_UPDATED": configured,
    "DEVICE_NEW_VITALS_RANGES": ranges_reported,
}
