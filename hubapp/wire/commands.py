"""Commands to monitors and their outcome."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec

from hubapp.facts import CommandAnswered, CommandRequested
from hubapp.wire.event import Event, Said
from hubapp.wire.fields import Text, flag, needed, reader, text
from hubapp.wire.record import Malformed


class Request(msgspec.Struct):
    id: Text = None
    pm_id: Text = None
    pm_identifier: Text = None
    command_name: Text = None
    request_id: Text = None


class Response(msgspec.Struct):
    success: bool | None = None
    request_id: Text = None


read_request, read_response = reader(Request), reader(Response)


def requested(event: Event) -> Said:
    """COMMAND_EXECUTION_REQUEST. The monitor is told by its id or by its serial."""
    told = read_request(event.state)
    serial, device_id = text(told.pm_identifier, "event_state.pm_identifier"), text(told.pm_id, "event_state.pm_id")
    if serial is None and device_id is None:
        device_id = text(told.id, "event_state.id")
    if serial is None and device_id is None:
        raise Malformed("event_state: neither pm_id nor pm_identifier")
    return (
        event.stamp.fact(
            CommandRequested,
            account=event.account,
            monitor=serial,
            device_id=device_id,
            operation=needed(told.command_name, "event_state.command_name"),
            request=text(told.request_id, "event_state.request_id") or event.stamp.message_id,
        ),
    )


def answered(event: Event) -> Said:
    """COMMAND_EXECUTION_RESPONSE. Here the entity is the monitor: an id where it is a UUID, else a serial."""
    told = read_response(event.state)
    monitor = needed(event.entity_id, "entity_id")
    return (
        event.stamp.fact(
            CommandAnswered,
            monitor=None if is_id(monitor) else monitor,
            device_id=monitor if is_id(monitor) else None,
            request=text(told.request_id, "event_state.request_id") or event.stamp.message_id,
            outcome="done" if flag(told.success, "event_state.success") else "failed",
        ),
    )


def is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.strip().lower()
    except ValueError:
        return False


EVENTS: dict[str, Callable[[Event], Said]] = {"COMMAND_EXECUTION_REQUEST": requested, "COMMAND_EXECUTION_RESPONSE": answered}
