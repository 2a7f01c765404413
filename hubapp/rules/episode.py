"""An episode as it is remembered: one stretch of one alarm condition (IEC 60601-1-8). And the envelope of what is found of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from hubapp.facts import SECOND, AnyAlarm, Kind, Limits, Micros, Priority, Quality, Signal, fold
from hubapp.findings import Finding, finding_id
from hubapp.rules.house import Timeline
from hubapp.rules.moments import Order
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.sightings import Sighting, instant
from hubapp.thresholds import Thresholds, digest

VERSION = 1
EndedBy: TypeAlias = Literal["cleared", "released", "removed", "lost", "unseen"]
Known: TypeAlias = dict[str, Thresholds]
"""All thresholds that were ever met, by their hash."""

FINAL_AFTER: Micros = 60 * SECOND
OPEN_END: Micros = 1 << 62


class Held(NamedTuple):
    """An alarm's fact as the hub holds it; thresholds: the hash of those in force at its place in the log."""

    order: Order
    fact: AnyAlarm
    thresholds: str


class Break(msgspec.Struct, frozen=True):
    """An end that was none: the alarm was taken up again. known, resumed: when one knew of each."""

    by: EndedBy
    end: Micros | None
    known: Order
    resumed: Order


class Episode(msgspec.Struct):
    """An episode and what its later facts are compared with.

    sensor: the device, folded. start, end: as shown. sent, ended_sent: when onset and end were told; told_at, ended_at: the
    `at` of these records. signal_ended: when nothing was announced any more. closes: when the way it ended was decided.
    losses: (lost, heard of again) by `sent`; returned: the first word of the monitor after a loss that had ended it,
    as_lost: how it stood then. since: when each priority was first sent. linked: since when its monitor is known. previous:
    the start of the episode before. behind: its clock is not believed. stray: raised after its patient had gone; gone: the
    patient has gone since.
    """

    subject: str
    patient: str | None
    device: str
    sensor: str
    condition: str
    kind: Kind
    thresholds: str
    start: Micros
    order: Order
    sent: Micros
    told_at: Micros
    monitor: str | None
    serial: str | None
    linked: Order
    priority: Priority
    since: dict[str, Micros]
    limits: Limits | None
    onset: Sighting
    reports: int
    last_sent: Micros
    last: tuple[Priority, Limits | None]
    behind: bool = False
    previous: Micros | None = None
    end: Micros | None = None
    ended_by: EndedBy | None = None
    ended_at: Micros | None = None
    ended_sent: Micros | None = None
    signal_ended: Micros | None = None
    closes: Micros | None = None
    latched: bool = False
    latched_signals: list[Signal] = []
    acknowledged: Sighting | None = None
    ending: Sighting | None = None
    released: Sighting | None = None
    losses: list[tuple[Micros, Micros | None]] = []
    returned: Micros | None = None
    as_lost: Episode | None = None
    breaks: list[Break] = []
    stray: bool = False
    gone: bool = False
    quality: list[Quality] = []
    place: Place = NOWHERE
    peak: Sighting | None = None

    @property
    def open(self) -> bool:
        return self.ended_by is None

    @property
    def signalling(self) -> bool:
        """Whether the condition holds or its signal is latched."""
        return self.ended_by is None or (bool(self.latched_signals) and self.signal_ended is None)

    @property
    def lost(self) -> Micros | None:
        """When the monitor was lost, if it still is."""
        return self.losses[-1][0] if self.losses and self.losses[-1][1] is None else None

    def mark(self, *words: Quality) -> None:
        if not {*words}.issubset(self.quality):
            self.quality = sorted({*self.quality, *words})

    def copy(self) -> Episode:
        return msgspec.structs.replace(
            self,
            since=dict(self.since),
            latched_signals=list(self.latched_signals),
            losses=list(self.losses),
            quality=list(self.quality),
        )


class Alarm(msgspec.Struct):
    """What is remembered of one (patient or monitor, device, condition): its episodes, the newest last."""

    episodes: list[Episode] = []

    def copy(self) -> Alarm:
        return Alarm([episode.copy() for episode in self.episodes])

    @property
    def newest(self) -> Episode | None:
        return self.episodes[-1] if self.episodes else None


def patient_of(episode: Episode) -> str | None:
    """Folded, as sessions are compared."""
    return fold(episode.patient) if episode.patient else None


def identity(episode: Episode, rule: str) -> str:
    return named(rule, episode.subject, episode.sensor, episode.condition, episode.start)


@lru_cache(maxsize=20_000)
def named(rule: str, subject: str, sensor: str, condition: str, start: Micros) -> str:
    """`finding_id`, remembered: a finding is told many times."""
    return finding_id(rule, f"{subject}\n{sensor}\n{condition}", start)


def finding(
    episode: Episode, rule: str, used: msgspec.Struct, final: bool, house: Timeline, *, evidence: Iterable[Sighting | None],
    cluster: str, body: dict[str, Any], account: str | None = None, quality: Iterable[Quality] = (),
) -> Finding:  # fmt: skip
    """The envelope of a finding about *episode*; used: the thresholds that it went by."""
    place, units, marks = episode.place, units_of(episode, house), {*episode.quality, *quality}
    if not units:
        marks.add("unplaced")
    elif place.unsure and house.house.places.only_unit is None:
        marks.add("place-unsure")
    copies = {s.order: s for s in evidence if s is not None}
    bed = house.house.places.bed_names.get(place.bed, place.bed) if place.bed else None
    return Finding(
        id=identity(episode, rule), rule=rule, rule_version=f"{VERSION}-{digest_of(used)}",
        status="final" if final else "provisional", quality=sorted(marks), units=units, bed=bed, monitor=episode.serial,
        device=episode.device, patient=episode.patient, account=account, start=instant(episode.start),
        end=None if episode.end is None else instant(episode.end),
        evidence=[copies[order].evidence(cluster) for order in sorted(copies)], body=body,
    )  # fmt: skip


def units_of(episode: Episode, house: Timeline) -> list[str]:
    """Those of its place; in a hub of one unit, that one."""
    only = house.house.places.only_unit if episode.monitor else None
    return [only] if only else list(episode.place.units)


@lru_cache(maxsize=1_000)
def digest_of(thresholds: msgspec.Struct) -> str:
    return digest(thresholds)
