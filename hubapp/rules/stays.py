"""A patient's stay at a monitor: from when the session was opened until it is closed or another patient's is opened.

A session that was never seen to open is known by the first alarm of the patient that is heard there: a monitor sends none
while it has no patient.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Protocol

import msgspec

from hubapp.facts import (
    AlarmFact,
    BedPlaced,
    EncounterChanged,
    Micros,
    MonitorPlaced,
    PatientSessionOpened,
    SensorRemoved,
    fold,
)
from hubapp.findings import Finding
from hubapp.rules.moments import Moment, Order
from hubapp.rules.places import Place
from hubapp.rules.scene import Event, Scene
from hubapp.rules.sightings import Sighting, sighting
from hubapp.rules.told import Onset, Word

# What says where a monitor stands: what it said before is kept by then, since it is forgotten.
PLACING = (MonitorPlaced, BedPlaced, EncounterChanged)


class Standing(Protocol):
    """What began at `sent` at a monitor, and where that stood then."""

    place: Place

    @property
    def sent(self) -> Micros: ...


class Stay(msgspec.Struct, frozen=True):
    """patient: as it was written. start: as it is shown. opening: the record by which it is known."""

    patient: str
    order: Order
    start: Micros
    opening: Sighting

    @property
    def sent(self) -> Micros:
        return self.order[0]


def monitor_of(event: Event, scene: Scene) -> str | None:
    """The folded serial of the monitor that *event* is about."""
    return event.monitor if isinstance(event, Onset) else scene.monitor


def serial_of(event: Event, monitor: str) -> str:
    """As *event* wrote it."""
    written = event.serial if isinstance(event, Onset) else getattr(event, "monitor", None)
    return str(written) if written else monitor


def instant_of(event: Event) -> Micros:
    """When a stay or a silence begins that *event* begins; the clock of an alarm is the monitor's own."""
    return event.order[0] if isinstance(event, AlarmFact | SensorRemoved | Word) else event.at


def copy_of(event: Event) -> Sighting | None:
    if isinstance(event, Word):
        return event.sighting if isinstance(event, Onset) else None
    return sighting(event)


def begun(event: Event, scene: Scene, known: Container[str]) -> Stay | None:
    """The stay that *event* begins; known: the folded patients whose sessions are open there."""
    patient = None
    if isinstance(event, Onset):
        monitor = scene.house.monitors.get(event.monitor or "")
        unknown = event.monitor is not None and (monitor is None or monitor.session == "unknown")
        patient = event.patient if unknown else None
    elif isinstance(event, PatientSessionOpened) and any(isinstance(m, Moment) and m.what == "opened" for m in scene.meant):
        patient = event.patient
    copy = copy_of(event)
    if patient is None or copy is None or fold(patient) in known:
        return None
    return Stay(patient, event.order, instant_of(event), copy)


def left(moment: Moment, known: Iterable[str]) -> list[str]:
    """Of the folded patients whose sessions are open on the monitor, those that *moment* ends."""
    if moment.what == "opened":
        return [patient for patient in known if patient != moment.patient]
    if moment.what == "closed":
        return [patient for patient in known if moment.patient in (None, patient)]
    return []


def contradicts(moment: Moment, known: Container[str]) -> bool:
    """Whether *moment* is a close that names somebody else."""
    return moment.what == "contradicted" or (moment.what == "closed" and moment.named and moment.patient not in known)


def placed(standing: Iterable[Standing], monitor: str, scene: Scene) -> bool:
    """Decide of each, as far as it is known, where *monitor* (folded) stood; whether that is news."""
    news = False
    for one in standing:
        place = scene.placed(monitor, one.sent, one.place)
        news, one.place = news or place != one.place, place
    return news


def overlapping(gone: Finding, found: Iterable[Finding]) -> str | None:
    """Of those *found* about the patient of a finding that is no more, the first that shares some of its time."""
    mine = (one for one in found if fold(one.patient or "") == fold(gone.patient or ""))
    both = (one for one in mine if starts_before(one, gone) and starts_before(gone, one))
    return next((one.id for one in sorted(both, key=lambda one: one.start)), None)


def starts_before(one: Finding, other: Finding) -> bool:
    """Whether *one* starts before *other* ends."""
    return other.end is None or one.start < other.end
