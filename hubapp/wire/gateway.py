"""The gateway's envelope, on every topic that gateways write."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hubapp.facts import AnyFact
from hubapp.wire import alerts, realtime, sdc, times
from hubapp.wire.fields import NULL, Text, Time, read_type, reader, type_of
from hubapp.wire.record import Ignored, Record
from hubapp.wire.stamp import Stamp, stamped

FLAT = "DISCONNECT"
WAVEFORM = b"NEW_WAVEFORM_VITALS"
EVENTS: dict[str, Callable[[Stamp, msgspec.Raw], tuple[AnyFact, ...] | Ignored]] = {
    "NEW_ALERT_OBSERVATION": alerts.decode,
    **sdc.EVENTS,
    **realtime.EVENTS,
}


class Envelope(msgspec.Struct):
    event_type: str | None = None
    message_id: Text = None
    timestamp: Time = None
    payload: msgspec.Raw = NULL
    pm_id: msgspec.Raw = NULL


read = reader(Envelope)


def decode(record: Record, value: bytes, _zones: times.Zones) -> tuple[AnyFact, ...] | Ignored:
    """By the event's type, whichever of the gateways' topics it is on. Waveforms are known by their header, and never parsed."""
    if record.headers.get("event_type") == WAVEFORM:
        return Ignored(WAVEFORM.decode())
    try:
        envelope = read(value)
    except (msgspec.ValidationError, UnicodeError) as error:
        return unless_known(record, value, error)
    kind = type_of(envelope.event_type, record.headers)
    if kind == FLAT:
        return realtime.disconnected(record, value)
    event = EVENTS.get(kind)
    if event is None or is_flat(envelope):
        return Ignored(kind)
    stamp = stamped(record, times.gateway(envelope.timestamp, "timestamp"), envelope.message_id)
    return event(stamp, envelope.payload)


def is_flat(envelope: Envelope) -> bool:
    """A record with `pm_id` and no payload has no envelope."""
    return envelope.pm_id is not NULL and bytes(envelope.pm_id) != b"null" and bytes(envelope.payload) == b"null"


def unless_known(record: Record, value: bytes, error: Exception) -> Ignored:
    """A bad envelope is bad where its event is read."""
    kind = type_of(read_type(value).event_type, record.headers)
    if kind in EVENTS or kind == FLAT:
        raise error
    return Ignored(kind)
