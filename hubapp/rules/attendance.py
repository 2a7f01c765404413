"""Who was authenticated when an alarm began, the first evidence of anyone after it, and how long that took.

For each HI/ME physiological episode. A log-in is not a bedside: this is never a nurse's response time. Evidence counts
from the onset until the signal ends; times are compared by `sent`, since the clocks of servers agree and those of
monitors do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from hubapp.facts import SECOND, Micros, Quality, fold
from hubapp.findings import Finding
from hubapp.rules.accounts import Session
from hubapp.rules.episodes import OPEN_END, RELEASED_WITHIN, Alarm, Episode, Known, digest_of, finding, identity
from hubapp.rules.house import Timeline, since
from hubapp.rules.moments import EvidenceClass, Trace
from hubapp.rules.sightings import Sighting, instant, seconds, sighting
from hubapp.thresholds import AttendanceThresholds

Result: TypeAlias = Literal[
    "attended", "visited", "attended-late", "visited-late", "not-judged", "self-resolved", "unobserved", "no-evidence", "open"
]
HANDS: tuple[EvidenceClass, ...] = ("bedside", "command", "change")
STRENGTH: dict[EvidenceClass, int] = {"bedside": 0, "command": 1, "change": 2, "log-in": 3}
LISTED = 20


class Person(msgspec.Struct, frozen=True):
    """An account that was authenticated: as it was written, its id, and whether many share it."""

    account: str
    id: str | None
    shared: bool = False


class Found(msgspec.Struct, frozen=True):
    """The earliest evidence of one class."""

    evidence_class: EvidenceClass
    trace: str
    sent: Micros
    copy: Sighting
    account: str | None = None
    present: tuple[Person, ...] = ()


class Attendance(msgspec.Struct):
    """What is remembered of one episode's attendance. present: None until the onset was looked at. then: at each of its own traces."""

    present: tuple[Person, ...] | None = None
    first: dict[str, Found] = {}
    elsewhere: Micros | None = None
    then: dict[str, tuple[Person, ...]] = {}

    def copy(self) -> Attendance:
        return Attendance(self.present, dict(self.first), self.elsewhere, dict(self.then))


Attendances: TypeAlias = dict[Micros, Attendance]
"""By the start of the episode."""


def judged(episode: Episode) -> bool:
    return episode.kind == "physiological" and bool(episode.since.keys() & {"HI", "ME"})


def settle(before: Attendances, alarm: Alarm, house: Timeline, known: Known) -> Attendances:
    """*before*, and what the *house* saw of evidence for the episodes of *alarm*."""
    after = {}
    for episode in alarm.episodes:
        attendance = before[episode.start].copy() if episode.start in before else Attendance()
        if attendance.present is None:
            attendance.present = people(house.present(episode.order))
        look(attendance, episode, house, known)
        after[episode.start] = attendance
    return after


def evaluate(before: Attendances, alarm: Alarm, house: Timeline, known: Known, watermark: Micros, cluster: str) -> list[Finding]:
    """The findings about the episodes of *alarm*, as of *watermark*."""
    attendances = settle(before, alarm, house, known)
    return [
        found(attendances[episode.start], episode, house, known, watermark, cluster)
        for episode in alarm.episodes
        if judged(episode)
    ]


def look(attendance: Attendance, episode: Episode, house: Timeline, known: Known) -> None:
    """Keep the earliest evidence of each class, whether or not the signal will turn out to have ended before it."""
    patient = fold(episode.patient) if episode.patient else None
    onset = (episode.sent, "", -1, -1, -1)
    for trace in house.traces_from(episode.monitor, patient, onset):
        keep(attendance, trace, house, known[episode.thresholds].attendance)
    for log_in in since(house.log_ins, onset):
        units = house.units_of(log_in)
        if not units:
            attendance.elsewhere = min(log_in.sent, attendance.elsewhere or log_in.sent)
        elif episode.place and units.intersection(episode.place.units):
            keep(attendance, log_in, house, known[episode.thresholds].attendance)
    for found in own(episode):
        if found.trace not in attendance.then:
            attendance.then[found.trace] = people(house.present((found.sent, *place(found.copy))))


def place(copy: Sighting) -> tuple[str, int, int, int]:
    return copy.topic, copy.partition, copy.offset, copy.index


def keep(attendance: Attendance, trace: Trace, house: Timeline, thresholds: AttendanceThresholds) -> None:
    before = attendance.first.get(trace.evidence_class)
    if (before is not None and before.sent <= trace.sent) or not counts(trace, house, thresholds):
        return
    account = trace.account if trace.account else None
    attendance.first[trace.evidence_class] = Found(
        trace.evidence_class, trace.trace, trace.sent, sighting(trace.fact), account, people(house.present(trace.order))
    )


def counts(trace: Trace, house: Timeline, thresholds: AttendanceThresholds) -> bool:
    """Whether the account has a role that counts; unknown roles do."""
    if not thresholds.attending_roles or trace.account is None:
        return True
    roles = getattr(trace.fact, "roles", None)
    if roles is None:
        roles = next(
            (s.roles for s in house.present(trace.order) if fold(trace.account) in {fold(s.shown), fold(s.id or "")}), None
        )
    return roles is None or bool({*roles} & {*thresholds.attending_roles})


