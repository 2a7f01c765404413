"""The ground truth of what lasts at a monitor: how long each patient was monitored, and when alarming was off.

The rules are never asked: all is read from the bed's diary and from who was authenticated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Alarm
from hubapp.sim.diary import Diary, Stay
from hubapp.sim.presence import Presence
from hubapp.sim.spans import ENDLESS, Span, joined, length, lost, runs, seen, until, within
from hubapp.sim.truth import LISTED, seconds

Json = dict[str, Any]
PAUSE: Micros = 120 * SECOND
BREAK: Micros = 10 * SECOND
LEVELS = ((1800 * SECOND, "30-min"), (300 * SECOND, "5-min"), (0, "notice"))
URGENT = ("HI", "ME")


class House(NamedTuple):
    """last: where the watermark stands at the end of the input. counted: whether who was present can be told.

    listed: whether a shared account is known as one. began, history: since when log-ins are told, and how long they must be.
    """

    presence: Presence
    counted: bool
    last: Micros
    listed: bool = False
    began: Micros = 0
    history: Micros = 0


def line(rule: str, diary: Diary, stay: Stay, span: Span, body: Json) -> Json:
    return {
        "rule": rule,
        "patient": stay.patient,
        "monitor": diary.monitor,
        "device": None,
        "start": iso(span.start),
        "end": None if span.open else iso(span.end),
        "open": span.open,
        "status_expected": "provisional" if span.open else "final",
        "quality": [],
        "body": body,
    }


def monitored(diary: Diary) -> Iterator[Json]:
    """The patient session without the time in which the monitor was out of reach."""
    for stay in diary.stays:
        span = Span(stay.opened, until(stay.closed))
        unseen = length(part for part in within(lost(diary.losses), span) if not part.open)
        duration = None if span.open else seconds(span.end - span.start - unseen)
        yield line("monitored", diary, stay, span, {"duration": duration, "unobserved": seconds(unseen)})


class Off(NamedTuple):
    """Alarming turned off at the monitor, whoever its patient is."""

    what: str
    condition: str | None
    span: Span


def turned_off(diary: Diary) -> Iterator[Off]:
    for span in runs(diary.audio, "off"):
        yield Off("audio-off", None, span)
    for span in joined(runs(diary.audio, "paused"), BREAK):
        yield Off("paused", None, span)
    for condition, told in diary.enabled.items():
        for span in runs(told, False):
            yield Off("condition-disabled", condition, span)


def silenced(diary: Diary, house: House) -> Iterator[Json]:
    """While a patient is there and the monitor is in reach; a condition only where it was disabled for this patient."""
    for stay in diary.stays:
        for off in turned_off(diary):
            if off.what == "condition-disabled" and off.span.start <= stay.opened:
                continue
            for part in within(seen(diary.losses), Span(stay.opened, until(stay.closed))):
                for span in within([off.span], part):
                    if off.what != "paused" or min(span.end, house.last) - off.span.start > PAUSE:
                        yield line("silenced", diary, stay, span, silence(diary, stay, off, span, house))


def silence(diary: Diary, stay: Stay, off: Off, span: Span, house: House) -> Json:
    urgent = list(within((active(alarm) for alarm in diary.alarms if alarm.patient == stay.patient), span))
    body: Json = {"what": off.what, "condition": off.condition, "level": level(span, urgent, house.last)}
    if not any(one.open for one in urgent):
        body["critical_seconds"] = seconds(length(urgent))
    body |= {
        "duration": None if span.open else seconds(span.end - span.start),
        "how_ended": how_ended(stay, off, span),
    }
    present = house.presence.at(span.start)
    return {**body, "present": present[:LISTED]} if house.counted and present is not None else body


def how_ended(stay: Stay, off: Off, span: Span) -> str | None:
    if span.open:
        return None
    return "released" if span.end == stay.closed else "on" if span.end == off.span.end else "lost"


def level(span: Span, urgent: list[Span], last: Micros) -> str:
    if urgent:
        return "critical"
    lasted = min(span.end, last) - span.start
    return next(word for least, word in LEVELS if lasted > least)


def active(alarm: Alarm) -> Span:
    """While it is known to be on as HI or ME: from when that was first sent until its end was."""
    since = min((sent for sent, priority in alarm.priorities if priority in URGENT), default=ENDLESS)
    end = alarm.end_sent if alarm.end_sent is not None else alarm.signal_end
    return Span(since, max(since, until(end)))
