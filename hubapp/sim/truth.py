"""The ground truth: what must be found of an alarm, from what the simulated people and devices did.

The rules are never asked. A field that the records leave open (two instants closer together than people can be, a field whose
definition the situation does not settle) is left out of the body; what stands in it must match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Act, Alarm, Loss
from hubapp.sim.conditions import CONDITIONS
from hubapp.sim.presence import UNSURE, LogIn, Presence

Json = dict[str, Any]
DEADLINES: dict[str, Micros] = {"HI": 60 * SECOND, "ME": 180 * SECOND}
STRENGTH = ("bedside", "command", "change", "log-in")
RANKS = ("NONE", "LO", "ME", "HI")
LISTED = 20


class Scene(NamedTuple):
    """What an alarm's truth is read from beside the alarm. units: how many there are; last: the newest `sent` of all."""

    losses: Sequence[Loss]
    presence: Presence
    units: int
    counted: bool
    last: Micros


def seconds(span: Micros | None) -> float | None:
    return None if span is None else span / SECOND


def text(instant: Micros | None) -> str | None:
    return None if instant is None else iso(instant)


def line(rule: str, alarm: Alarm, body: Json) -> Json:
    return {
        "rule": rule,
        "patient": alarm.patient,
        "monitor": alarm.monitor,
        "device": alarm.device,
        "condition": alarm.condition,
        "start": iso(alarm.start),
        "open": not alarm.over,
        "status_expected": "final" if alarm.over else "provisional",
        "quality": [
            word for word, holds in (("told-late", alarm.told_late), ("end-missed", alarm.ended_by == "unseen")) if holds
        ],
        "body": body,
    }


def truths(alarm: Alarm, scene: Scene) -> list[Json]:
    """What must be found of *alarm*, nothing where nobody was told of it."""
    if alarm.told is None:
        return []
    found = [{**line("episodes", alarm, episode(alarm, scene)), "end": text(alarm.end)}]
    if alarm.judged:
        found.append(line("attendance", alarm, attendance(alarm, scene)))
    return found


# Episodes


def episode(alarm: Alarm, scene: Scene) -> Json:
    lower, upper = alarm.limits or (None, None)
    body: Json = {
        "condition": alarm.condition,
        "name": CONDITIONS[alarm.condition].title,
        "kind": alarm.kind,
        "priority": peak(alarm),
        "ended_by": alarm.ended_by,
        "duration": seconds(None if alarm.end is None else alarm.end - alarm.start),
        "latched": alarm.latched,
        "acknowledged_at": text(alarm.acknowledged_at),
        "unobserved": seconds(unobserved(alarm, scene.losses)),
        "fleeting": fleeting(alarm, scene.losses),
        "limits": {"lower": lower, "upper": upper} if alarm.limits else None,
        "reports": alarm.reports,
    }
    return {name: value for name, value in body.items() if not (name in ("unobserved", "fleeting") and value is None)}


def peak(alarm: Alarm) -> str:
    return max((priority for _, priority in alarm.priorities), key=RANKS.index)


def unobserved(alarm: Alarm, losses: Sequence[Loss]) -> Micros | None:
    """How long the monitor was lost while the condition held; None where the condition changed unseen."""
    told = alarm.told or 0
    until = alarm.signal_end
    total = 0
    for loss in losses:
        if (loss.back is not None and loss.back < alarm.start) or (until is not None and loss.sent > until):
            continue
        if loss.back is None or loss.sent < told or alarm.end is None or alarm.end < loss.back:
            return None
        total += loss.back - loss.sent
    return total


def fleeting(alarm: Alarm, losses: Sequence[Loss]) -> bool | None:
    """None where another onset near it may be told late, by a list."""
    if alarm.ended_by != "cleared" or alarm.end is None or alarm.end - alarm.start >= 10 * SECOND:
        return False
    reach = 61 * SECOND
    if any(loss.sent < alarm.start + reach and (loss.back is None or loss.back > alarm.start - reach) for loss in losses):
        return None
    others = (alarm.previous_onset, alarm.next_onset)
    return all(other is None or abs(other - alarm.start) > 60 * SECOND for other in others)


# Attendance


def deadline(alarm: Alarm) -> Micros:
    """Of those begun the one that passes first."""
    return min(sent + DEADLINES[priority] for sent, priority in alarm.priorities if priority in DEADLINES)


class Evidence(NamedTuple):
    sent: Micros
    evidence: str
    trace: str | None
    account: Any


