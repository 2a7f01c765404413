"""How an alarm goes: physiology at a bed, planned at its onset, and the moment at which somebody will come, if anybody does.

Processes are generators that yield how long they wait, in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hubapp.facts import SECOND, Micros
from hubapp.sim.alarms import Alarm
from hubapp.sim.beds import Bed
from hubapp.sim.conditions import FAILS, MEASURES, MONITOR
from hubapp.sim.truth import DEADLINES

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

Process = Iterator[Micros]
DAY: Micros = 86_400 * SECOND


def span(random: Random, least: float, most: float) -> Micros:
    """Seconds as whole milliseconds, in between."""
    return round(random.uniform(least, most) * 1000) * 1000


@dataclass(slots=True)
class Course:
    """rise: when the priority goes up, to what. attend: when somebody comes. lost_end: nobody is told of its end."""

    lasts: Micros
    rise: tuple[Micros, str] | None = None
    latching: bool = False
    acknowledge: Micros | None = None
    attend: Micros | None = None
    lost_end: bool = False


def lasting(random: Random) -> Micros:
    """Most are short; a duration near ten seconds is not left to chance, as `fleeting` turns on it."""
    if random.random() < 0.04:
        return span(random, 200, 1500)
    lasts = round(min(900.0, max(1.0, random.lognormvariate(2.5, 1.1))) * 1000) * 1000
    return lasts if abs(lasts - 10 * SECOND) > SECOND // 4 else lasts + SECOND


def planned(random: Random, alarm: Alarm, boundaries: bool) -> Course:
    course = Course(lasting(random))
    if alarm.kind == "technical":
        course.lost_end = random.random() < 0.01
        return course
    if random.random() < 0.06:
        rise(random, alarm, course)
    if alarm.priority not in DEADLINES:
        return course
    due = DEADLINES[alarm.priority] / SECOND
    if random.random() < 0.09:
        course.latching, course.acknowledge = True, acknowledgement(random, due)
    elif random.random() < 0.2:
        course.attend = span(random, 3, due * 0.85) if random.random() < 0.5 else span(random, due * 1.15, due * 3)
        course.lasts = max(course.lasts, course.attend + span(random, 2, 30))
    else:
        course.lost_end = random.random() < 0.03
    if boundaries and random.random() < 0.1:
        course.lasts = 10 * SECOND
    return course


def rise(random: Random, alarm: Alarm, course: Course) -> None:
    higher = {"LO": "ME", "ME": "HI"}.get(alarm.priority)
    if higher:
        after = span(random, 2, 240)
        course.rise = after, higher
        course.lasts = max(course.lasts, after + span(random, 2, 200))


def acknowledgement(random: Random, due: float) -> Micros | None:
    """How long after the condition's end somebody acknowledges the signal; None: nobody does."""
    lot = random.random()
    if lot < 0.2:
        return None
    return span(random, 2, due * 0.6) if lot < 0.65 else span(random, due * 1.2, due * 5)


def alarm_of(random: Random) -> str:
    return random.choices(("HI", "ME", "LO"), (20, 55, 25))[0]


def fault_of(random: Random) -> str:
    return random.choices(("HI", "ME", "LO"), (8, 32, 60))[0]


def alarming(ward: Ward, bed: Bed) -> Process:
    """Onsets at one bed, one after the other; some repeat the last."""
    random = ward.random
    gap = DAY / ward.plan.alarms_per_bed_day
    again: tuple[str, str] | None = None
    while True:
        soon = again is not None and random.random() < 0.12
        yield max(SECOND, round(span(random, 2, 50) if soon else random.expovariate(1 / gap)))
        what = again if soon and again is not None and may_begin(bed, *again) else chosen(bed)
        if what is None or bed.patient is None or ward.now - bed.opened < 12 * SECOND:
            continue
        again = what
        technical = what[1] in FAILS[what[0]]
        alarm = bed.raised(*what, fault_of(random) if technical else alarm_of(random), bed.patient)
        ward.start(going(ward, bed, alarm, planned(random, alarm, ward.plan.boundaries)))


def chosen(bed: Bed) -> tuple[str, str] | None:
    """A condition that may begin, of those that the devices at the bed know; None where a few tries find none."""
    random = bed.random
    technical = random.random() < 0.3
    devices = [*bed.sensors, MONITOR] if technical else list(bed.sensors)
    for _ in range(8 if devices else 0):
        code = random.choice(devices)
        condition = random.choice((FAILS if technical else MEASURES)[code])
        if may_begin(bed, code, condition):
            return code, condition
    return None


def may_begin(bed: Bed, code: str, condition: str) -> bool:
    """An onset that leaves no doubt: not beside the 60 s that `fleeting` looks at, not while another goes on."""
    serial = bed.serial if code == MONITOR else bed.sensors.get(code)
    if serial is None or not bed.enabled.get(condition, True):
        return False
    key = (serial, condition)
    last, now = bed.newest.get(key), bed.ward.now
    if last is not None and 52 * SECOND < now - last.start < 76 * SECOND:
        return False
    if key in bed.open:
        return may_replace(bed, bed.open[key])
    return last is None or last.signal_end is None or now - last.signal_end > 2 * SECOND


def may_replace(bed: Bed, alarm: Alarm) -> bool:
    """A condition may come again while its old signal is latched and nobody will acknowledge it."""
    if alarm.state != "latched" or not bed.connected or alarm.told is None or alarm.end_sent is None:
        return False
    waited = bed.ward.now - alarm.told
    return alarm.both_latch and waited > 200 * SECOND and bed.ward.now - alarm.end_sent > 30 * SECOND


def going(ward: Ward, bed: Bed, alarm: Alarm, course: Course) -> Process:
    """One alarm from just after its onset to the end of its signal."""
    if course.attend is not None:
        ward.start(ward.staff.attending(bed, alarm, course.attend))
    yield from rising(bed, alarm, course)
    while bed.long_away and not alarm.over:
        yield 5 * SECOND
    if alarm.over:
        return
    if course.lost_end and bed.connected and alarm.told is not None:
        yield from ending_unseen(ward, bed, alarm)
        return
    alarm.both_latch = ward.random.random() < 0.8
    bed.cleared(alarm, course.latching)
    if course.acknowledge is not None and not alarm.over:
        yield course.acknowledge
        yield from ward.staff.acknowledging(bed, alarm)


def rising(bed: Bed, alarm: Alarm, course: Course) -> Process:
    passed = 0
    if course.rise is not None:
        passed, priority = course.rise
        yield passed
        if not alarm.over and bed.connected and alarm.told is not None:
            bed.rose(alarm, priority)
    yield course.lasts - passed


def ending_unseen(ward: Ward, bed: Bed, alarm: Alarm) -> Process:
    """The records of the end never arrive; the next that is heard is the same condition, anew and unchanged."""
    ended, losses = ward.now // 1000 * 1000 + bed.clock, len(bed.losses)
    code, condition = alarm.device_code, alarm.condition
    yield max(span(ward.random, 80, 300), alarm.told_last + 80 * SECOND - ward.now)
    while not alarm.over and not bed.connected:
        yield 5 * SECOND
    if alarm.over or bed.patient is None:
        return
    same = alarm.told_limits == bed.limits(condition) and len(bed.losses) == losses and bed.enabled.get(condition, True)
    heard = ward.now - alarm.told_last < 75 * SECOND
    if not same or heard or 52 * SECOND < ward.now - alarm.start < 76 * SECOND:
        bed.cleared(alarm, False, ended)
        return
    anew = bed.raised(code, condition, alarm.priority, alarm.patient)
    ward.start(going(ward, bed, anew, Course(lasting(ward.random))))
