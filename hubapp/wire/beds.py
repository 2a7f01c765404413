"""Beds, and the groups of beds that are the units."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hubapp.facts import BedPlaced
from hubapp.wire.event import Event, Said
from hubapp.wire.fields import Text, needed, optional, reader, text


class Bed(msgspec.Struct):
    id: Text = None
    name: Text = None


class Group(msgspec.Struct):
    id: Text = None
    name: Text = None
    beds: list[Text] | None = None


class Moved(msgspec.Struct):
    bed: Bed | None = None


read_bed, read_group, read_moved = reader(Bed), reader(Group), optional(Moved)


def bed_changed(event: Event) -> Said:
    """A bed alone says its name, not its unit; a deleted one is in none."""
    told = read_bed(event.state)
    bed, name = needed(told.id, "event_state.id"), text(told.name, "event_state.name")
    deleted = event.kind == "BED_DELETED_EVENT"
    return (event.stamp.fact(BedPlaced, account=event.account, bed=bed, name=name, deleted=deleted),)


def group_changed(event: Event) -> Said:
    """A group with all its beds."""
    return (placed(event, None),)


def bed_moved(event: Event) -> Said:
    """A bed assigned to a group or removed from it; the group's list is what counts."""
    moved = read_moved(event.data)
    return (placed(event, None if moved is None or moved.bed is None else text(moved.bed.id, "event_data.bed.id")),)


def placed(event: Event, bed: str | None) -> BedPlaced:
    told = read_group(event.state)
    return event.stamp.fact(
        BedPlaced,
        account=event.account,
        unit=needed(told.id, "event_state.id"),
        bed=bed,
        name=text(told.name, "event_state.name"),
        beds=None if told.beds is None else tuple(needed(one, "event_state.beds") for one in told.beds),
        deleted=event.kind == "BED_GROUP_DELETED_EVENT",
    )


EVENTS: dict[str, Callable[[Event], Said]] = {
    "BED_CREATED_EVENT": bed_changed,
    "BED_UPDATED_EVENT": bed_changed,
    "BED_DELETED_EVENT": bed_changed,
    "BED_GROUP_CREATED_EVENT": group_changed,
    "BED_GROUP_UPDATED_EVENT": group_changed,
    "BED_GROUP_DELETED_EVENT": group_changed,
    "BED_ASSIGNED_TO_GROUP_EVENT": bed_moved,
    "BED_REMOVED_FROM_GROUP_EVENT": bed_moved,
}
