"""One stretch of one alarm condition, from onset to end (IEC 60601-1-8: alarm condition, latched alarm signal).

The two signals of a condition are one. The condition ends when its monitor says so (cleared), its patient leaves
(released), its sensor is removed, its monitor is lost for too long, or a later report shows that it ended unseen. A
latched signal outlives its condition until somebody acknowledges it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from hubapp import codes
from hubapp.facts import (
    SECOND,
    AlarmEnded,
    AlarmFact,
    AlarmLatched,
    AlarmRaised,
    AnyAlarm,
    Kind,
    Limits,
    Micros,
    Priority,
    Quality,
    Signal,
    fold,
)
from hubapp.findings import Finding, finding_id
from hubapp.rules.house import Timeline
from hubapp.rules.moments import Moment, Order
from hubapp.rules.places import Place
from hubapp.rules.sightings import Sighting, instant, limits_of, seconds, sighting
from hubapp.thresholds import Thresholds, digest

VERSION = 1
EndedBy: TypeAlias = Literal["cleared", "released", "removed", "lost", "unseen"]

BEHIND = TOLD_LATE = RELEASED_WITHIN = 60 * SECOND
TWIN, SETTLING = 5 * SECOND, 5 * SECOND
STRAY = 24 * 3600 * SECOND
FINAL_AFTER = 60 * SECOND
RANK: dict[Priority, int] = {"NONE": 0, "LO": 1, "ME": 2, "HI": 3}
OPEN_END: Micros = 1 << 62


class Held(msgspec.Struct, frozen=True):
    """A fact as the hub holds it; thresholds: the hash of those in force at its place in the log."""

    fact: AnyAlarm
    thresholds: str

    @property
    def order(self) -> Order:
        return self.fact.order


class Episode(msgspec.Struct):
    """An episode and what its later facts are compared with.

    start, end: as shown. sent, ended_sent: when onset and end were told. signal_ended: when nothing was announced any
    more. losses: (lost, heard of again) by `sent`. since: when each priority was first sent.
    """

    subject: str
    patient: str | None
    device: str
    condition: str
    kind: Kind
    thresholds: str
    start: Micros
    order: Order
    sent: Micros
    told_at: Micros
    monitor: str | None
    serial: str | None
    priority: Priority
    since: dict[str, Micros]
    limits: Limits | None
    onset: Sighting
    reports: int
    last_sent: Micros
    last: tuple[Priority, Limits | None]
    behind: bool = False
    end: Micros | None = None
    ended_by: EndedBy | None = None
    ended_at: Micros | None = None
    ended_sent: Micros | None = None
    signal_ended: Micros | None = None
    latched: bool = False
    latched_signals: list[Signal] = []
    acknowledged: Sighting | None = None
    ending: Sighting | None = None
    released: Sighting | None = None
    losses: list[tuple[Micros, Micros | None]] = []
    heard: Micros | None = None
    stray: bool = False
    gone: bool = False
    fleeting_before: bool = False
    quality: list[Quality] = []
    place: Place | None = None
    peak: Sighting | None = None

    @property
    def open(self) -> bool:
        return self.ended_by is None

    @property
    def signalling(self) -> bool:
        """Whether the condition holds or its signal is latched."""
        return self.open or (bool(self.latched_signals) and self.signal_ended is None)

    @property
    def lost(self) -> Micros | None:
        """When the monitor was lost, if it still is."""
        return self.losses[-1][0] if self.losses and self.losses[-1][1] is None else None

    def mark(self, *words: Quality) -> None:
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


Known: TypeAlias = dict[str, Thresholds]


def settle(before: Alarm, facts: Sequence[Held], house: Timeline, known: Known) -> Alarm:
    """*before* with *facts* of this alarm, and what happened meanwhile in the *house*, applied in their order."""
    alarm = before.copy()
    for event in merged(alarm, facts, house):
        if isinstance(event, Moment):
            happen(alarm, event, known)
        else:
            tell(alarm, event, house, known)
    for episode in alarm.episodes:
        episode.place = episode.place or house.place(episode.monitor, episode.sent)
    return alarm


def evaluate(
    before: Alarm, facts: Sequence[Held], house: Timeline, known: Known, watermark: Micros, cluster: str
) -> list[Finding]:
    """The findings of *before* with *facts* applied, as of *watermark*."""
    return list(findings(as_of(settle(before, facts, house, known), known, watermark), known, watermark, cluster))


def as_of(alarm: Alarm, known: Known, watermark: Micros) -> Alarm:
    """Let what is due by *watermark* happen."""
    for episode in alarm.episodes:
        expire(episode, known, watermark)
    return alarm


def merged(alarm: Alarm, facts: Sequence[Held], house: Timeline) -> Iterator[Held | Moment]:
    """The alarm's facts and what happened to the monitors that they may be on, in one order."""
    watched = {episode.monitor for episode in alarm.episodes if episode.monitor}
    for held in facts:
        if monitor := monitor_of(held.fact, house):
            watched.add(monitor)
    events: list[Held | Moment] = [*facts, *house.moments_of(watched)]
    return iter(sorted(events, key=lambda event: event.order))


