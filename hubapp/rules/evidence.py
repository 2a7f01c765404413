"""What is remembered of an episode's attendance: the first evidence of each class, and who was authenticated then."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TypeAlias

import msgspec

from hubapp.facts import Micros
from hubapp.rules.accounts import alias_map, is_shared
from hubapp.rules.episode import OPEN_END, Alarm, Episode, Known, patient_of
from hubapp.rules.house import Timeline, since
from hubapp.rules.moments import EvidenceClass, Order, Trace, start_of
from hubapp.rules.places import LONG_AGO
from hubapp.rules.presence import Presence, decided, roles_of
from hubapp.rules.sightings import Sighting, sighting
from hubapp.thresholds import Thresholds


class Found(msgspec.Struct, frozen=True, gc=False):
    """A piece of evidence. account: as its record wrote it; shared: many people's."""

    evidence_class: EvidenceClass
    trace: str
    sent: Micros
    copy: Sighting
    present: Presence
    account: str | None = None
    shared: bool = False


class Attendance(msgspec.Struct):
    """By class, the earliest hands; by the place that they name, the earliest log-ins; who was there at the alarm's own traces.

    elsewhere: the earliest log-in that names a place, by whomever. where: the units that a place was in then, and until when
    groups were told of that are decided by that: places may be learnt later.
    """

    present: Presence
    hands: dict[str, Found] = {}
    log_ins: dict[str, Found] = {}
    elsewhere: dict[str, Micros] = {}
    where: dict[str, tuple[tuple[str, ...], Micros]] = {}
    own: dict[str, Presence] = {}

    def copy(self) -> Attendance:
        return msgspec.structs.replace(
            self,
            hands=dict(self.hands),
            log_ins=dict(self.log_ins),
            elsewhere=dict(self.elsewhere),
            where=dict(self.where),
            own=dict(self.own),
        )


Attendances: TypeAlias = dict[Micros, Attendance]
"""By the start of the episode."""


def judged(episode: Episode) -> bool:
    return episode.kind == "physiological" and not episode.since.keys().isdisjoint(("HI", "ME"))


def settle(before: Attendances, alarm: Alarm, house: Timeline, known: Known) -> Attendances:
    """*before*, and what the *house* saw of evidence for the episodes of *alarm*."""
    after = {start: attendance.copy() for start, attendance in before.items()}
    advance(after, alarm, house, known)
    for attendance in after.values():
        decide(attendance, house)
    return after


def doubtful(attendance: Attendance) -> bool:
    """Whether a log-out, told late, may still say who was there."""
    found = [*attendance.hands.values(), *attendance.log_ins.values()]
    return any(one.doubts for one in (attendance.present, *attendance.own.values(), *(of.present for of in found)))


def decide(attendance: Attendance, house: Timeline) -> None:
    _decide_presence(attendance, house)
    for place in attendance.elsewhere:
        if place:
            attendance.where[place] = tuple(sorted(units_of(attendance, place, house))), house.house.places.newest_unit


def _decide_presence(attendance: Attendance, house: Timeline) -> None:
    accounts = house.house.accounts
    attendance.present = decided(attendance.present, accounts)
    for of in (attendance.hands, attendance.log_ins):
        for key, found in of.items():
            if found.present.doubts:
                of[key] = msgspec.structs.replace(found, present=decided(found.present, accounts))
    attendance.own.update({trace: decided(found, accounts) for trace, found in attendance.own.items()})


def keep(attendance: Attendance, house: Timeline, settled: Attendance) -> None:
    """Keep what *settled*, the same up to the horizon, has decided: *house* is about to forget what lies before it."""
    attendance.where.update(settled.where)
    _decide_presence(attendance, house)


def advance(
    attendances: Attendances, alarm: Alarm, house: Timeline, known: Known, after: Order | None = None,
    touched: Container[Micros] | None = None,
) -> set[Micros]:  # fmt: skip
    """Look for evidence behind *after*, in place. Returns the starts of the episodes for which something was found.

    touched: where no evidence is new, only these are looked at.
    """
    news = set()
    idle = after is not None and house.newest_trace <= after
    for episode in alarm.episodes:
        if idle and touched is not None and episode.start not in touched:
            continue
        if episode.kind != "physiological":  # One of low priority may yet become one that is judged.
            continue
        attendance, behind = attendances.get(episode.start), after
        if attendance is None:
            attendance = attendances[episode.start] = Attendance(house.crowd.at(episode.order))
            behind = None
        elif idle:
            note_own(attendance, episode, house)
            continue
        onset = start_of(episode.sent)
        if look(attendance, episode, house, known, onset if behind is None else max(behind, onset)):
            news.add(episode.start)
    return news


