"""The ground truth of nuisance: an alarm that chatters, or that is active for too long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Alarm
from hubapp.sim.diary import Diary
from hubapp.sim.lasting import Json
from hubapp.sim.spans import lost, until
from hubapp.sim.truth import seconds

WITHIN: Micros = 60 * SECOND
ENOUGH = 3
STALE: dict[str, Micros] = {"HI": 600 * SECOND, "ME": 3600 * SECOND, "LO": 86_400 * SECOND}


def nuisance(diary: Diary, last: Micros) -> Iterator[Json]:
    """last: where the watermark stands."""
    series: defaultdict[tuple[str, str, str], list[Alarm]] = defaultdict(list)
    for alarm in diary.alarms:
        series[alarm.patient, alarm.device, alarm.condition].append(alarm)
    for alarms in series.values():
        for stretch in chattering(list(counted(alarms, diary))):
            quiet = last > stretch[-1].start + WITHIN + WITHIN
            yield line("chattering", stretch[0], len(stretch), max(one.start for one in stretch) if quiet else None, quiet)
        for alarm in alarms:
            if is_stale(alarm, last):
                yield line("stale", alarm, 1, alarm.end, alarm.over)


def counted(alarms: list[Alarm], diary: Diary) -> Iterator[Alarm]:
    """Not what was told late, begun unseen, or after an end that nobody was told of."""
    before = None
    for alarm in alarms:
        unseen = any(away.start < (alarm.told or 0) <= away.end for away in lost(diary.losses))
        if not (alarm.told_late or unseen or (before is not None and before.ended_by == "unseen")):
            yield alarm
        before = alarm


def chattering(alarms: list[Alarm]) -> Iterator[list[Alarm]]:
    """Three onsets in less than a minute begin it, a minute without one ends it."""
    stretch: list[Alarm] = []
    for place, alarm in enumerate(alarms):
        if stretch and alarm.start - stretch[-1].start < WITHIN:
            stretch.append(alarm)
            continue
        if stretch:
            yield stretch
        newest = alarms[max(0, place - ENOUGH + 1) : place + 1]
        stretch = newest if len(newest) == ENOUGH and alarm.start - newest[0].start < WITHIN else []
    if stretch:
        yield stretch


def is_stale(alarm: Alarm, last: Micros) -> bool:
    """Active for longer than its priority allows, each from when it was first sent."""
    if alarm.told_late:
        return False
    end = alarm.end if alarm.ended_by == "lost" else alarm.end_sent if alarm.end_sent is not None else alarm.signal_end
    return any(min(until(end), last) - sent > STALE[priority] for sent, priority in alarm.priorities if priority in STALE)


def line(kind: str, alarm: Alarm, onsets: int, end: Micros | None, over: bool) -> Json:
    return {
        "rule": "nuisance",
        "patient": alarm.patient,
        "monitor": alarm.monitor,
        "device": alarm.device,
        "start": iso(alarm.start),
        "end": None if end is None else iso(end),
        "open": not over,
        "status_expected": "final" if over else "provisional",
        "quality": [],
        "body": {
            "kind": kind,
            "condition": alarm.condition,
            "onsets": onsets,
            "duration": None if end is None else seconds(end - alarm.start),
        },
    }
