"""Whether a monitor is there: connection reports every 2 s, and the flat word of a lost one."""

from __future__ import annotations

import msgspec

from hubapp.facts import AnyFact, MonitorBack, MonitorLost
from hubapp.wire import times
from hubapp.wire.fields import Text, Time, flag, needed, patient, reader
from hubapp.wire.record import Record
from hubapp.wire.stamp import Stamp, stamped


class Report(msgspec.Struct):
    device_primary_identifier: Text = None
    connection_status: bool | None = None


class Disconnect(msgspec.Struct):
    """A record without envelope."""

    id: Text = None
    timestamp: Time = None
    pm_id: Text = None
    patient_id: Text = None


read_report, read_disconnect = reader(Report), reader(Disconnect)


def connection(stamp: Stamp, payload: msgspec.Raw) -> tuple[AnyFact, ...]:
    """PM_CONNECTION_STATUS_REPORT. Each `true` is a `MonitorBack`: what is no change is dropped where changes are known."""
    told = read_report(payload)
    monitor = needed(told.device_primary_identifier, "device_primary_identifier")
    if flag(told.connection_status, "connection_status"):
        return (stamp.fact(MonitorBack, monitor=monitor),)
    return (stamp.fact(MonitorLost, monitor=monitor, cause="reported"),)


def disconnected(record: Record, value: bytes) -> tuple[AnyFact, ...]:
    """DISCONNECT."""
    told = read_disconnect(value)
    stamp = stamped(record, times.gateway(told.timestamp, "timestamp"), told.id)
    monitor = needed(told.pm_id, "pm_id")
    return (stamp.fact(MonitorLost, monitor=monitor, patient=patient(told.patient_id, "patient_id"), cause="disconnect"),)


EVENTS = {"PM_CONNECTION_STATUS_REPORT": connection}
