"""One stretch of one alarm condition, from onset to end (IEC 60601-1-8: alarm condition, latched alarm signal).

The two signals of a condition are one. The condition ends when its monitor says so (cleared), its patient leaves
(released), its sensor is removed, its monitor is lost for too long, or a later report shows that it ended unseen. A
latched signal outlives its condition until somebody acknowledges it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hubapp import codes
from hubapp.facts import SECOND, AlarmLatched, AlarmRaised, Micros
from hubapp.findings import Finding
from hubapp.rules.endings import cleared, closes_at, expire, happen, heard, latched, waits
from hubapp.rules.episode import Alarm, Episode, Held, Known, finding, patient_of
from hubapp.rules.house import Timeline, between, order_of
from hubapp.rules.moments import EARLIEST, LATEST, Moment, Order
from hubapp.rules.onsets import raised
from hubapp.rules.sightings import instant, limits_of, seconds
from hubapp.rules.unseen import marks


def settle(before: Alarm, facts: Sequence[Held], house: Timeline, known: Known) -> Alarm:
    """*before* with *facts* of this alarm, and what happened meanwhile in the *house*, applied in their order."""
    alarm = before.copy()
    advance(alarm, facts, house, known)
    for episode in alarm.episodes:
        episode.place = house.decided(episode.monitor, episode.linked[0], episode.place)
    return alarm


def evaluate(
    before: Alarm, facts: Sequence[Held], house: Timeline, known: Known, watermark: Micros, cluster: str
) -> list[Finding]:
    """The findings of *before* with *facts* applied, as of *watermark*."""
    alarm = settle(before, facts, house, known)
    shown = [as_of(episode, known, watermark) for episode in alarm.episodes]
    after = [*(following.start for _, following in pairwise(shown)), None]
    return [found(episode, start, house, known, watermark, cluster) for episode, start in zip(shown, after, strict=False)]


def as_of(episode: Episode, known: Known, watermark: Micros) -> Episode:
    """*episode* when what is due by *watermark* has happened."""
    if not waits(episode):
        return episode
    later = episode.copy()
    expire(later, known, watermark)
    return later


# The fold.


def advance(alarm: Alarm, facts: Sequence[Held], house: Timeline, known: Known, after: Order = EARLIEST) -> list[Episode]:
    """Apply *facts* and what happened in the house behind *after*, in place. Returns the episodes that it may have changed."""
    touched: list[Episode] = []
    calm, count = is_calm(alarm, house), len(alarm.episodes)
    for held in facts:
        if not calm:
            touched += meanwhile(alarm, house, known, after, held.order)
        touched += tell(alarm, held, house, known)
        after = held.order
        if len(alarm.episodes) != count:
            calm, count = is_calm(alarm, house), len(alarm.episodes)
    return touched if calm else touched + meanwhile(alarm, house, known, after, LATEST)


def is_calm(alarm: Alarm, house: Timeline) -> bool:
    """Whether nothing at all happened to its monitors and its device."""
    watched = {episode.monitor for episode in alarm.episodes}
    return not house.removals and None not in watched and house.moments.keys().isdisjoint(watched)


def meanwhile(alarm: Alarm, house: Timeline, known: Known, after: Order, until: Order) -> list[Episode]:
    """Apply what happened in the house behind *after* up to *until*."""
    touched: list[Episode] = []
    for moment in happenings(alarm, house, after, until) if alarm.episodes else ():
        touched += happen(alarm, moment, known, house)
    return touched


def happenings(alarm: Alarm, house: Timeline, after: Order, until: Order) -> Sequence[Moment]:
    """What happened to the monitors that the episodes are on, and to their device."""
    newest, watched = alarm.episodes[-1], {episode.monitor for episode in alarm.episodes}
    found = list(between(house.removals.get(newest.sensor), after, until))
    if None in watched and (link := house.link(newest.sensor, patient_of(newest), after, until)):
        found.insert(0, link)
        watched.add(link.monitor)
    for monitor in watched:
        found += between(house.moments.get(monitor or ""), after, until)
    return sorted(found, key=lambda moment: (order_of(moment), moment.what != "linked")) if len(found) > 1 else found


def latest(alarm: Alarm, house: Timeline) -> Order:
    """The newest moment of those that `happenings` gives."""
    if not alarm.episodes:
        return EARLIEST
    told = [house.removals.get(alarm.episodes[-1].sensor)]
    told += [house.moments.get(episode.monitor or "") for episode in alarm.episodes]
    return max((moments[-1].order for moments in told if moments), default=EARLIEST)


def tell(alarm: Alarm, held: Held, house: Timeline, known: Known) -> list[Episode]:
    """Apply what the alarm itself tells."""
    fact, newest = held.fact, alarm.newest
    if newest is not None and (newest.losses or newest.stray):
        expire(newest, known, fact.sent)
        heard(newest, known, fact)
    if isinstance(fact, AlarmRaised):
        raised(alarm, held, fact, house, known)
    elif newest is not None:
        if isinstance(fact, AlarmLatched):
            latched(newest, fact)
        else:
            cleared(newest, fact)
    if newest is not None and newest is alarm.newest:
        newest.last_sent = fact.sent
        return [newest]
    return alarm.episodes[-2:]


# What is shown.


def found(episode: Episode, following: Micros | None, house: Timeline, known: Known, watermark: Micros, cluster: str) -> Finding:
    """The finding about *episode*; following: the start of the next one."""
    thresholds, closes = known[episode.thresholds].episodes, closes_at(episode)
    return finding(
        episode, "episodes", thresholds, watermark > closes, house,
        quality=marks(house.house.gaps, "episodes", instant(episode.start), closes),
        evidence=(episode.onset, episode.peak, episode.ending, episode.acknowledged),
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


def unobserved(episode: Episode) -> Micros:
    return sum(heard - lost for lost, heard in episode.losses if heard is not None)


def fleeting(episode: Episode, following: Micros | None, known: Known) -> bool:
    """Shorter than ten seconds, and not repeated within a minute before or after."""
    thresholds = known[episode.thresholds].episodes
    if episode.ended_by != "cleared" or episode.end is None or episode.end - episode.start >= thresholds.fleeting * SECOND:
        return False
    quiet = thresholds.fleeting_quiet * SECOND
    after = following is not None and following - episode.start <= quiet
    before = episode.previous is not None and episode.start - episode.previous <= quiet
    return not (after or before)
