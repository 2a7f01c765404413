"""Monitors that go out of reach and come back, sensors that are taken off and put on again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubapp.facts import SECOND
from hubapp.sim.alarms import Alarm, Loss
from hubapp.sim.beds import Bed
from hubapp.sim.courses import Process, span
from hubapp.sim.releases import released

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

Json = dict[str, Any]
HOUR = 3600 * SECOND


def losing(ward: Ward, bed: Bed) -> Process:
    """Short losses mostly; some of a minute or more, some beyond the ten minutes after which an alarm counts as lost."""
    random = ward.random
    while True:
        yield max(60 * SECOND, round(random.expovariate(1 / (ward.plan.loss_hours * HOUR))))
        if bed.patient is None or not bed.connected or ward.now - bed.opened < 30 * SECOND:
            continue
        kind = random.choices(("short", "minutes", "long", "gone", "again"), (50, 22, 12, 8, 8))[0]
        if kind == "again":
            told_again(ward, bed)
            continue
        away = {"short": span(random, 15, 60), "minutes": span(random, 60, 560)}.get(kind, span(random, 660, 1200))
        if ward.ends_before(ward.now + away + 20 * SECOND):
            continue
        bed.long_away = away > 560 * SECOND
        lost(ward, bed)
        yield away
        if kind == "gone":
            yield from gone(ward, bed)
        else:
            back(ward, bed, bed.patient)
        bed.long_away = False


def lost(ward: Ward, bed: Bed) -> None:
    sent = bed.stamp(1, 20)
    bed.connected = False
    bed.losses.append(Loss(sent))
    if ward.plan.writer == "emulator":
        ward.gateway.report(sent, bed.serial, connected=False)
        return
    ward.gateway.disconnected(sent, bed.serial, bed.patient)
    if ward.random.random() < 0.3:
        ward.gateway.disconnected(bed.stamp(800, 2500), bed.serial, bed.patient)


def back(ward: Ward, bed: Bed, patient: str | None) -> None:
    """A discovery of the monitor, of its sensors, its ranges, its patient: with alarms that differ from what was told last."""
    first = bed.stamp()
    bed.losses[-1].back = first
    differing = pending(bed, first) if patient else []
    discovered(ward, bed, patient, differing, first)
    bed.connected, bed.opened = True, ward.now


def told_again(ward: Ward, bed: Bed) -> None:
    """The gateway began anew: everything is discovered once more, and no loss was told."""
    discovered(ward, bed, bed.patient, [], bed.stamp())
    bed.opened = ward.now


def discovered(ward: Ward, bed: Bed, patient: str | None, differing: list[Alarm], first: int) -> None:
    """In the gateway's words and order, or in the emulator's, whose discovery opens the session by itself."""
    gateway, emulator = ward.gateway, ward.plan.writer == "emulator"
    technical = [alarm for alarm in differing if alarm.kind == "technical"]
    physiological = [alarm for alarm in differing if alarm.kind != "technical"]
    named = patient if emulator or ward.random.random() < 0.5 else None
    within = physiological if emulator else []
    gateway.discovered(first, bed.serial, bed.sensors, bed.audio, payloads(bed, technical), named, payloads(bed, within))
    for alarm in (*technical, *within):
        bed.noted(alarm, first, listed=True)
    for code, serial in bed.sensors.items():
        gateway.sensor_discovered(bed.stamp(1, 20), bed.serial, serial, code, patient)
    if patient is not None:
        gateway.ranges(bed.stamp(1, 20), bed.serial, bed.serial, bed.ranges())
    if patient is not None and not emulator:
        sent = bed.stamp(1, 20)
        gateway.session_started(sent, bed.serial, patient, payloads(bed, physiological))
        for alarm in physiological:
            bed.noted(alarm, sent, listed=True)
    if patient is not None:
        ward.platform.encounter(ward.soon(), "STARTED", "system", bed.encounter)


def payloads(bed: Bed, alarms: list[Alarm]) -> list[Json]:
    return [payload for alarm in alarms for payload in bed.payloads(alarm)]


def pending(bed: Bed, sent: int) -> list[Alarm]:
    """What differs. An onset about a minute old would be told late or not by a hair: it has gone by itself."""
    differing = []
    for alarm in list(bed.open.values()):
        if alarm.told is None and 50 * SECOND < sent - alarm.start < 75 * SECOND:
            bed.cleared(alarm, False)
        elif alarm.told_state != (alarm.state, alarm.priority):
            differing.append(alarm)
    return differing


def gone(ward: Ward, bed: Bed) -> Process:
    """When the monitor comes back after over ten minutes it has no patient any more: what was open was lost with it."""
    loss = bed.losses[-1]
    for alarm in list(bed.open.values()):
        if alarm.told is None:
            bed.cleared(alarm, False)
        elif alarm.end_sent is None:
            alarm.end = alarm.end_sent = loss.sent
            alarm.ended_by = "lost"
            bed.finish(alarm, loss.sent)
    back(ward, bed, None)
    yield SECOND // 2
    released(ward, bed, traced=False)


def taking_off(ward: Ward, bed: Bed) -> Process:
    """A sensor is taken off for some minutes: its alarms end with it."""
    random = ward.random
    while True:
        yield max(60 * SECOND, round(random.expovariate(1 / (ward.plan.sensor_hours * HOUR))))
        free = [code for code in bed.sensors if removable(bed, code)]
        if bed.patient is None or not bed.connected or not free or ward.now - bed.opened < 30 * SECOND:
            continue
        code = random.choice(free)
        taken_off(ward, bed, code)
        session = bed.session
        yield span(random, 120, 1200)
        while not bed.connected:
            yield 5 * SECOND
        if bed.session == session and code not in bed.sensors:
            put_on(ward, bed, code)


def removable(bed: Bed, code: str) -> bool:
    """No latched signal of it stands: what becomes of one is not said."""
    serial = bed.sensors[code]
    return all(alarm.device != serial or alarm.state == "active" for alarm in bed.open.values())


def taken_off(ward: Ward, bed: Bed, code: str) -> None:
    serial = bed.sensors.pop(code)
    sent = bed.stamp()
    ward.gateway.removed(sent, bed.serial, serial, code, bed.patient)
    for alarm in [alarm for alarm in bed.open.values() if alarm.device == serial]:
        alarm.end = alarm.end_sent = sent
        alarm.ended_by = "removed"
        bed.finish(alarm, sent)


def put_on(ward: Ward, bed: Bed, code: str) -> None:
    bed.sensors = {name: bed.all_sensors[name] for name in bed.all_sensors if name in bed.sensors or name == code}
    for name, serial in bed.sensors.items():
        ward.gateway.sensor_discovered(bed.stamp(1, 20), bed.serial, serial, name, bed.patient)
