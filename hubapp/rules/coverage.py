"""Nobody was authenticated in a unit while it alarmed: of an episode, and in minutes of each hour. Of staffed units only.

A session of unknown place covers every unit. A unit where only shared accounts log in is not judged, nor is one before
enough of the past was read to say that nobody was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from hubapp.facts import SECOND, AccountFact, AnyAccount, BedPlaced, EncounterChanged, Micros, MonitorPlaced
from hubapp.rules import crowds, hours, uncovered
from hubapp.rules.hours import Hours
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.told import Ended, Onset, Prioritised, Resumed
from hubapp.rules.uncovered import Alarm, Used

Item: TypeAlias = Alarm | Hours
HOURS = "hours"
URGENT = ("HI", "ME")


class Coverage:
    """Its keys: the ids of episodes, one finding for each unit; and one for all hours."""

    name = "coverage"
    kind: Any = Item

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        newest = scene.house.places.newest_unit
        match event:
            case Onset(kind="physiological", told_late=False) if "backfilled" not in event.sighting.quality:
                return self._onset(event, scene)
            case Prioritised() if event.priority in URGENT and (alarm := self._alarm(event.id)) and alarm.since is None:
                alarm.urgent(event.order[0], self._hours().crowd, scene)
                return [event.id, HOURS]
            case Ended() if alarm := self._alarm(event.id):
                alarm.ended = event
                return [event.id, HOURS]
            case Resumed() if alarm := self._alarm(event.id):
                alarm.resume(event.order[0])
                return [event.id, HOURS]
            case AccountFact():
                return self._account(event, scene)
            case BedPlaced() | MonitorPlaced() | EncounterChanged() if newest < event.sent and scene.moves(event):
                return self._decide(scene)
        return []

    def _alarm(self, name: str) -> Alarm | None:
        item = self.items.get(name)
        return item if isinstance(item, Alarm) else None

    def _alarms(self) -> list[tuple[str, Alarm]]:
        return [(key, item) for key, item in self.items.items() if isinstance(item, Alarm)]

    def _hours(self) -> Hours:
        item = self.items.setdefault(HOURS, Hours())
        assert isinstance(item, Hours)
        return item

    def _onset(self, onset: Onset, scene: Scene) -> list[str]:
        """Remembered where a unit is staffed: which it is in may be told later."""
        thresholds = scene.thresholds_of(onset)
        staffed = tuple(sorted(name for name, unit in thresholds.units.items() if unit.staffed))
        if staffed:
            used = Used(thresholds.coverage, thresholds.presence.session_days, staffed)
            taken_up = round(thresholds.episodes.taken_up * SECOND)
            self.items[onset.id] = Alarm(onset, used, taken_up, scene.placed(onset.monitor, onset.sent, onset.place))
        return [onset.id] if staffed else []

    def _account(self, fact: AnyAccount, scene: Scene) -> list[str]:
        stays = self._hours().crowd.hear(fact, scene)
        return [HOURS, *(key for key, alarm in self._alarms() if alarm.meet(stays))]

    def _decide(self, scene: Scene) -> list[str]:
        """Keep what is known of places before it changes."""
        crowds.decide(self._hours().crowd.spots(), scene)
        for _, alarm in self._alarms():
            alarm.place = scene.placed(alarm.onset.monitor, alarm.onset.sent, alarm.place)
            crowds.decide(alarm.spots(), scene)
        return [*self.items]

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        item = self.items[key]
        if isinstance(item, Alarm):
            yield from uncovered.conclusions(item, scene, now)
        else:
            yield from hours.conclusions(item, [alarm for _, alarm in self._alarms()], scene, now)

    def due(self, key: str) -> Iterable[Micros]:
        item = self.items[key]
        if isinstance(item, Hours):
            return hours.dues([alarm for _, alarm in self._alarms()], item.begin)
        return [] if item.since is None else [item.since + item.used.grace]

    def over(self, key: str, horizon: Micros) -> bool:
        """An alarm is needed as long as its last hour is."""
        item = self.items[key]
        if isinstance(item, Hours):
            item.forget(horizon)
            return not item.crowd.stays and not item.crowd.last and len(self.items) == 1
        if item.until is None or item.settled >= horizon or item.unsure >= horizon:
            return False
        return item.since is None or hours.closes(hours.begin_of(max(item.until, item.since))) < horizon
