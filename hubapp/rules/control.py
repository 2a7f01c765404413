"""Each use of an alarm control, and who was authenticated then.

At a monitor nobody is named; a command is a named account's. Why, the first that holds: no-session, nobody (history-short in
place of these two, while too little was read to say so), after-lock, after-failed-log-ins, accounted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hubapp.facts import (
    AccountFact,
    AccountLocked,
    CommandAnswered,
    CommandRequested,
    LimitsReported,
    LogInFailed,
    MonitorConfigured,
    SessionClosed,
    fold,
)
from hubapp.rules import accounts, doubted
from hubapp.rules.controls import Changed, changes
from hubapp.rules.doubted import Doubted
from hubapp.rules.presence import decided
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import instant, sighting
from hubapp.rules.use import Telling, Use, finding, use, written

# A command that tells a monitor whose patient it has: evidence of somebody, but no alarm control.
NO_CONTROL = "SetPatientContext"
COMMAND = Changed("command", None, None, None)


class Remembered(msgspec.Struct):
    """One of the two: a use, or what throws doubt on an account's log-ins."""

    use: Use | None = None
    doubted: Doubted | None = None


class Control:
    name = "control"
    kind: type = Remembered

    def __init__(self) -> None:
        self.items: dict[str, Remembered] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        match event:
            case MonitorConfigured() | LimitsReported():
                new_patient = doubted.micros(scene.thresholds.control.new_patient)
                return [self._used(event, changed, scene) for changed in changes(event, scene.was, new_patient)]
            case CommandRequested(account=str()) if event.operation != NO_CONTROL:
                return [self._used(event, COMMAND, scene)]
            case CommandAnswered():
                return list(self._answered(event, scene))
            case AccountFact():
                return [*self._doubted(event, scene), *self._decided(event, scene)]
            case _:
                return []

    def _used(self, event: Telling, changed: Changed, scene: Scene) -> str:
        """The first that tells of it anchors."""
        new = use(event, changed, scene, self._all_doubted().values())
        key = f"{new.subject}\n{instant(event.at)}"
        known = self.items.setdefault(key, Remembered(new)).use
        if known is not None and known is not new:
            known.again = new.copy
        return key

    def _answered(self, event: CommandAnswered, scene: Scene) -> Iterator[str]:
        monitor = written(event.monitor, event.device_id, scene)
        for key, one in self._uses():
            asked = one.request is not None and one.request == event.request and event.sent <= one.waits
            if asked and (monitor is None or one.monitor is None or fold(monitor) == fold(one.monitor)):
                one.answer, one.waits = sighting(event), event.sent
                yield key

    def _doubted(self, event: AccountFact, scene: Scene) -> Iterator[str]:
        keys = doubted.concerned(self._all_doubted(), event, scene)
        names = doubted.names_of(event, scene)
        if isinstance(event, AccountLocked | LogInFailed) and names:
            keys = keys[:1] or [f"account\n{names[0]}"]
            self.items.setdefault(keys[0], Remembered(doubted=Doubted(names[0])))
        for key in keys:
            if (one := self.items[key].doubted) is not None:
                doubted.hear(one, event, scene)
                yield key

    def _decided(self, event: AccountFact, scene: Scene) -> Iterator[str]:
        """A log-out behind the assumed end of a session says that it was open until then."""
        unsure = [(key, one) for key, one in self._uses() if one.present.doubts] if isinstance(event, SessionClosed) else []
        if not unsure:
            return
        after = scene.house.accounts.copy()
        list(accounts.step(after, event, scene.thresholds.presence))
        for key, one in unsure:
            present = decided(one.present, after)
            if present != one.present:
                one.present, one.unsure = present, one.unsure if present.doubts else event.sent
                yield key

    def _uses(self) -> Iterator[tuple[str, Use]]:
        return ((key, item.use) for key, item in self.items.items() if item.use is not None)

    def _all_doubted(self) -> dict[str, Doubted]:
        return {key: item.doubted for key, item in self.items.items() if item.doubted is not None}

    def found(self, key: str, scene: Scene, now: int) -> Iterator[Conclusion]:
        one = self.items[key].use
        if one is not None:
            yield Conclusion(finding(one, scene), one.closes)

    def due(self, key: str) -> Iterable[int]:
        return ()

    def over(self, key: str, horizon: int) -> bool:
        item = self.items[key]
        return (item.use is None or item.use.closes < horizon) and (item.doubted is None or item.doubted.until < horizon)
