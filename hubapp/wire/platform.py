"""The platform's envelope: devices, beds, groups, encounters, patients, and commands."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hubapp.facts import AnyFact
from hubapp.wire import beds, commands, devices, times
from hubapp.wire.event import Event, Said
from hubapp.wire.fields import NULL, Text, Time, account, read_type, reader, type_of
from hubapp.wire.record import Ignored, Record
from hubapp.wire.stamp import stamped

EVENTS: dict[str, Callable[[Event], Said]] = {**devices.EVENTS, **beds.EVENTS, **commands.EVENTS}


class Envelope(msgspec.Struct):
    entity_id: Text = None
    message_id: Text = None
    performed_on: Time = None
    performed_by: Text = None
    event_state: msgspec.Raw = NULL
    event_data: msgspec.Raw = NULL


read = reader(Envelope)


def decode(record: Record, value: bytes, zones: times.Zones) -> tuple[AnyFact, ...] | Ignored:
    """By the event's type, whichever of the platform's topics it is on."""
    kind = type_of(read_type(value).event_type, record.headers)
    decode_event = EVENTS.get(kind)
    if decode_event is None:
        return Ignored(kind)
    told = read(value)
    performed, sure = times.platform(told.performed_on, "performed_on", zones.platform, record.timestamp)
    stamp = stamped(record, performed, told.message_id, unsure=not sure)
    who = account(told.performed_by, "performed_by")
    return decode_event(Event(kind, stamp, who, told.entity_id, told.event_state, told.event_data))
