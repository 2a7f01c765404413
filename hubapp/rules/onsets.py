"""What a raised alarm is: a new episode, a report of the open one, a repeat of what has ended, or a late twin."""

from __future__ import annotations

from hubapp.facts import SECOND, AlarmRaised, Micros, Priority, fold
from hubapp.rules.endings import counted, signal_over, take_up
from hubapp.rules.episode import Alarm, Episode, Held, Known
from hubapp.rules.house import Timeline
from hubapp.rules.moments import start_of
from hubapp.rules.sightings import sighting

BEHIND: Micros = 60 * SECOND
TWIN: Micros = 5 * SECOND
RANK: dict[Priority, int] = {"NONE": 0, "LO": 1, "ME": 2, "HI": 3}


def raised(alarm: Alarm, held: Held, fact: AlarmRaised, house: Timeline, known: Known) -> None:
    newest = alarm.newest
    if newest is None:
        begin(alarm, held, house)
    elif newest.open:
        if unseen(newest, fact, known):
            unseen_end(newest, fact)
            begin(alarm, held, house)
        else:
            reported(newest, fact)
    elif fact.at == newest.told_at and not newest.behind:
        if fact.listed:
            take_up(newest, held.order)
            reported(newest, fact)
    elif newest.ended_at is None or fact.at > newest.ended_at:
        signal_over(newest, fact.sent)
        begin(alarm, held, house)
    elif fact.sent - (newest.ended_sent or fact.sent) > TWIN:
        signal_over(newest, fact.sent)
        begin(alarm, held, house, behind=True)


def unseen(episode: Episode, fact: AlarmRaised, known: Known) -> bool:
    """The same alarm told as if new, long after its last report: its end was never told. A changed one goes on."""
    later = fact.at - episode.last_sent > known[episode.thresholds].episodes.unseen * SECOND
    return later and (fact.priority, fact.limits) == episode.last


def unseen_end(episode: Episode, fact: AlarmRaised) -> None:
    episode.ended_by, episode.ended_at, episode.ended_sent = "unseen", None, episode.last_sent
    episode.signal_ended = fact.sent
    episode.mark("end-missed")


def begin(alarm: Alarm, held: Held, house: Timeline, *, behind: bool = False) -> None:
    """A new episode. An onset much older than its message starts when it was sent, unless a list tells it late."""
    fact, newest = held.fact, alarm.newest
    old = fact.sent - fact.at > BEHIND
    behind = behind or (old and not fact.listed)
    monitor = house.monitor_of(fact)
    episode = Episode(
        subject=fold(fact.patient or fact.monitor or fact.device), patient=fact.patient, device=fact.device,
        sensor=fold(fact.device), condition=fact.condition, kind=fact.kind, thresholds=held.thresholds,
        start=fact.sent if behind else fact.at,
        order=held.order, sent=fact.sent, told_at=fact.at, monitor=monitor,
        serial=fact.monitor or (house.serial(monitor) if monitor else None), linked=start_of(fact.sent), priority=fact.priority,
        since={fact.priority: fact.sent}, limits=fact.limits, onset=sighting(fact), reports=counted(fact), last_sent=fact.sent,
        last=(fact.priority, fact.limits), behind=behind, previous=newest.start if newest else None,
    )  # fmt: skip
    episode.mark(*fact.quality)
    if behind:
        episode.mark("clock-behind")
    elif old:
        episode.mark("told-late")
    if monitor and fact.patient:
        astray(episode, *house.session(monitor, fact.order))
    alarm.episodes.append(episode)


def astray(episode: Episode, state: str, patient: str | None) -> None:
    """Raised after its patient has gone from the monitor, perhaps while another is there."""
    other = state == "open" and patient != fold(episode.patient or "")
    episode.stray = state == "closed" or other
    if other:
        episode.mark("patient-conflict")


def reported(episode: Episode, fact: AlarmRaised) -> None:
    """The state told again, perhaps with another priority."""
    episode.reports += counted(fact)
    episode.last = (fact.priority, fact.limits)
    if fact.priority not in episode.since:
        episode.since[fact.priority] = fact.sent
    if RANK[fact.priority] > RANK[episode.priority]:
        episode.priority = fact.priority
        episode.peak = sighting(fact)
