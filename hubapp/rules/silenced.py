"""Alarming is off where a patient is being monitored (IEC 60601-1-8: alarm off, audio off, audio paused).

audio-off           until it is on, or paused
paused              for over two minutes, breaks under ten seconds joined; they count from the pause's own start
condition-disabled  within the patient's session, or one that the settings say must be on

From the later of that and the session's start; it ends when on again, with the session, or when the monitor is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hubapp.facts import SECOND, LimitsReported, Micros, MonitorConfigured, Quality, SessionClosed, fold
from hubapp.findings import Finding
from hubapp.rules import accounts
from hubapp.rules.moments import Moment
from hubapp.rules.presence import decided
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import seconds
from hubapp.rules.silences import Alarmed, Silence, Watch, count, critical, level, shown
from hubapp.rules.silencing import PAUSED, befall, begin, end, tell
from hubapp.rules.stays import PLACING, begun, monitor_of, overlapping, placed, serial_of
from hubapp.rules.told import Ended, Onset, Prioritised, Resumed, Word

SERIOUS = ("HI", "ME")
# No break of a pause can be longer, whatever is set.
LONGEST_BREAK: Micros = 86_400 * SECOND
# How long an alarm may yet turn out not to have ended.
TAKEN_UP: Micros = 30 * 86_400 * SECOND


class Silenced:
    name = "silenced"
    kind: type = Watch

    def __init__(self) -> None:
        self.items: dict[str, Watch] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        if isinstance(event, PLACING) and scene.moves(event):
            return [key for key, watch in self.items.items() if placed(watch.silences, key, scene)]
        if isinstance(event, SessionClosed):
            return self._decided(event, scene)
        monitor = monitor_of(event, scene) or self._alarming(event)
        if monitor is None:
            return []
        watch = self.items.get(monitor) or Watch(serial_of(event, monitor))
        if not happens(watch, event, scene, monitor):
            return []
        if not watch.empty:
            self.items[monitor] = watch
        return [monitor]

    def _decided(self, event: SessionClosed, scene: Scene) -> list[str]:
        """A log-out behind the assumed end of a session says that it was open until then."""
        unsure = {key: unsure for key, watch in self.items.items() if (unsure := [s for s in watch.silences if s.present.doubts])}
        if unsure:
            after = scene.house.accounts.copy()
            list(accounts.step(after, event, scene.thresholds.presence))
            for silence in (one for of in unsure.values() for one in of):
                silence.present = decided(silence.present, after)
        return list(unsure)

    def _alarming(self, event: Event) -> str | None:
        """The monitor of an episode of which more is told."""
        if not isinstance(event, Prioritised | Ended | Resumed):
            return None
        return next((monitor for monitor, watch in self.items.items() if event.id in watch.alarms), None)

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        watch = self.items[key]
        placed(watch.silences, key, scene)
        for silence in watch.silences:
            if shown(silence, now) and scene.mine(fold(silence.patient)):
                silence.present = scene.decided(silence.present)
                yield concluded(silence, key, watch.serial, scene, now)

    def heir(self, finding: Finding, scene: Scene, now: Micros) -> str | None:
        """What is found now of the same time."""
        key = fold(finding.monitor or "")
        mine = [one.finding for one in self.found(key, scene, now)] if key in self.items else []
        return overlapping(finding, [one for one in mine if one.body["what"] == finding.body["what"]])

    def due(self, key: str) -> Iterable[Micros]:
        for silence in self.items[key].silences:
            if silence.end is None:
                yield silence.own + int(silence.thresholds.paused * SECOND)
                yield silence.sent + int(silence.thresholds.long * SECOND)
                yield silence.sent + int(silence.thresholds.very_long * SECOND)

    def over(self, key: str, horizon: Micros) -> bool:
        """What has ended before it is forgotten, the rest stays."""
        watch = self.items[key]
        watch.silences = [one for one in watch.silences if one.closes >= horizon]
        watch.alarms = {name: one for name, one in watch.alarms.items() if one.ended is None or one.ended >= horizon - TAKEN_UP}
        pause = watch.causes.get(PAUSED)
        if pause is not None and pause.broken is not None and pause.broken < horizon - LONGEST_BREAK:
            del watch.causes[PAUSED]
        return watch.empty


def happens(watch: Watch, event: Event, scene: Scene, monitor: str) -> bool:
    """Let *event* happen to *watch*; whether it may have changed anything."""
    moments = [moment for moment in scene.meant if isinstance(moment, Moment)]
    for moment in moments:
        befall(watch, moment, event)
    alarms(watch, event)
    causes, arrived = tell(watch, event, scene), begun(event, scene, watch.stays)
    if arrived is not None:
        watch.stays[fold(arrived.patient)] = arrived
    end(watch, event)
    if not is_lost(event, scene, monitor):
        begin(watch, monitor, event, scene, causes, arrived, returned=any(moment.what == "heard" for moment in moments))
    count(watch, event.order[0])
    return bool(moments) or arrived is not None or isinstance(event, Word | MonitorConfigured | LimitsReported)


def alarms(watch: Watch, event: Event) -> None:
    """What is told of an episode. One that has ended is remembered until its alarm begins again: the end may be taken back."""
    if isinstance(event, Onset):
        new = Alarmed(fold(event.patient) if event.patient else None, event.sensor, event.condition, event.sighting)
        ended = [name for name, one in watch.alarms.items() if one.ended is not None and same(one, new)]
        for name in ended:
            del watch.alarms[name]
        watch.alarms[event.id] = new
    elif isinstance(event, Word) and (known := watch.alarms.get(event.id)):
        match event:
            case Prioritised() if event.priority in SERIOUS:
                known.serious = True
            case Ended(by="released"):
                del watch.alarms[event.id]
            case Ended():
                known.ended = event.order[0]
            case Resumed():
                known.ended = None
            case _:  # What was done about it.
                pass


def same(one: Alarmed, other: Alarmed) -> bool:
    return (one.patient, one.device, one.condition) == (other.patient, other.device, other.condition)


def is_lost(event: Event, scene: Scene, monitor: str) -> bool:
    """Whether the monitor is lost behind *event*: a word is none of its records, and no sign of life."""
    if isinstance(event, Word):
        known = scene.house.monitors.get(monitor)
        return known is not None and known.lost is not None
    return any(isinstance(moment, Moment) and moment.what == "lost" for moment in scene.meant)


def concluded(silence: Silence, monitor: str, serial: str, scene: Scene, now: Micros) -> Conclusion:
    ended, reached = silence.end, level(silence, now)
    subject = (silence.patient, monitor, silence.what, silence.condition or "")
    finding = scene.finding(
        "silenced", "\n".join(fold(part) for part in subject), silence.start, silence.thresholds,
        evidence=(*silence.begun, silence.alarm if reached == "critical" else None, ended.copy if ended else None),
        end=ended.sent if ended else None, place=silence.place, monitor=serial, patient=silence.patient,
        quality=marks(silence),
        body={
            "what": silence.what,
            "condition": silence.condition,
            "level": reached,
            "critical_seconds": seconds(critical(silence)),
            "duration": seconds(ended.sent - silence.sent) if ended else None,
            "how_ended": ended.how if ended else None,
            "present": scene.shown(silence.present),
        },
    )  # fmt: skip
    return Conclusion(finding, silence.closes)


def marks(silence: Silence) -> Iterator[Quality]:
    for copy in (*silence.begun, silence.end.copy if silence.end else None):
        yield from copy.quality if copy else ()
    if silence.conflict:
        yield "patient-conflict"
    if any(person.shared for person in silence.present.people):
        yield "shared-account"
