"""What people do to a monitor and about its patient. Each writes its records and says to the bed what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubapp.facts import SECOND, Micros
from hubapp.sim.alarms import Act
from hubapp.sim.beds import Bed
from hubapp.sim.conditions import USUAL
from hubapp.sim.courses import Process, span

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

OPERATIONS = ("ALARM_VALIDATION_ON", "ALARM_VALIDATION_OFF", "SetPatientContext", "REQUEST_NUMERICS")
SETTLED: Micros = 10 * SECOND
"""Limits changed within 5 s after a patient session opened are nobody's act."""


def by_hand(ward: Ward, bed: Bed) -> None:
    """At the bedside: audio or limits, whichever can be done."""
    ways = []
    if bed.audio == "on":
        ways += [pause, pause, off]
    elif bed.audio == "off":
        ways += [on]
    if bed.patient is not None and ward.now - bed.opened > SETTLED:
        ways += [limits]
    if ways:
        ward.random.choice(ways)(ward, bed)


def by_name(ward: Ward, bed: Bed, user: str) -> None:
    """By an account, in the hub's pages."""
    ward.random.choices((command, moved, encounter), (60, 20, 20))[0](ward, bed, user)


def audio(ward: Ward, bed: Bed, state: str, act: bool) -> None:
    before, bed.audio = bed.device(), state
    sent = bed.stamp()
    ward.gateway.configured(sent, bed.serial, state)
    if act:
        bed.acted(Act(sent, "bedside", "audio"))
    ward.platform.device(sent + 30_000, "DEVICE_CONFIG_UPDATED_EVENT", "system", bed.device(), before)


def pause(ward: Ward, bed: Bed) -> None:
    audio(ward, bed, "paused", act=True)
    ward.start(resuming(ward, bed))


def resuming(ward: Ward, bed: Bed) -> Process:
    """After two minutes by itself: nobody's act."""
    yield 120 * SECOND
    if bed.audio != "paused":
        return
    if bed.connected:
        audio(ward, bed, "on", act=False)
    else:
        bed.audio = "on"


def off(ward: Ward, bed: Bed) -> None:
    audio(ward, bed, "off", act=True)
    ward.start(switching_on(ward, bed))


def switching_on(ward: Ward, bed: Bed) -> Process:
    yield span(ward.random, 60, 1800)
    while not bed.connected:
        yield 5 * SECOND
    if bed.audio == "off":
        on(ward, bed)


def on(ward: Ward, bed: Bed) -> None:
    audio(ward, bed, "on", act=True)


def limits(ward: Ward, bed: Bed) -> None:
    """One value or one enabling; an alarm of that condition is told again, with the time of its onset."""
    random = ward.random
    quiet = [name for name in bed.values if all(name != alarm.condition for alarm in bed.open.values())]
    if quiet and random.random() < 0.3:
        name = random.choice(quiet)
        bed.enabled[name] = not bed.enabled[name]
        if not bed.enabled[name]:
            ward.start(enabling(ward, bed, name))
    else:
        name = random.choice(list(USUAL))
        bed.values[name] = USUAL[name] + random.choice([step for step in range(-5, 6) if USUAL[name] + step != bed.values[name]])
    told(ward, bed)
    for alarm in bed.told_alarms():
        if alarm.condition == name and alarm.state == "active":
            bed.tell(alarm)


def told(ward: Ward, bed: Bed) -> None:
    sent = bed.stamp()
    ward.gateway.ranges(sent, bed.serial, bed.patient or bed.serial, bed.ranges())
    bed.acted(Act(sent, "bedside", "limits"))
    if ward.random.random() < ward.plan.echoes:
        for number, event_type in enumerate(("VITAL_RANGE_DELETED_EVENT", "VITAL_RANGE_CREATED_EVENT"), 1):
            ward.platform.echo(
                sent + number * 40_000, event_type, bed.device(), code="199764", upper_limit=120.0, lower_limit=None
            )


def enabling(ward: Ward, bed: Bed, name: str) -> Process:
    yield span(ward.random, 60, 3600)
    while not bed.connected or bed.patient is None or ward.now - bed.opened < SETTLED:
        yield 15 * SECOND
    if not bed.enabled[name]:
        bed.enabled[name] = True
        told(ward, bed)


def command(ward: Ward, bed: Bed, user: str, sent: Micros | None = None) -> None:
    sent = sent or ward.soon()
    operation = ward.random.choices(OPERATIONS, (40, 30, 20, 10))[0]
    request = ward.platform.command(sent, user, bed.device(), operation, by_serial=ward.random.random() < 0.4)
    bed.acted(Act(sent, "command", operation, user))
    ward.platform.answer(sent + span(ward.random, 0.2, 1.5), bed.device(), request, success=ward.random.random() < 0.9)


def moved(ward: Ward, bed: Bed, user: str) -> None:
    """Unassigned and assigned to the same bed; some seconds later a device event says where it stands."""
    sent = ward.soon()
    ward.platform.moved(sent, user, bed.device())
    bed.acted(Act(sent, "change", "UNASSIGN_DEVICE_LOCATION_EVENT", user))
    ward.platform.device(sent + span(ward.random, 0.1, 5), "DEVICE_UPDATED_EVENT", "system", bed.device())


def encounter(ward: Ward, bed: Bed, user: str) -> None:
    """A plan for this patient, made or dismissed."""
    sent, what = ward.soon(), ward.random.choice(("PLANNED", "DISMISSED"))
    ward.platform.encounter(sent, what, user, {**bed.encounter, "status": what.lower()})
    trace = "PATIENT_ENCOUNTER_PLANNED" if what == "PLANNED" else "PATIENT_ADMISSION_DISMISSED"
    bed.acted(Act(sent, "change", trace, user))