def monitor_of(fact: AlarmFact, house: Timeline) -> str | None:
    """The folded serial of the monitor that an alarm is on, then: as its record says, else as the house knows."""
    if fact.monitor:
        return fold(fact.monitor)
    return house.monitor_of(fold(fact.device), fold(fact.patient) if fact.patient else None, fact.order)


# What happens to the monitor.


def happen(alarm: Alarm, moment: Moment, known: Known) -> None:
    for episode in alarm.episodes:
        if episode.monitor != moment.monitor:
            continue
        expire(episode, known, moment.sent)
        if moment.what == "lost" and episode.signalling:
            episode.losses.append((moment.sent, None))
        elif moment.what == "removed" and episode.open and moment.sensor == fold(episode.device):
            ended(episode, "removed", moment.fact.at, moment.fact.sent, sighting(moment.fact))
        elif moment.what in ("opened", "closed"):
            heard(episode, known, moment.sent)
            leave(episode, moment)
        elif moment.what == "heard":
            heard(episode, known, moment.sent)


def leave(episode: Episode, moment: Moment) -> None:
    """The patient's session closes, or another's opens: that is the end of all its alarms here."""
    mine = fold(episode.patient) if episode.patient else None
    another = moment.what == "opened" and moment.patient != mine
    closes = moment.what == "closed" and (moment.patient is None or moment.patient == mine)
    if mine is None or not (another or closes or episode.stray):
        return
    episode.gone, episode.heard = True, None
    if moment.named and episode.released is None and takes_trace(episode, moment.sent):
        episode.released = sighting(moment.fact)
    if episode.open:
        ended(episode, "released", moment.fact.at, moment.sent, sighting(moment.fact))
    elif episode.signalling:
        episode.signal_ended, episode.latched_signals = moment.sent, []


def takes_trace(episode: Episode, sent: Micros) -> bool:
    """Whether a release is a trace at this alarm: its signal is on, or its sensor was removed just before."""
    removed = episode.ended_by == "removed" and episode.ended_sent is not None and sent - episode.ended_sent <= RELEASED_WITHIN
    return episode.signalling or removed


def heard(episode: Episode, known: Known, sent: Micros) -> None:
    """The monitor is back: the time without it was unobserved, or the alarm, ended by the loss, may be taken up again."""
    lost = episode.lost
    if lost is None or episode.heard is not None:
        return
    if episode.ended_by == "lost":
        if not episode.gone and sent - lost <= known[episode.thresholds].episodes.taken_up * SECOND:
            episode.heard = sent
    else:
        episode.losses[-1] = (lost, sent)


def expire(episode: Episode, known: Known, now: Micros) -> None:
    """Let what waited for time happen, if *now* is later."""
    lost = episode.lost
    if episode.open and lost is not None and now - lost > known[episode.thresholds].episodes.lost * SECOND:
        ended(episode, "lost", lost, lost, None)
    if episode.heard is not None and now - episode.heard >= SETTLING:
        take_up(episode)
    if episode.stray and episode.open and now - episode.start > STRAY:
        ended(episode, "released", episode.start + STRAY, episode.start + STRAY, None)


def take_up(episode: Episode) -> None:
    """A lost monitor was heard of again and the patient's session went on: the alarm was on all the time."""
    if episode.heard is not None and episode.losses:
        episode.losses[-1] = (episode.losses[-1][0], episode.heard)
    episode.gone = False
    episode.heard = episode.end = episode.ended_by = episode.ended_at = None
    episode.ended_sent = episode.signal_ended = episode.ending = None


def ended(episode: Episode, by: EndedBy, at: Micros, sent: Micros, ending: Sighting | None) -> None:
    """The condition ends at *at*; before its onset, or where the clock is not believed, at *sent*."""
    end = at
    if by == "cleared" and (episode.behind or at < episode.start):
        end = sent
        episode.mark("clock-behind")
    episode.end, episode.ended_by, episode.ended_at, episode.ended_sent = max(end, episode.start), by, at, sent
    episode.ending = ending
    episode.signal_ended = sent


# What the alarm itself tells.


