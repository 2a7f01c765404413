"""When a patient was really monitored: the patient session without the time in which the monitor was lost.

It is the denominator of every rate. A session that is told again, by a reconnect or a discovery, is the same one; a close
or another patient's opening ends it, a loss does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hubapp.facts import Micros, Quality, fold
from hubapp.findings import Finding
from hubapp.rules.episode import OPEN_END
from hubapp.rules.moments import Moment
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import Sighting, seconds
from hubapp.rules.stays import PLACING, Stay, begun, contradicts, copy_of, left, monitor_of, overlapping, placed, serial_of


class Session(msgspec.Struct):
    """A stay with the time that nobody could see. lost: since when, while the monitor is."""

    stay: Stay
    unobserved: Micros = 0
    lost: Micros | None = None
    end: Micros | None = None
    ending: Sighting | None = None
    conflict: bool = False
    place: Place = NOWHERE

    @property
    def patient(self) -> str:
        return fold(self.stay.patient)

    @property
    def sent(self) -> Micros:
        return self.stay.sent


class Sessions(msgspec.Struct):
    """Of one monitor: those that are open, and those that have ended of late."""

    serial: str
    sessions: list[Session] = []

    @property
    def current(self) -> dict[str, Session]:
        return {session.patient: session for session in self.sessions if session.end is None}


class Nothing(msgspec.Struct, frozen=True):
    """The thresholds that this rule goes by."""


class Monitored:
    name = "monitored"
    kind: type = Sessions

    def __init__(self) -> None:
        self.items: dict[str, Sessions] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        if isinstance(event, PLACING) and scene.moves(event):
            return [key for key, here in self.items.items() if placed(here.sessions, key, scene)]
        monitor = monitor_of(event, scene)
        if monitor is None:
            return []
        here = self.items.get(monitor) or Sessions(serial_of(event, monitor))
        heard = [befall(here, moment, event) for moment in scene.meant if isinstance(moment, Moment)]
        if stay := begun(event, scene, here.current):
            here.sessions.append(Session(stay, place=scene.placed(monitor, stay.sent, NOWHERE)))
            self.items[monitor] = here
        return [monitor] if stay or any(heard) else []

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        here = self.items[key]
        placed(here.sessions, key, scene)
        for session in here.sessions:
            if scene.mine(session.patient):
                yield concluded(session, key, here.serial, scene)

    def heir(self, finding: Finding, scene: Scene, now: Micros) -> str | None:
        """What is found now of the same time."""
        key = fold(finding.monitor or "")
        return overlapping(finding, [one.finding for one in self.found(key, scene, now)] if key in self.items else [])

    def due(self, key: str) -> Iterable[Micros]:
        return ()

    def over(self, key: str, horizon: Micros) -> bool:
        """What has ended before it is forgotten, the rest stays."""
        here = self.items[key]
        here.sessions = [session for session in here.sessions if session.end is None or session.end >= horizon]
        return not here.sessions


def befall(here: Sessions, moment: Moment, event: Event) -> bool:
    """Let *moment* happen to the open sessions; whether any is changed by it."""
    known = here.current
    conflict, ended = contradicts(moment, known), left(moment, known)
    for patient, session in known.items():
        if moment.what == "lost":
            session.lost = moment.sent  # A loss that is told counts from its own time, where there was a silence before it.
        elif moment.what == "heard" and session.lost is not None:
            session.unobserved, session.lost = session.unobserved + moment.sent - session.lost, None
        if patient in ended:
            session.end, session.ending = moment.sent, copy_of(event)
        session.conflict = session.conflict or conflict
    return bool(known)


def concluded(session: Session, monitor: str, serial: str, scene: Scene) -> Conclusion:
    stay, end = session.stay, session.end
    finding = scene.finding(
        "monitored", f"{session.patient}\n{monitor}", stay.start, Nothing(),
        evidence=(stay.opening, session.ending), end=end, place=session.place, monitor=serial, patient=stay.patient,
        quality=marks(session),
        body={
            "duration": None if end is None else seconds(end - stay.sent - session.unobserved),
            "unobserved": seconds(session.unobserved),
        },
    )  # fmt: skip
    return Conclusion(finding, OPEN_END if end is None else end)


def marks(session: Session) -> Iterator[Quality]:
    for copy in (session.stay.opening, session.ending):
        yield from copy.quality if copy else ()
    if session.conflict:
        yield "patient-conflict"
