"""A technical condition, a removed sensor or a lost monitor hides an alarm to which nobody had come yet.

resurfaced  the alarm is told as active while the cause lasts, or within a minute of its end
resolved    it is not
unresolved  the cause lasts for over five minutes
planned     the patient's session closes within a minute of the cause: the finding is taken back
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hubapp import codes
from hubapp.facts import (
    AlarmFact,
    AlarmRaised,
    BedPlaced,
    EncounterChanged,
    Micros,
    MonitorPlaced,
    MonitorSeen,
    SensorRemoved,
    fold,
)
from hubapp.rules import hiding, masked
from hubapp.rules.hiding import LOST, REMOVED, URGENT, Alarm, Cause, Item, Masking, Told, micros, patient_of
from hubapp.rules.moments import Moment
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import sighting
from hubapp.rules.tagged import Tagged
from hubapp.rules.told import Ended, Handled, Onset, Prioritised, Resumed


class Maskings:
    """Its keys: alarms by the id of their episode, maskings by that and a number."""

    name = "masking"
    kind: Any = Item

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self._tagged: Tagged[Item] = Tagged(hiding.tags)

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        keys: set[str] = set()
        for moment in scene.meant:
            if isinstance(moment, Moment):
                keys |= self._happened(moment)
        newest = scene.house.places.newest_unit
        match event:
            case Onset():
                keys |= self._onset(event, scene)
            case Prioritised() | Handled() | Ended() | Resumed():
                keys |= self._told_of(event)
            case AlarmFact() if "backfilled" not in event.quality:
                keys |= self._alarm(event)
            case SensorRemoved():
                keys |= self._removed(event)
            case MonitorSeen():
                for sensor in event.sensors:
                    keys |= self._over("device", fold(sensor), REMOVED, Told(event.sent, sighting(event)), event.at)
            case BedPlaced() | MonitorPlaced() | EncounterChanged() if newest < event.sent and scene.moves(event):
                keys |= self._decide(scene)
        return keys

    # What is remembered, by what it is about.

    def _alarms(self, what: str, name: str | None) -> list[Alarm]:
        return [item for _, item in self._tagged.find(self.items, f"{what}\n{name}") if isinstance(item, Alarm)]

    def _maskings(self, what: str, name: str | None) -> list[tuple[str, Masking]]:
        return [(key, item) for key, item in self._tagged.find(self.items, f"{what}\n{name}") if isinstance(item, Masking)]

    def _decide(self, scene: Scene) -> set[str]:
        """Keep what is known of places before it changes."""
        for item in self.items.values():
            hiding.decide(item if isinstance(item, Alarm) else item.alarm, scene)
        return {*self.items}

    # What alarms tell.

    def _onset(self, onset: Onset, scene: Scene) -> set[str]:
        """A technical condition is a cause; a physiological one may come to be hidden, and shows that another was."""
        if onset.kind == "technical":
            return set() if onset.told_late else self._begin(self._blanked(onset), hiding.technical(onset))
        keys, thresholds = set(), scene.thresholds_of(onset)
        if not onset.told_late and onset.id not in self.items:
            keys.add(onset.id)
            taken_up = micros(thresholds.episodes.taken_up)
            alarm = Alarm(onset, thresholds.masking, taken_up, scene.placed(onset.monitor, onset.sent, onset.place))
            self._tagged.put(self.items, onset.id, alarm)
        anew = [
            (key, masking)
            for key, masking in self._maskings("patient", patient_of(onset) or onset.sensor)
            if masking.alarm.onset.condition == onset.condition and masking.alarm.onset.id != onset.id
        ]
        return keys | hiding.again(anew, Told(onset.sent, onset.sighting))

    def _blanked(self, onset: Onset) -> Iterator[Alarm]:
        """The alarms of the vital signs that its device cannot measure any more."""
        for alarm in self._alarms("device", onset.sensor):
            if hiding.of_patient(alarm, onset.patient) and alarm.onset.condition in codes.hides(
                alarm.code or "", onset.condition
            ):
                yield alarm

    def _told_of(self, word: Prioritised | Handled | Ended | Resumed) -> set[str]:
        keys = set()
        for alarm in self._alarms("episode", word.id):
            keys.add(word.id)
            match word:
                case Ended() | Resumed():
                    alarm.ended = word if isinstance(word, Ended) else None
                case Handled():
                    alarm.handled = word.order[0]
                case Prioritised(priority=priority) if priority in URGENT:
                    alarm.priority = max(alarm.priority or priority, priority, key=URGENT.index)
        if isinstance(word, Ended):
            keys |= self._ended(word)
        return keys | self._resumed(word) if isinstance(word, Resumed) else keys

    def _ended(self, word: Ended) -> set[str]:
        """What a lost monitor ended is told after all that it could decide here."""
        keys, told = set(), Told(word.order[0], word.sighting)
        for key, masking in self._maskings("episode", word.id):
            masking.alarm.ended = word
            keys.add(key)
            for cause in masking.causes:
                on = cause.on and cause.over is not None and told.sent > cause.over.sent
                cause.again = told if on and cause.again is None else cause.again
        return keys | self._over("cause", word.id, None, told, word.end)

    def _resumed(self, word: Resumed) -> set[str]:
        """What was taken for an end was none. A masking that is closed stays so."""
        keys = set()
        for key, masking in self._maskings("episode", word.id):
            masking.alarm.ended = None
            keys.add(key)
        for key, masking in self._maskings("cause", word.id):
            for cause in masking.causes:
                if cause.episode == word.id and word.order[0] <= masked.watched_until(cause, masking.alarm.used):
                    cause.over = cause.end = None
                    keys.add(key)
        return keys

    def _alarm(self, fact: AlarmFact) -> set[str]:
        """Of what kind a device is, its alarms say. An alarm itself may be told as active: not by a latch."""
        device, keys = fold(fact.device), set()
        if fact.kind == "technical" and fact.device_code:
            for alarm in self._alarms("device", device):
                alarm.code = fact.device_code
                keys.add(alarm.onset.id)
        if not isinstance(fact, AlarmRaised):
            return keys
        mine = [(key, masking) for key, masking in self._maskings("device", device) if hiding.reports(fact, masking.alarm)]
        return keys | hiding.again(mine, Told(fact.sent, sighting(fact)))

    # What happens to sensors and monitors.

    def _removed(self, fact: SensorRemoved) -> set[str]:
        sensor = fold(fact.sensor)
        alarms = [alarm for alarm in self._alarms("device", sensor) if hiding.of_patient(alarm, fact.patient)]
        return self._begin(alarms, Cause(REMOVED, sensor, fact.order, fact.at, sighting(fact)))

    def _happened(self, moment: Moment) -> set[str]:
        told = Told(moment.sent, sighting(moment.fact))
        if moment.what == "lost":
            return self._lost(moment)
        if moment.what == "heard":
            for _, masking in self._maskings("monitor", moment.monitor):
                for cause in masking.causes:
                    cause.on = cause.on or (hiding.is_on(cause, LOST, moment.monitor) and masking.alarm.ended is None)
            return self._over("monitor", moment.monitor, LOST, told, moment.fact.at)
        left = [(key, one) for key, one in self._maskings("monitor", moment.monitor) if hiding.leaves(moment, one.alarm)]
        for _, masking in left:
            for cause in masking.causes:
                cause.closed = cause.closed or told
        return {key for key, _ in left}

    def _lost(self, moment: Moment) -> set[str]:
        """A loss that is told takes the place of a silence before it, as long as that is not judged."""
        keys, monitor = set(), moment.monitor or ""
        for key, masking in self._maskings("monitor", monitor):
            used = masking.alarm.used
            silences = [
                one for one in masking.causes if hiding.is_on(one, LOST, monitor) and moment.sent <= masked.longest(one, used)
            ]
            masking.causes = [one for one in masking.causes if one not in silences]
            keys.add(key)
        alarms = [
            one for one in self._alarms("monitor", monitor) if hiding.of_patient(one, getattr(moment.fact, "patient", None))
        ]
        return keys | self._begin(alarms, Cause(LOST, monitor, moment.order, moment.fact.at, sighting(moment.fact)))

    # Causes.

    def _begin(self, alarms: Iterable[Alarm], cause: Cause) -> set[str]:
        """A masking that is open takes the cause up, else a new one begins; a removal or a loss told again is the same."""
        keys = set()
        for alarm in [alarm for alarm in alarms if alarm.hidden_by(cause.sent)]:
            newest = self.items.get(alarm.masked or "")
            masking = newest if isinstance(newest, Masking) else None
            if masking and any(hiding.is_on(one, cause.name, cause.device, cause.episode) for one in masking.causes):
                continue
            if masking is None or not masked.may_be_open(masking, cause.sent):
                alarm.count += 1
                alarm.masked = f"{alarm.onset.id}\n{alarm.count}"
                masking = Masking(alarm.masked, msgspec.structs.replace(alarm))
            masking.causes.append(msgspec.structs.replace(cause, priority=alarm.priority))
            self._tagged.put(self.items, masking.key, masking)
            keys |= {masking.key, alarm.onset.id}
        return keys

    def _over(self, what: str, name: str | None, of: str | None, told: Told, end: Micros | None) -> set[str]:
        """What is over: a technical episode by its id, or what befell a sensor or a monitor."""
        keys = set()
        for key, masking in self._maskings(what, name):
            for cause in masking.causes:
                if cause.episode == name if of is None else hiding.is_on(cause, of, name):
                    cause.over, cause.end = told, end
                    keys.add(key)
        return keys

    # What is found.

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        masking = self.items[key]
        if isinstance(masking, Masking) and scene.mine(masking.alarm.onset.subject):
            hiding.decide(masking.alarm, scene)
            for one in masked.masked(masking, now):
                yield Conclusion(masked.finding(masking.alarm, one, scene, now), masked.closes(one, masking))

    def due(self, key: str) -> Iterable[Micros]:
        item = self.items[key]
        return masked.dues(item) if isinstance(item, Masking) else ()

    def over(self, key: str, horizon: Micros) -> bool:
        item = self.items[key]
        return masked.over(item, horizon) if isinstance(item, Masking) else item.over(horizon)
