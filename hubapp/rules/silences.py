"""What is remembered of a monitor whose alarming is off: since when and why, for which patient, and what alarms there are."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hubapp.facts import SECOND, Micros, fold
from hubapp.rules.episode import OPEN_END
from hubapp.rules.moments import Order
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.presence import Presence
from hubapp.rules.sightings import Sighting
from hubapp.rules.stays import Stay
from hubapp.thresholds import SilencedThresholds

What: TypeAlias = Literal["audio-off", "paused", "condition-disabled"]
How: TypeAlias = Literal["on", "released", "lost"]

# So long after a silence of the monitor itself, a loss that is told still says when it was lost.
TOLD_LATE: Micros = 600 * SECOND
# A discovery so soon after the return says how the monitor was then.
RETURNING: Micros = 5 * SECOND


class Cause(msgspec.Struct):
    """What turns alarming off. broken: since when a pause is not on any more; changed: it was seen to be turned off."""

    what: What
    condition: str | None
    order: Order
    copy: Sighting
    changed: bool = True
    broken: Micros | None = None

    @property
    def key(self) -> str:
        return cause_key(self.what, self.condition)


class End(msgspec.Struct, frozen=True):
    """When and how a silence ended. critical: for how long of it an alarm was on.

    until: what is sent before may yet go on with it: a pause is taken up again, a loss is told that was a silence before.
    """

    sent: Micros
    how: How
    copy: Sighting | None
    critical: Micros
    until: Micros


class Silence(msgspec.Struct):
    """One stretch of alarming off for a patient. start: as it is shown; sent: since when; own: since when its cause is on.

    returned: it begins with the return of a lost monitor. critical: for how long an HI/ME condition was active until
    `alarmed`, since when one is. alarm: the first such onset. doubted: until when a log-out may say who was there.
    """

    patient: str
    what: What
    condition: str | None
    start: Micros
    sent: Micros
    own: Micros
    begun: list[Sighting]
    present: Presence
    thresholds: SilencedThresholds
    returned: bool = False
    critical: Micros = 0
    alarmed: Micros | None = None
    alarm: Sighting | None = None
    end: End | None = None
    conflict: bool = False
    doubted: Micros = 0
    place: Place = NOWHERE

    @property
    def cause(self) -> str:
        return cause_key(self.what, self.condition)

    def goes_on(self, now: Micros) -> bool:
        """Whether it is on, or what is sent *now* may yet say that it was."""
        return self.end is None or now < self.end.until

    def finish(self, sent: Micros, how: How, copy: Sighting | None, waits: Micros = 0) -> None:
        """waits: for so long it may go on yet."""
        running = 0 if self.alarmed is None else sent - self.alarmed
        self.end = End(sent, how, copy, self.critical + running, sent + waits)

    @property
    def closes(self) -> Micros:
        """Behind which nothing changes what is found of it."""
        return OPEN_END if self.end is None else max(self.end.until, self.doubted)

    def settle(self, now: Micros) -> None:
        """Nothing that is sent from *now* on goes on with it."""
        if self.end is not None and now < self.end.until:
            self.end = msgspec.structs.replace(self.end, until=now)


class Alarmed(msgspec.Struct):
    """An episode. patient: folded, if it names one; device, condition: which alarm it is of; serious: it has been HI or ME.

    ended: since when it is known to be over, which may yet be taken back.
    """

    patient: str | None
    device: str
    condition: str
    onset: Sighting
    serious: bool = False
    ended: Micros | None = None

    @property
    def active(self) -> bool:
        return self.serious and self.ended is None


class Watch(msgspec.Struct):
    """A monitor. stays: the open ones by folded patient; causes: by what and condition; alarms: by episode,
    each alarm's newest.
    """

    serial: str
    stays: dict[str, Stay] = {}
    causes: dict[str, Cause] = {}
    alarms: dict[str, Alarmed] = {}
    silences: list[Silence] = []

    @property
    def empty(self) -> bool:
        return not (self.stays or self.causes or self.alarms or self.silences)

    def going_on(self, now: Micros) -> list[Silence]:
        return [silence for silence in self.silences if silence.goes_on(now)]

    @property
    def current(self) -> dict[tuple[str, str], Silence]:
        """By folded patient and cause."""
        return {(fold(silence.patient), silence.cause): silence for silence in self.silences if silence.end is None}

    def alarm_of(self, patient: str) -> Alarmed | None:
        """The first HI/ME condition of that patient, or of the monitor alone, that is active."""
        of = (alarm for alarm in self.alarms.values() if alarm.active and alarm.patient in (None, patient))
        return min(of, key=lambda alarm: alarm.onset.order, default=None)


def cause_key(what: What, condition: str | None) -> str:
    return f"{what}\n{condition or ''}"


def count(watch: Watch, now: Micros) -> None:
    """Bring up to date for how long an HI/ME condition is active in each silence."""
    for silence in watch.going_on(now):
        alarm = watch.alarm_of(fold(silence.patient))
        if alarm is not None and silence.alarmed is None:
            silence.alarmed, silence.alarm = now, silence.alarm or alarm.onset
        elif alarm is None and silence.alarmed is not None:
            silence.critical, silence.alarmed = silence.critical + now - silence.alarmed, None


def shown(silence: Silence, now: Micros) -> bool:
    """Whether alarming was off for any time, and a pause for longer than one is meant to be."""
    until = now if silence.end is None else silence.end.sent
    if silence.end is not None and until <= silence.sent:
        return False
    return silence.what != "paused" or until - silence.own > silence.thresholds.paused * SECOND


def level(silence: Silence, now: Micros) -> str:
    """The highest that was reached."""
    elapsed = (now if silence.end is None else silence.end.sent) - silence.sent
    if critical(silence) or (silence.end is None and silence.alarmed is not None):
        return "critical"
    if elapsed > silence.thresholds.very_long * SECOND:
        return "30-min"
    return "5-min" if elapsed > silence.thresholds.long * SECOND else "notice"


def critical(silence: Silence) -> Micros:
    """For how long an HI/ME condition was active in it; while one is, until it began."""
    return silence.critical if silence.end is None else silence.end.critical
