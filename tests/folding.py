"""A rule of the chronicle, fed event by event: cut in two, its state written and read; forgetting on the way."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hubapp.chronicle.rules import CHRONICLE
from hubapp.facts import Micros
from hubapp.findings import Finding
from hubapp.rules.house import House
from hubapp.rules.scene import Event, Rule, Scene, rank
from hubapp.thresholds import Thresholds
from hubapp.ward.oracle import shorts
from tests.timeline import LONG, Timeline


def events_of(line: Timeline) -> list[Event]:
    words = [word for told in shorts(line.facts, LONG) for word in told.words()]
    return sorted([*line.facts, *words], key=rank)


def hear(rule: Rule, scene: Scene, events: Iterable[Event]) -> None:
    for event in events:
        scene.look_at(event, Thresholds())
        list(rule.hear(event, scene))
        scene.pass_by(event)


def found(rule: Rule, scene: Scene, since: Micros = 0) -> list[Finding]:
    """Those that are not closed before *since*."""
    told = [one for key in sorted(rule.items) for one in rule.found(key, scene, LONG)]
    return sorted((one.finding for one in told if one.closes >= since), key=lambda finding: finding.id)


def written_and_read(rule: Rule) -> Rule:
    other = type(rule)()
    other.items = {key: msgspec.json.decode(msgspec.json.encode(item), type=rule.kind) for key, item in rule.items.items()}
    return other


def in_two(line: Timeline, name: str, cut: int) -> tuple[list[Finding], list[Finding]]:
    """What is found of all, and what of two parts between which the state was written and read."""
    events = events_of(line)
    rule, scene = CHRONICLE[name](), Scene(House(), "test", {})
    hear(rule, scene, events[:cut])
    for key in rule.items:  # Being asked changes nothing.
        list(rule.found(key, scene, max((event.order[0] for event in events[:cut]), default=0)))
    rule = written_and_read(rule)
    hear(rule, scene, events[cut:])
    return found(*folded(line, name)), found(rule, scene)


def in_two_parts(line: Timeline, name: str) -> tuple[list[Finding], list[Finding]]:
    """What is found of all that closes behind the middle, and the same where all was forgotten before that may be."""
    events = events_of(line)
    if not events:
        return [], []
    rule, scene = CHRONICLE[name](), Scene(House(), "test", {})
    horizon = events[len(events) // 2].order[0]
    hear(rule, scene, [event for event in events if event.order[0] < horizon])
    for key in [key for key in rule.items if rule.over(key, horizon)]:
        del rule.items[key]
    hear(rule, scene, [event for event in events if event.order[0] >= horizon])
    return found(*folded(line, name), since=horizon), found(rule, scene)


def folded(line: Timeline, name: str) -> tuple[Rule, Scene]:
    """The rule when it has heard all."""
    rule, scene = CHRONICLE[name](), Scene(House(), "test", {})
    hear(rule, scene, events_of(line))
    return rule, scene


def of_patient(findings: list[Finding], patient: str) -> list[Finding]:
    return [finding for finding in findings if finding.patient == patient]
