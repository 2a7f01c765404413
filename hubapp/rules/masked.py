"""How it goes out that something hides an alarm, and what is found of it. All by `sent`: clocks of monitors are not compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from hubapp.facts import Micros
from hubapp.findings import Finding
from hubapp.rules.hiding import LOST, Alarm, Cause, Masking, Told, micros
from hubapp.rules.scene import Scene
from hubapp.rules.sightings import Sighting, seconds
from hubapp.thresholds import MaskingThresholds

Outcome: TypeAlias = Literal["resolved", "resurfaced", "planned", "unresolved"]


class Masked(NamedTuple):
    cause: Cause
    later: list[Cause]


def sure(cause: Cause, used: MaskingThresholds, now: Micros) -> bool | None:
    """Whether it is a cause; None: not known yet. A monitor must be lost for a while."""
    if cause.name != LOST:
        return True
    due = cause.sent + micros(used.lost)
    if cause.over is not None:
        return cause.over.sent >= due
    return True if now > due else None


def masked(masking: Masking, now: Micros) -> list[Masked]:
    """One that is open takes up what comes later."""
    found: list[Masked] = []
    used = masking.alarm.used
    for cause in masking.causes:
        if not sure(cause, used, now):
            continue
        if found and cause.sent <= open_until(found[-1].cause, used):
            found[-1].later.append(cause)
        else:
            found.append(Masked(cause, []))
    return found


def may_be_open(masking: Masking, sent: Micros) -> bool:
    used = masking.alarm.used
    if any(sure(cause, used, sent) is None for cause in masking.causes):
        return True
    found = masked(masking, sent)
    return bool(found) and sent <= open_until(found[-1].cause, used)


def longest(cause: Cause, used: MaskingThresholds) -> Micros:
    return cause.sent + micros(used.unresolved)


def ends(cause: Cause, used: MaskingThresholds) -> Micros | None:
    """When the cause was over, if in time."""
    return cause.over.sent if cause.over is not None and cause.over.sent <= longest(cause, used) else None


def watched_until(cause: Cause, used: MaskingThresholds) -> Micros:
    """Until when an alarm that is told again has come back; exactly then it has."""
    end = ends(cause, used)
    return longest(cause, used) if end is None else end + micros(used.resurfaces)


def back(cause: Cause, used: MaskingThresholds) -> Told | None:
    return cause.again if cause.again is not None and cause.again.sent <= watched_until(cause, used) else None


def open_until(cause: Cause, used: MaskingThresholds) -> Micros:
    again = back(cause, used)
    return again.sent if again is not None else watched_until(cause, used)


def planned(cause: Cause, used: MaskingThresholds) -> bool:
    return cause.closed is not None and cause.closed.sent - cause.sent <= micros(used.planned)


def outcome(cause: Cause, used: MaskingThresholds, now: Micros) -> Outcome | None:
    if planned(cause, used):
        return "planned"
    if back(cause, used) is not None:
        return "resurfaced"
    if now <= watched_until(cause, used):
        return None
    return "unresolved" if ends(cause, used) is None else "resolved"


def hidden(cause: Cause, used: MaskingThresholds, now: Micros) -> Micros | None:
    """From the cause to its end, five minutes at most."""
    end = ends(cause, used)
    if end is not None:
        return end - cause.sent
    return micros(used.unresolved) if now > longest(cause, used) else None


def closes(found: Masked, masking: Masking) -> Micros:
    """Behind this instant nothing changes it, as far as is known. A loss may yet turn out to be long enough to be listed."""
    used, cause = masking.alarm.used, found.cause
    again, end = back(cause, used), ends(cause, used)
    known = watched_until(cause, used) if again is None else max(again.sent, longest(cause, used) if end is None else end)
    losses = [one.sent for one in masking.causes if one.name == LOST and one.sent <= open_until(cause, used)]
    return max(known, cause.sent + micros(used.planned), *(sent + micros(used.lost) for sent in losses))


def over(masking: Masking, horizon: Micros) -> bool:
    """Whether nothing that is sent behind *horizon* changes anything of it, whatever a loss turns out to be."""
    return all(closes(Masked(cause, []), masking) < horizon for cause in masking.causes)


def dues(masking: Masking) -> Iterator[Micros]:
    used = masking.alarm.used
    for cause in masking.causes:
        yield from (cause.sent + micros(used.lost), longest(cause, used), watched_until(cause, used))


def copies(alarm: Alarm, found: Masked) -> Iterator[Sighting | None]:
    """The alarm, what hid it, and how that went out, as far as it belongs to it."""
    cause, used, until = found.cause, alarm.used, open_until(found.cause, alarm.used)
    yield from (alarm.onset.sighting, cause.copy, *(one.copy for one in found.later))
    if alarm.ended is not None and alarm.until is not None and alarm.until <= until:
        yield alarm.ended.sighting
    if cause.over is not None and ends(cause, used) is not None:
        yield cause.over.copy
    if cause.closed is not None and planned(cause, used):
        yield cause.closed.copy
    elif (again := back(cause, used)) is not None:
        yield again.copy


def finding(alarm: Alarm, found: Masked, scene: Scene, now: Micros) -> Finding:
    cause, used, onset = found.cause, alarm.used, alarm.onset
    result, duration = outcome(cause, used, now), hidden(cause, used, now)
    told = scene.finding(
        "masking", f"{onset.subject}\n{onset.id}\n{cause.device}\n{cause.name}", cause.at, used,
        evidence=copies(alarm, found), end=cause.end if ends(cause, used) is not None else None, place=alarm.place,
        monitor=onset.serial, device=onset.device, patient=onset.patient,
        quality={*onset.sighting.quality, *cause.copy.quality},
        body={
            "episode": onset.id,
            "outcome": result,
            "cause": cause.name,
            "later_causes": sorted({one.name for one in found.later}),
            "hidden": None if duration is None else seconds(duration),
            "condition": onset.condition,
            "priority": cause.priority,
        },
    )  # fmt: skip
    told.status = "retracted" if result == "planned" else told.status
    return told
