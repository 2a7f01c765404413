"""An alarm that something may hide, and what hides it: which of what happens concerns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from hubapp.facts import SECOND, AlarmRaised, Micros, fold
from hubapp.rules.moments import Moment, Order
from hubapp.rules.onsets import TWIN
from hubapp.rules.places import Place
from hubapp.rules.scene import Scene
from hubapp.rules.sightings import Sighting
from hubapp.rules.told import Ended, Onset
from hubapp.thresholds import MaskingThresholds

URGENT = ("ME", "HI")
LOST, REMOVED = "monitor-lost", "sensor-removed"


class Told(msgspec.Struct, frozen=True):
    """What was told, when it was sent, and the record that says so, if one does."""

    sent: Micros
    copy: Sighting | None


class Cause(msgspec.Struct):
    """name: a technical condition, sensor-removed, monitor-lost. device: folded. episode: of a technical condition, its id.

    priority: the alarm's, then. over: the cause is; end: when, as it is shown. again: the alarm was told as active; on: it
    still was when its lost monitor was back. closed: the patient's session was.
    """

    name: str
    device: str
    order: Order
    at: Micros
    copy: Sighting
    priority: str | None = None
    episode: str | None = None
    over: Told | None = None
    end: Micros | None = None
    again: Told | None = None
    on: bool = False
    closed: Told | None = None

    @property
    def sent(self) -> Micros:
        return self.order[0]


class Alarm(msgspec.Struct, tag=True):
    """A physiological episode that may come to be hidden. handled: when somebody first acted; code: of its device.

    taken_up: until how long after a loss that ended it, it may go on. masked: the key of the newest masking.
    """

    onset: Onset
    used: MaskingThresholds
    taken_up: Micros
    place: Place
    code: str | None = None
    priority: str | None = None
    handled: Micros | None = None
    ended: Ended | None = None
    masked: str | None = None
    count: int = 0

    def hidden_by(self, sent: Micros) -> bool:
        """Whether what begins then may hide it. Who left has taken the alarm along."""
        if self.priority is None or (self.handled is not None and self.handled < sent):
            return False
        until = self.until
        if until is None or sent <= until:
            return True
        return self.ended is not None and self.ended.by != "released" and sent - until <= micros(self.used.after_end)

    @property
    def until(self) -> Micros | None:
        """When its end was sent; what a loss ended, ended then."""
        return self.ended.until if self.ended else None

    def over(self, horizon: Micros) -> bool:
        if self.handled is not None and self.handled < horizon:
            return True
        if self.ended is None or self.until is None:
            return False
        return self.until + (self.taken_up if self.ended.by == "lost" else micros(self.used.after_end)) < horizon


class Masking(msgspec.Struct, tag=True):
    """An alarm with the causes of which the first hides it; a loss that turns out to be short is none."""

    key: str
    alarm: Alarm
    causes: list[Cause] = []


Item: TypeAlias = Alarm | Masking


def micros(duration: float) -> Micros:
    return round(duration * SECOND)


def patient_of(onset: Onset) -> str | None:
    return fold(onset.patient) if onset.patient else None


def tags(item: Item) -> Iterator[str]:
    onset = item.onset if isinstance(item, Alarm) else item.alarm.onset
    yield from (f"episode\n{onset.id}", f"device\n{onset.sensor}", f"patient\n{patient_of(onset) or onset.sensor}")
    if onset.monitor:
        yield f"monitor\n{onset.monitor}"
    if isinstance(item, Masking):
        yield from (f"cause\n{cause.episode}" for cause in item.causes if cause.episode)


def decide(alarm: Alarm, scene: Scene) -> None:
    alarm.place = scene.placed(alarm.onset.monitor, alarm.onset.sent, alarm.place)


def technical(onset: Onset) -> Cause:
    return Cause(onset.condition, onset.sensor, onset.order, onset.start, onset.sighting, episode=onset.id)


def is_on(cause: Cause, name: str, device: str | None, episode: str | None = None) -> bool:
    return (cause.name, cause.device, cause.episode) == (name, device, episode) and cause.over is None


def of_patient(alarm: Alarm, patient: str | None) -> bool:
    """Whether what names *patient*, if anybody, is about the patient of *alarm*."""
    return patient is None or patient_of(alarm.onset) in (None, fold(patient))


def leaves(moment: Moment, alarm: Alarm) -> bool:
    """Whether *moment* is the end of the patient's session."""
    mine = patient_of(alarm.onset)
    if moment.what == "closed":
        return mine is None or moment.patient in (None, mine)
    return moment.what == "opened" and moment.patient != mine


def reports(fact: AlarmRaised, alarm: Alarm) -> bool:
    """Whether *fact* tells that *alarm* is on, or takes it up again. Its second signal, told with the first, is no news."""
    onset = alarm.onset
    if onset.condition != fact.condition or onset.subject != fold(fact.patient or fact.monitor or fact.device):
        return False
    same = fact.at == onset.sighting.at
    if alarm.ended is not None:
        return same and fact.listed
    return not same or fact.listed or fact.sent - onset.sent > TWIN


def again(maskings: Iterable[tuple[str, Masking]], told: Told) -> set[str]:
    """The alarm is told as active: the first time counts."""
    keys = set()
    for key, masking in maskings:
        for cause in masking.causes:
            if cause.again is None:
                cause.again = told
                keys.add(key)
    return keys
