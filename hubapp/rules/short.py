"""From an episode as it is remembered to what the other rules are told of it."""

from __future__ import annotations

from hubapp.facts import Micros
from hubapp.rules import attendance
from hubapp.rules.episode import Episode, Known, identity
from hubapp.rules.evidence import Attendance, hands, judged, signal_limit
from hubapp.rules.house import Timeline
from hubapp.rules.moments import Order
from hubapp.rules.sightings import Sighting
from hubapp.rules.told import Ended, EpisodeTold, Handled, Judged, Onset, Prioritised


def short(
    episode: Episode, previous: Episode | None, seen: Attendance | None, house: Timeline, known: Known, watermark: Micros
) -> EpisodeTold:  # fmt: skip
    """*episode* as of *watermark*; previous: the one before it of the same alarm; seen: its evidence, if it is judged."""
    name = identity(episode, "episodes")
    return EpisodeTold(
        id=name,
        onset=onset(episode, previous, name, house),
        priorities=tuple(
            Prioritised(order=episode.order if sent == episode.sent else at(sent, name), id=name, priority=priority)
            for priority, sent in sorted(episode.since.items(), key=lambda one: (one[1], one[0]))
        ),
        ended=ended(episode, name),
        handled=handled(episode, seen, name),
        judged=result(episode, seen, name, house, known, watermark),
    )


def at(sent: Micros, name: str) -> Order:
    """A place in the order for what no single record says."""
    return (sent, name, -1, -1, -1)


def onset(episode: Episode, previous: Episode | None, name: str, house: Timeline) -> Onset:
    late = "told-late" in episode.quality
    unobserved = episode.monitor is not None and house.silent_at(episode.monitor, episode.order)
    missed = previous is not None and previous.ended_by == "unseen"
    return Onset(
        order=episode.order, id=name, subject=episode.subject, patient=episode.patient, monitor=episode.monitor,
        serial=episode.serial, device=episode.device, sensor=episode.sensor, condition=episode.condition, kind=episode.kind,
        start=episode.start, sighting=episode.onset, place=episode.place, thresholds=episode.thresholds,
        counts=not (late or unobserved or missed), told_late=late, unobserved=unobserved,
    )  # fmt: skip


def ended(episode: Episode, name: str) -> Ended | None:
    """An end that was missed is known when the new onset is told: until then the alarm was taken to be on."""
    if episode.ended_by is None or episode.ended_sent is None:
        return None
    sent = episode.signal_ended if episode.ended_by == "unseen" and episode.signal_ended is not None else episode.ended_sent
    order = episode.ending.order if episode.ending is not None else at(sent, name)
    return Ended(order=order, id=name, by=episode.ended_by, end=episode.end, sighting=episode.ending)


def handled(episode: Episode, seen: Attendance | None, name: str) -> Handled | None:
    if seen is None:
        return None
    limit = signal_limit(episode)
    found = [one for one in hands(seen, episode) if one.sent <= limit]
    if not found:
        return None
    first = min(found, key=lambda one: (one.sent, one.copy.order))
    copy: Sighting = first.copy
    return Handled(order=copy.order if first.sent == copy.sent else at(first.sent, name), id=name, sighting=copy)


def result(
    episode: Episode, seen: Attendance | None, name: str, house: Timeline, known: Known, watermark: Micros
) -> Judged | None:  # fmt: skip
    if seen is None or not judged(episode):
        return None
    due = attendance.deadline(episode, known[episode.thresholds].attendance)
    found = attendance.found(seen, episode, house, known, watermark, "").body["result"]
    return Judged(order=at(due, name), id=name, result=found) if watermark > due else None