def first_evidence(acts: Iterable[Act], log_ins: Iterable[LogIn], due: Micros) -> Evidence | None:
    """In time before late; then bedside, command and change before log-in; then the earliest, then the strongest."""
    found = [Evidence(act.sent, act.evidence, act.trace, act.user) for act in acts]
    found += [Evidence(log_in.sent, "log-in", None, {"one_of": [log_in.id, log_in.name]}) for log_in in log_ins]
    return min(
        found, key=lambda one: (one.sent > due, one.evidence == "log-in", one.sent, STRENGTH.index(one.evidence)), default=None
    )


def result(alarm: Alarm, evidence: Evidence | None, due: Micros, losses: Sequence[Loss]) -> str:
    if evidence is not None:
        word = "visited" if evidence.evidence == "log-in" else "attended"
        return word if evidence.sent <= due else f"{word}-late"
    if alarm.told_late:
        return "not-judged"
    if alarm.ended_by == "cleared" and not alarm.latched and (alarm.end_sent or 0) <= due:
        return "self-resolved"
    return "unobserved" if unseen(alarm, due, losses) else "no-evidence"


def unseen(alarm: Alarm, due: Micros, losses: Sequence[Loss]) -> bool:
    """Whether it could not be seen at the deadline, or ended before it in a way that nobody's absence follows from."""
    until = alarm.signal_end
    lost = any(
        loss.sent <= due and (loss.back is None or due < loss.back) and (until is None or loss.sent <= until) for loss in losses
    )
    if alarm.ended_by == "unseen":
        return lost or alarm.told_last <= due
    early = alarm.ended_by in ("lost", "removed", "released")
    return lost or (early and alarm.end_sent is not None and alarm.end_sent <= due)


def attendance(alarm: Alarm, scene: Scene) -> Json:
    told = alarm.told or 0
    last = scene.last if alarm.signal_end is None else alarm.signal_end
    due = deadline(alarm)
    acts = [act for act in alarm.acts if told <= act.sent <= last]
    log_ins = scene.presence.between(told, last)
    here = [log_in for log_in in log_ins if scene.units == 1 or log_in.unit == alarm.unit]
    elsewhere = [] if scene.units == 1 else [log_in for log_in in log_ins if log_in.unit is None]
    evidence = first_evidence(acts, here, due)
    body: Json = {
        "condition": alarm.condition,
        "priority": peak(alarm),
        "result": result(alarm, evidence, due, scene.losses),
        "evidence_class": evidence.evidence if evidence else None,
        "trace": evidence.trace if evidence else None,
        "first_evidence_at": text(evidence.sent if evidence else None),
        "seconds": seconds(evidence.sent - told if evidence else None),
        "deadline": iso(due),
        "log_in_elsewhere_at": text(elsewhere[0].sent if elsewhere else None),
        "account": evidence.account if evidence else None,
        **people(told, evidence, scene),
    }
    if evidence is not None and evidence.trace is None:
        del body["trace"]
    return without(body, doubtful(alarm, due, scene, evidence))


def people(told: Micros, evidence: Evidence | None, scene: Scene) -> Json:
    present = scene.presence.at(told)
    if not scene.counted or present is None:
        return {}
    body: Json = {"present": present[:LISTED], "present_count": len(present)}
    if evidence is None:
        return body
    then = scene.presence.at(evidence.sent)
    return body if then is None or evidence.evidence == "log-in" else {**body, "present_then": then[:LISTED]}


EVIDENCE = ("result", "evidence_class", "trace", "first_evidence_at", "seconds", "account", "present_then")


def near(instant: Micros, others: Iterable[Micros | None]) -> bool:
    """Not the same and yet too close to say which came first."""
    return any(other is not None and 0 < abs(other - instant) < UNSURE for other in others)


def doubtful(alarm: Alarm, due: Micros, scene: Scene, evidence: Evidence | None) -> tuple[str, ...]:
    """Fields that hang on two instants too close together."""
    marks = (alarm.told, alarm.signal_end, due)
    reach = (alarm.told or 0) - SECOND, (alarm.signal_end or scene.last) + SECOND
    log_ins = scene.presence.between(*reach)
    decides = [log_in for log_in in log_ins if scene.units == 1 or log_in.unit == alarm.unit]
    doubt: tuple[str, ...] = ()
    if any(near(act.sent, marks) for act in alarm.acts) or any(near(log_in.sent, marks) for log_in in decides):
        doubt += EVIDENCE
    edges = [edge for loss in scene.losses for edge in (loss.sent, loss.back) if edge is not None]
    if evidence is None and (near(due, edges) or near(due, (alarm.end_sent, alarm.signal_end))):
        doubt += ("result",)
    if any(near(log_in.sent, marks[:2]) for log_in in log_ins):
        doubt += ("log_in_elsewhere_at",)
    return doubt


def without(body: Json, names: Sequence[str]) -> Json:
    return {name: value for name, value in body.items() if name not in names}