def tell(alarm: Alarm, held: Held, house: Timeline, known: Known) -> None:
    fact, newest = held.fact, alarm.newest
    if newest is not None:
        if newest.monitor is None:
            newest.monitor = monitor_of(fact, house)
            newest.serial = house.serial(newest.monitor) if newest.monitor else None
        expire(newest, known, fact.sent)
        heard(newest, known, fact.sent)
        if newest.heard is not None and not newest.gone:
            take_up(newest)
    match fact:
        case AlarmRaised():
            raised(alarm, held, house, known)
        case AlarmLatched():
            latched(newest, fact)
        case AlarmEnded():
            cleared(newest, fact)
    if newest is not None and newest is alarm.newest:
        newest.last_sent = fact.sent


def raised(alarm: Alarm, held: Held, house: Timeline, known: Known) -> None:
    fact, newest = held.fact, alarm.newest
    if newest is None:
        alarm.episodes.append(begun(alarm, held, house, behind=False))
    elif newest.open:
        if unseen(newest, fact, known):
            unseen_end(newest, fact)
            alarm.episodes.append(begun(alarm, held, house, behind=False))
        else:
            reported(newest, fact)
    elif fact.at == newest.told_at and not newest.behind:
        if fact.listed:
            take_up(newest)
            reported(newest, fact)
    elif newest.ended_at is None or fact.at > newest.ended_at:
        signal_over(newest, fact.sent)
        alarm.episodes.append(begun(alarm, held, house, behind=False))
    elif fact.sent - (newest.ended_sent or fact.sent) > TWIN:
        signal_over(newest, fact.sent)
        alarm.episodes.append(begun(alarm, held, house, behind=True))


def unseen(episode: Episode, fact: AlarmRaised | AnyAlarm, known: Known) -> bool:
    """The same alarm told as if new, long after its last report: its end was never told. A changed one goes on."""
    later = fact.at - episode.last_sent > known[episode.thresholds].episodes.unseen * SECOND
    return later and (fact.priority, fact.limits) == episode.last


def unseen_end(episode: Episode, fact: AlarmFact) -> None:
    episode.ended_by, episode.ended_at, episode.ended_sent = "unseen", None, episode.last_sent
    episode.signal_ended = fact.sent
    episode.mark("end-missed")


def begun(alarm: Alarm, held: Held, house: Timeline, *, behind: bool) -> Episode:
    """A new episode. An onset much older than its message starts when it was sent, unless a list tells it late."""
    fact, old = held.fact, held.fact.sent - held.fact.at > BEHIND
    behind = behind or (old and not fact.listed)
    monitor = monitor_of(fact, house)
    start = fact.sent if behind else fact.at
    patient = fold(fact.patient) if fact.patient else None
    newest = alarm.newest
    episode = Episode(
        subject=fold(fact.patient or fact.monitor or fact.device), patient=fact.patient, device=fact.device, condition=fact.condition,
        kind=fact.kind, thresholds=held.thresholds, start=start, order=fact.order, sent=fact.sent, told_at=fact.at, monitor=monitor,
        serial=fact.monitor or (house.serial(monitor) if monitor else None), priority=fact.priority, since={fact.priority: fact.sent}, limits=fact.limits, onset=sighting(fact),
        reports=counted(fact), last_sent=fact.sent, last=(fact.priority, fact.limits), behind=behind,
        fleeting_before=newest is not None and start - newest.start <= 60 * SECOND,
    )  # fmt: skip
    episode.mark(*fact.quality)
    if behind:
        episode.mark("clock-behind")
    if old and fact.listed:
        episode.mark("told-late")
    if monitor and patient:
        state, other = house.session(monitor, fact.order)
        episode.stray = state == "closed" or (state == "open" and other != patient)
        if state == "open" and other != patient:
            episode.mark("patient-conflict")
    return episode


def counted(fact: AlarmFact) -> int:
    """Updates of the visible or only signal are what is counted: the audible one says the same."""
    return int(fact.signal != "audible")


def reported(episode: Episode, fact: AnyAlarm) -> None:
    """The state told again, perhaps with another priority."""
    episode.reports += counted(fact)
    episode.last = (fact.priority, fact.limits)
    if fact.priority not in episode.since:
        episode.since[fact.priority] = fact.sent
    if RANK[fact.priority] > RANK[episode.priority]:
        episode.priority = fact.priority
        episode.peak = sighting(fact)


def latched(episode: Episode | None, fact: AlarmLatched) -> None:
    if episode is None:
        return
    if episode.open:
        ended(episode, "cleared", fact.at, fact.sent, sighting(fact))
        episode.mark(*fact.quality)
    elif episode.ended_by != "cleared" or fact.at != episode.ended_at or episode.acknowledged is not None:
        return
    episode.reports += counted(fact)
    episode.latched = True
    episode.signal_ended = None
    if fact.signal not in episode.latched_signals:
        episode.latched_signals = sorted([*episode.latched_signals, fact.signal])