def people(sessions: Iterable[Session]) -> tuple[Person, ...]:
    return tuple(sorted((Person(s.shown, s.id, s.shared) for s in sessions), key=lambda p: p.account))


# The judgement.


def deadline(episode: Episode, thresholds: AttendanceThresholds) -> Micros:
    """Of the deadlines that began, the one that passes first."""
    allowed = {"HI": thresholds.deadline_hi, "ME": thresholds.deadline_me}
    return min(sent + int(allowed[priority] * SECOND) for priority, sent in episode.since.items() if priority in allowed)


def evidence(attendance: Attendance, episode: Episode) -> Iterator[Found]:
    """What counts: from the onset until the signal ends, and the end itself where it is somebody's doing."""
    limit = episode.signal_ended if episode.signal_ended is not None else OPEN_END
    bedside = [found for found in attendance.first.values() if found.evidence_class == "bedside"]
    bedside += [msgspec.structs.replace(found, present=attendance.then[found.trace]) for found in own(episode)]
    if bedside:
        yield from [f for f in [min(bedside, key=lambda f: f.sent)] if f.sent <= limit]
    yield from (f for f in attendance.first.values() if f.evidence_class != "bedside" and f.sent <= limit)


def own(episode: Episode) -> Iterator[Found]:
    """The traces that are in the alarm itself: an acknowledged signal; the release of its patient."""
    if episode.acknowledged:
        yield Found("bedside", "acknowledged", episode.acknowledged.sent, episode.acknowledged)
    if episode.released:
        removed = episode.ended_by == "removed" and episode.ended_sent is not None
        yield Found(
            "bedside",
            "released",
            episode.ended_sent if removed and episode.ended_sent else episode.released.sent,
            episode.released,
        )


def best(found: list[Found], due: Micros) -> Found | None:
    """Evidence in time goes before late evidence; hands before log-ins; then the earliest, at a tie the strongest."""
    return min(
        found, key=lambda f: (f.sent > due, f.evidence_class == "log-in", f.sent, STRENGTH[f.evidence_class]), default=None
    )


def conclude(episode: Episode, first: Found | None, due: Micros, watermark: Micros) -> Result:
    """The first result that holds."""
    if first is not None:
        late = first.sent > due
        hands = first.evidence_class in HANDS
        return ("attended-late" if hands else "visited-late") if late else ("attended" if hands else "visited")
    if "told-late" in episode.quality:
        return "not-judged"
    in_time = episode.ended_sent is not None and episode.ended_sent <= due
    if in_time and episode.ended_by == "cleared" and not episode.latched:
        return "self-resolved"
    if in_time and episode.ended_by not in (None, "cleared"):
        return "unobserved"
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
    return max(due, removal)


def due_at(episode: Episode, known: Known) -> Iterator[Micros]:
    """The instants at which time alone changes this finding."""
    if judged(episode):
        due = deadline(episode, known[episode.thresholds].attendance)
        yield due
        yield closes_at(episode, due)


def found(attendance: Attendance, episode: Episode, house: Timeline, known: Known, watermark: Micros, cluster: str) -> Finding:
    thresholds = known[episode.thresholds].attendance
    due = deadline(episode, thresholds)
    first = best(list(evidence(attendance, episode)), due)
    present = shown(attendance.present or (), house)
    then = shown(first.present, house) if first else []
    return finding(
        episode, "attendance", digest_of(thresholds), watermark > closes_at(episode, due),
        evidence=[episode.onset, episode.peak, episode.ending, first.copy if first else None],
        cluster=cluster,
        account=first.account if first else None,
        quality=marks(attendance, first, house),
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
            "log_in_elsewhere_at": elsewhere(attendance, episode),
            "account": first.account if first else None,
            "present": present[:LISTED],
            "present_count": len(present),
            "present_then": then[:LISTED],
        },
    )  # fmt: skip


def elsewhere(attendance: Attendance, episode: Episode) -> str | None:
    limit = episode.signal_ended if episode.signal_ended is not None else OPEN_END
    return instant(attendance.elsewhere) if attendance.elsewhere is not None and attendance.elsewhere <= limit else None


def shown(present: tuple[Person, ...], house: Timeline) -> list[dict[str, Any]]:
    """Accounts as they were written, one for each: an id whose name became known is that name's."""
    accounts = house.house.accounts
    found: dict[str, dict[str, Any]] = {}
    for person in present:
        name = accounts.names.get(fold(person.account), person.account)
        other = found.get(fold(name), {"id": None})
        found[fold(name)] = {"account": name, "id": person.id or other["id"]}
    return sorted(found.values(), key=lambda entry: str(entry["account"]))


def marks(attendance: Attendance, first: Found | None, house: Timeline) -> Iterator[Quality]:
    if first and first.account and not house.house.accounts.matched(first.account):
        yield "user-unmatched"
    if any(person.shared for person in (attendance.present or ())):
        yield "shared-account"
