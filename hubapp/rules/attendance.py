"""Who was authenticated when an alarm began, the first evidence of anyone after it, and how long that took.

For each HI/ME physiological episode. A log-in is not a bedside: this is never a nurse's response time. Evidence counts
from the onset until the signal ends; times are compared by `sent`, since the clocks of servers agree and those of
monitors do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from hubapp.facts import SECOND, Micros, Quality
from hubapp.findings import Finding
from hubapp.rules import unseen
from hubapp.rules.endings import RELEASED_WITHIN
from hubapp.rules.episode import OPEN_END, Alarm, Episode, Known, finding, identity, units_of
from hubapp.rules.episodes import as_of
from hubapp.rules.evidence import Attendance, Attendances, Found, elsewhere, evidence, judged, settle
from hubapp.rules.house import Timeline
from hubapp.rules.moments import EvidenceClass
from hubapp.rules.presence import decided
from hubapp.rules.sightings import instant, seconds
from hubapp.thresholds import AttendanceThresholds

Result: TypeAlias = Literal[
    "attended", "visited", "attended-late", "visited-late", "not-judged", "self-resolved", "unobserved", "no-evidence", "open"
]
STRENGTH: dict[EvidenceClass, int] = {"bedside": 0, "command": 1, "change": 2, "log-in": 3}
LISTED = 20


def evaluate(before: Attendances, alarm: Alarm, house: Timeline, known: Known, watermark: Micros, cluster: str) -> list[Finding]:
    """The findings about the episodes of *alarm*, as of *watermark*."""
    attendances = settle(before, alarm, house, known)
    return [
        found(attendances[episode.start], as_of(episode, known, watermark), house, known, watermark, cluster)
        for episode in alarm.episodes
        if judged(episode)
    ]


def deadline(episode: Episode, thresholds: AttendanceThresholds) -> Micros:
    """Of the deadlines that began, the one that passes first."""
    allowed = {"HI": thresholds.deadline_hi, "ME": thresholds.deadline_me}
    return min(sent + int(allowed[priority] * SECOND) for priority, sent in episode.since.items() if priority in allowed)


def best(found: Iterable[Found], due: Micros) -> Found | None:
    """Evidence in time goes before late evidence; hands before log-ins; then the earliest, at a tie the strongest."""
    return min(
        found,
        key=lambda f: (f.sent > due, f.evidence_class == "log-in", f.sent, STRENGTH[f.evidence_class], f.copy.order),
        default=None,
    )


def conclude(episode: Episode, first: Found | None, due: Micros, watermark: Micros) -> Result:
    """The first result that holds."""
    if first is not None:
        if first.sent <= due:
            return "visited" if first.evidence_class == "log-in" else "attended"
        return "visited-late" if first.evidence_class == "log-in" else "attended-late"
    if "told-late" in episode.quality:
        return "not-judged"
    if episode.ended_sent is not None and episode.ended_sent <= due and not (episode.ended_by == "cleared" and episode.latched):
        return "self-resolved" if episode.ended_by == "cleared" else "unobserved"
    if watermark <= due:
        return "open"
    return "unobserved" if lost_at(episode, due) else "no-evidence"


def lost_at(episode: Episode, due: Micros) -> bool:
    return any(lost <= due and (heard is None or heard > due) for lost, heard in episode.losses)


def closes_at(episode: Episode, due: Micros) -> Micros:
    """The later of the deadline and the end of the signal; a removed sensor may yet turn out to be a release."""
    if episode.signalling or episode.signal_ended is None:
        return OPEN_END
    removal = episode.signal_ended + RELEASED_WITHIN if episode.ended_by == "removed" else episode.signal_ended
    return max(due, removal, episode.closes or removal)


def due_at(episode: Episode, known: Known) -> list[Micros]:
    """The instants behind which time alone changes this finding."""
    due = deadline(episode, known[episode.thresholds].attendance)
    return [due, closes_at(episode, due)]


def found(attendance: Attendance, episode: Episode, house: Timeline, known: Known, watermark: Micros, cluster: str) -> Finding:
    thresholds = known[episode.thresholds].attendance
    due = deadline(episode, thresholds)
    closes = closes_at(episode, due)
    first = best(evidence(attendance, episode, house, units_of(episode, house)), due)
    present = house.crowd.shown(attendance.present)
    then = house.crowd.shown(first.present) if first else []
    away = elsewhere(attendance, episode, house)
    return finding(
        episode, "attendance", thresholds, watermark > closes, house,
        evidence=(episode.onset, episode.peak, episode.ending, first.copy if first else None),
        cluster=cluster,
        account=first.account if first else None,
        quality=(
            *marks(attendance, first, house), *unseen.marks(house.house.gaps, "attendance", instant(episode.start), closes)
        ),
        body={
            "episode": identity(episode, "episodes"),
            "condition": episode.condition,
            "priority": episode.priority,
            "result": conclude(episode, first, due, watermark),
            "evidence_class": first.evidence_class if first else None,
            "trace": first.trace if first else None,
            "first_evidence_at": instant(first.sent) if first else None,
            "seconds": seconds(first.sent - episode.sent) if first else None,
            "deadline": instant(due),
            "log_in_elsewhere_at": None if away is None else instant(away),
            "account": first.account if first else None,
            "present": present[:LISTED],
            "present_count": len(present),
            "present_then": then[:LISTED],
        },
    )  # fmt: skip


def marks(attendance: Attendance, first: Found | None, house: Timeline) -> Iterator[Quality]:
    accounts = house.house.accounts
    if first is not None:
        yield from first.copy.quality
        if first.account and not accounts.matched(first.account):
            yield "user-unmatched"
    if (first and first.shared) or any(one.shared for one in decided(attendance.present, accounts).people):
        yield "shared-account"
