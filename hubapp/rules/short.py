"""From an episode as it is remembered to what the other rules are told of it."""

from __future__ import annotations

from collections.abc import Iterator

from hubapp.facts import Micros
from hubapp.rules.attendance import deadline, lost_at
from hubapp.rules.endings import ended_order
from hubapp.rules.episode import Episode, Known, identity
from hubapp.rules.evidence import Attendance, hands, judged, signal_limit
from hubapp.rules.house import Timeline
from hubapp.rules.moments import EARLIEST, Order
from hubapp.rules.sightings import Sighting
from hubapp.rules.told import Ended, EpisodeTold, Handled, Judged, Onset, Prioritised, Resumed


def short(
    episode: Episode, previous: Episode | None, seen: Attendance | None, verdict: tuple[Micros, str] | None, house: Timeline
) -> EpisodeTold:  # fmt: skip
    """What is told of *episode*; previous: the one before it of the same alarm; seen: its evidence; verdict: its deadline,
    when that has passed, and the result that attendance has now.
    """
    name = identity(episode, "episodes")
    return EpisodeTold(
        id=name,
        onset=onset(episode, previous, name, house),
        priorities=tuple(
            Prioritised(order=episode.order if sent == episode.sent else at(sent, name), id=name, priority=priority)
            for priority, sent in sorted(episode.since.items(), key=lambda one: (one[1], one[0]))
        ),
        ends=tuple(ends(episode, name)),
        handled=handled(episode, seen, name),
        judged=None if verdict is None else Judged(order=at(verdict[0], name), id=name, result=at_deadline(episode, *verdict)),
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
        start=episode.start, sighting=episode.onset, thresholds=episode.thresholds,
        counts=not (late or unobserved or missed), told_late=late, unobserved=unobserved,
    )  # fmt: skip


def ends(episode: Episode, name: str) -> Iterator[Ended | Resumed]:
    after = EARLIEST
    for end in episode.breaks:
        yield Ended(order=end.known, id=name, by=end.by, end=end.end)
        yield Resumed(order=end.resumed, id=name)
        after = (*end.resumed[:4], end.resumed[4] + 1)
    if episode.ended_by is not None:  # One record may resume an alarm and tell that its end was missed: in this order.
        order = max(after, ended_order(episode))
        yield Ended(order=order, id=name, by=episode.ended_by, end=episode.end, sighting=episode.ending)


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


def at_deadline(episode: Episode, due: Micros, result: str) -> str:
    """The result as it was known at the deadline: late evidence, or an end that is known later, is no part of it."""
    if result in ("attended", "visited"):
        return result
    if "told-late" in episode.quality:
        return "not-judged"
    ended = [(end.by, end.known) for end in episode.breaks if end.known[0] <= due < end.resumed[0]]
    if episode.ended_by is not None and ended_order(episode)[0] <= due:
        ended.append((episode.ended_by, ended_order(episode)))
    if ended:
        return "self-resolved" if ended[-1][0] == "cleared" and not episode.latched else "unobserved"
    return "unobserved" if lost_at(episode, due) else "no-evidence"


def is_due(episode: Episode, known: Known, watermark: Micros) -> Micros | None:
    """The deadline of an episode that is judged, if *watermark* has passed it."""
    if not judged(episode):
        return None
    due = deadline(episode, known[episode.thresholds].attendance)
    return due if watermark > due else None