def cleared(episode: Episode | None, fact: AlarmEnded) -> None:
    """The signal is off: the condition's end, or somebody's acknowledgement of a latched signal."""
    if episode is None:
        return
    if episode.open:
        ended(episode, "cleared", fact.at, fact.sent, sighting(fact))
        episode.mark(*fact.quality)
    elif episode.signalling and fact.signal in episode.latched_signals:
        episode.acknowledged = sighting(fact)
        signal_over(episode, fact.sent)
    elif episode.ended_by != "cleared" or fact.at != episode.ended_at:
        return
    episode.reports += counted(fact)


def signal_over(episode: Episode, sent: Micros) -> None:
    if episode.latched_signals:
        episode.signal_ended, episode.latched_signals = sent, []


# What is shown.


def closes_at(episode: Episode) -> Micros:
    """When the window closes: the end of the signal and a minute; not yet known for an open one."""
    if episode.signalling or episode.signal_ended is None:
        return OPEN_END
    return episode.signal_ended + FINAL_AFTER


def due_at(episode: Episode, known: Known) -> Iterator[Micros]:
    """The instants at which time alone changes this episode."""
    if episode.open and episode.lost is not None:
        yield episode.lost + int(known[episode.thresholds].episodes.lost * SECOND)
    if episode.heard is not None:
        yield episode.heard + SETTLING - 1
    if episode.stray and episode.open:
        yield episode.start + STRAY
    yield closes_at(episode)


def identity(episode: Episode, rule: str) -> str:
    return finding_id(rule, f"{episode.subject}\n{fold(episode.device)}\n{episode.condition}", episode.start)


def findings(alarm: Alarm, known: Known, watermark: Micros, cluster: str) -> Iterator[Finding]:
    for index, episode in enumerate(alarm.episodes):
        following = alarm.episodes[index + 1] if index + 1 < len(alarm.episodes) else None
        yield found(episode, following, known, watermark, cluster)


def found(episode: Episode, following: Episode | None, known: Known, watermark: Micros, cluster: str) -> Finding:
    thresholds = known[episode.thresholds].episodes
    return finding(
        episode, "episodes", digest_of(thresholds), watermark > closes_at(episode),
        evidence=[episode.onset, episode.peak, episode.ending, episode.acknowledged],
        cluster=cluster,
        body={
            "condition": episode.condition,
            "name": codes.names.get(episode.condition, episode.condition),
            "kind": episode.kind,
            "priority": episode.priority,
            "ended_by": episode.ended_by,
            "duration": None if episode.end is None else seconds(episode.end - episode.start),
            "latched": episode.latched,
            "acknowledged_at": instant(episode.acknowledged.sent) if episode.acknowledged else None,
            "unobserved": seconds(unobserved(episode)),
            "fleeting": fleeting(episode, following, known),
            "limits": limits_of(episode.limits),
            "reports": episode.reports,
        },
    )  # fmt: skip


def finding(
    episode: Episode, rule: str, used: str, final: bool, *, evidence: Iterable[Sighting | None], cluster: str,
    body: dict[str, Any], account: str | None = None, quality: Iterable[Quality] = (),
) -> Finding:  # fmt: skip
    """The envelope of a finding about *episode*."""
    place, marks = episode.place, {*episode.quality, *quality}
    if place is None or not place.units:
        marks.add("unplaced")
    elif place.unsure:
        marks.add("place-unsure")
    copies = {(s.sent, s.topic, s.partition, s.offset, s.index): s for s in evidence if s is not None}
    return Finding(
        id=identity(episode, rule), rule=rule, rule_version=f"{VERSION}-{used}", status="final" if final else "provisional",
        quality=sorted(marks), units=sorted(place.units) if place else [], bed=place.bed if place else None,
        monitor=episode.serial, device=episode.device, patient=episode.patient, account=account,
        start=instant(episode.start), end=None if episode.end is None else instant(episode.end),
        evidence=[copies[order].evidence(cluster) for order in sorted(copies)], body=body,
    )  # fmt: skip


def unobserved(episode: Episode) -> Micros:
    return sum(heard - lost for lost, heard in episode.losses if heard is not None)


def fleeting(episode: Episode, following: Episode | None, known: Known) -> bool:
    """Shorter than ten seconds, and not repeated within a minute before or after."""
    thresholds = known[episode.thresholds].episodes
    repeated = following is not None and following.start - episode.start <= thresholds.fleeting_quiet * SECOND
    short = episode.end is not None and episode.end - episode.start < thresholds.fleeting * SECOND
    return episode.ended_by == "cleared" and short and not repeated and not episode.fleeting_before


def digest_of(thresholds: msgspec.Struct) -> str:
    if thresholds not in _digests:
        _digests[thresholds] = digest(thresholds)
    return _digests[thresholds]


_digests: dict[msgspec.Struct, str] = {}