def look(attendance: Attendance, episode: Episode, house: Timeline, known: Known, after: Order) -> bool:
    """Keep the earliest evidence, whether or not the signal will turn out to have ended before it."""
    thresholds, news = known[episode.thresholds], False
    for trace in traces(episode, house, after):
        earlier = attendance.hands.get(trace.evidence_class)
        if (earlier is None or trace.order < earlier.copy.order) and counts(trace, house, thresholds):
            attendance.hands[trace.evidence_class] = found_in(trace, house, thresholds)
            news = True
    for place, log_ins in house.log_ins.items():
        if place in attendance.log_ins:  # What lies behind *after* is no earlier than what was found.
            continue
        for log_in in since(log_ins, after):
            news, first = True, attendance.elsewhere.get(place, OPEN_END)
            attendance.elsewhere[place] = min(first, log_in.sent)
            if counts(log_in, house, thresholds):
                attendance.log_ins[place] = found_in(log_in, house, thresholds)
                break
    note_own(attendance, episode, house)
    return news


def note_own(attendance: Attendance, episode: Episode, house: Timeline) -> None:
    for trace, copy in own(episode):
        if trace not in attendance.own:
            attendance.own[trace] = house.crowd.at(copy.order)


def traces(episode: Episode, house: Timeline, after: Order) -> Iterator[Trace]:
    """What was done at the monitor or to the patient's encounter behind *after*."""
    if episode.monitor and (told := house.traces.get(episode.monitor)):
        yield from since(told, max(after, episode.linked))
    if (patient := patient_of(episode)) and (changes := house.changes.get(patient)):
        yield from since(changes, after)


def found_in(trace: Trace, house: Timeline, thresholds: Thresholds) -> Found:
    accounts, shared = house.house.accounts, False
    if trace.account is not None:
        key = accounts.key(trace.account, alias_map(thresholds.presence))
        shared = is_shared(accounts, key, thresholds.presence)
    copy = sighting(trace.fact)
    return Found(trace.evidence_class, trace.trace, trace.sent, copy, house.crowd.at(trace.order), trace.account, shared)


def counts(trace: Trace, house: Timeline, thresholds: Thresholds) -> bool:
    """Whether the account has a role that counts; unknown roles do."""
    attending = {*thresholds.attendance.attending_roles}
    if not attending or trace.account is None:
        return True
    accounts = house.house.accounts
    told = getattr(trace.fact, "roles", None)
    known = [told] if told is not None else list(roles_of(house.crowd.at(trace.order), trace.account, accounts))
    return not known or any(attending.intersection(roles) for roles in known)


def own(episode: Episode) -> Iterator[tuple[str, Sighting]]:
    """The traces that are in the alarm itself: an acknowledged signal; the release of its patient."""
    if episode.acknowledged is not None:
        yield "acknowledged", episode.acknowledged
    if episode.released is not None:
        yield "released", episode.released


def signal_limit(episode: Episode) -> Micros:
    """Until when evidence counts."""
    return OPEN_END if episode.signal_ended is None else episode.signal_ended


def hands(attendance: Attendance, episode: Episode) -> Iterator[Found]:
    """The earliest bedside, command and change."""
    bedside = [attendance.hands["bedside"]] if "bedside" in attendance.hands else []
    for trace, copy in own(episode):
        removed = trace == "released" and episode.ended_by == "removed" and episode.ended_sent is not None
        sent = episode.ended_sent if removed and episode.ended_sent is not None else copy.sent
        bedside.append(Found("bedside", trace, sent, copy, attendance.own[trace]))
    if bedside:
        yield min(bedside, key=lambda found: found.sent)
    yield from (found for name, found in attendance.hands.items() if name != "bedside")


def evidence(attendance: Attendance, episode: Episode, house: Timeline, units: list[str]) -> Iterator[Found]:
    """What counts: from the onset until the signal ends; of log-ins those in the *units* of the episode."""
    limit = signal_limit(episode)
    yield from (found for found in hands(attendance, episode) if found.sent <= limit)
    for place, found in attendance.log_ins.items():
        if found.sent <= limit and not known_units(attendance, place, house).isdisjoint(units):
            yield found


def known_units(attendance: Attendance, place: str, house: Timeline) -> frozenset[str]:
    """The units that a log-in is known to be in: those that it names, or the hub's only one."""
    only = house.house.places.only_unit
    return frozenset({only}) if only else units_of(attendance, place, house)


def units_of(attendance: Attendance, place: str, house: Timeline) -> frozenset[str]:
    if not place:
        return frozenset()
    decided, by = attendance.where.get(place, ((), LONG_AGO))
    return house.house.places.units_of(place, attendance.elsewhere[place], by).union(decided)


def elsewhere(attendance: Attendance, episode: Episode, house: Timeline) -> Micros | None:
    """The first log-in of unknown place, while the signal was on."""
    limit = signal_limit(episode)
    unknown = [
        sent for place, sent in attendance.elsewhere.items() if sent <= limit and not known_units(attendance, place, house)
    ]
    return min(unknown, default=None)
