"""The laws of the rules: order of arrival, repeats, cuts and take-overs change nothing; nothing grows with time."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubapp.facts import SECOND, AlarmFact, AnyFact, Limit, Micros, Progress
from hubapp.findings import Finding
from hubapp.rules import attendance, episodes, evidence
from hubapp.rules.episode import Alarm, Held, Known
from hubapp.rules.house import House, Timeline
from hubapp.thresholds import Thresholds, digest
from hubapp.ward.index import alarm_key
from hubapp.ward.oracle import conclude
from hubapp.ward.telling import HeldFact, told
from tests.timeline import (
    T0,
    audio,
    back,
    change,
    command,
    encounter,
    ended,
    gap,
    latched,
    limits,
    log_in,
    log_out,
    lost,
    placed,
    raised,
    release,
    removed,
    seen,
    session,
    unit,
)
from tests.timeline import (
    Timeline as Line,
)
from tests.wardlog import Log, content, contents, progress

RULES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
PATIENTS, MONITORS = ("P1", "P2"), ("M1", "M2")
LAST = 60 * 60
KNOWN: Known = {digest(Thresholds()): Thresholds()}
IN_FORCE = digest(Thresholds())


def alarm(draw: Random) -> Any:
    make = draw.choice((raised, raised, raised, latched, ended, ended))
    number = draw.randrange(2)
    fields: dict[str, Any] = {
        "patient": PATIENTS[number if draw.random() < 0.9 else 1 - number],
        "device": f"S{number + 1}",
        "monitor": MONITORS[number] if draw.random() < 0.5 else None,
        "signal": draw.choice(("visible", "audible")),
        "priority": draw.choice(("HI", "HI", "ME", "LO")),
        "listed": make is raised and draw.random() < 0.1,
    }
    return make(draw.choice(("spo2-low", "hr-high")), **fields)


def house(draw: Random) -> Any:
    number = draw.randrange(2)
    here: dict[str, Any] = {"monitor": MONITORS[number]}
    name = draw.choice(("ann", "bob"))
    place = draw.choice((None, "ICU", "B1", "elsewhere"))
    return draw.choice((
        lambda: session(draw.choice(PATIENTS), **here),
        lambda: session(PATIENTS[number], **here),
        lambda: release(draw.choice((None, *PATIENTS)), **here),
        lambda: seen(f"S{number + 1}", **here),
        lambda: audio(draw.choice(("on", "paused", "off")), **here),
        lambda: limits(Limit("spo2-low", lower=draw.choice((85.0, 88.0))), **here),
        lambda: removed(f"S{number + 1}", **here),
        lambda: removed(f"S{number + 1}", monitor=None),
        lambda: lost(**here),
        lambda: lost("silent", **here),
        lambda: back(**here),
        lambda: log_in(name, place=place),
        lambda: log_in(name, account_id=f"id-{name}", client=draw.choice((None, "WS1"))),
        lambda: log_in(None, account_id=f"id-{name}", service="older"),
        lambda: log_out(name, account_id=f"id-{name}"),
        lambda: command(account=draw.choice((name, f"id-{name}"))),
        lambda: change("ASSIGN_DEVICE_LOCATION_EVENT", device_id="D1"),
        lambda: encounter("PATIENT_ADMISSION_DISMISSED"),
        lambda: placed(draw.choice(("B1", "B2")), serial=here["monitor"]),
        lambda: placed(None, "unsure", serial=here["monitor"]),
        lambda: unit("ICU", "B1", "B2"),
        lambda: unit("ER", draw.choice(("B1", "B2"))),
        lambda: gap(draw.choice(("alerts", "events-auth", "events-sdc")), lasts=draw.choice((0.5, 30.0, 600.0))),
    ))()  # fmt: skip


def references(line: Line) -> None:
    """Who is who and what is where, known from the beginning."""
    line.at("-9:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), placed("B2", serial="M2"))
    line.at("-9:00", *(log_out(name, account_id=f"id-{name}") for name in ("ann", "bob", "nurse1")))
    line.at("-9:00", *(seen(f"S{number}", monitor=f"M{number}") for number in (1, 2)))


def story(seed: int, count: int = 50, known: bool = True) -> list[AnyFact]:
    """Facts of an hour or two: bursts, so that instants are near each other, and pauses, so that deadlines pass.

    known: places and names are known before. Else all is learnt on the way, within minutes, so that nothing is forgotten.
    """
    draw, line, now = Random(seed), Line(), 0.0
    if known:
        references(line)
    for _ in range(count):
        now += draw.choice((0.0, 0.5, 3.0, 7.0, 20.0, 65.0, 200.0, 650.0) if known else (0.0, 0.5, 3.0, 7.0, 20.0, 31.0))
        told_after = draw.choice((0.0, 0.0, 0.12, 2.0, 61.0))
        at = f"{now:.3f}"
        line.at(at, alarm(draw) if draw.random() < 0.6 else house(draw), told=f"{now + told_after:.3f}")
    return line.facts


def newest(facts: list[AnyFact]) -> Micros:
    return max(fact.sent for fact in facts)


def arrival(facts: list[AnyFact], draw: Random, within: Micros) -> list[AnyFact]:
    """An order of arrival in which nobody is later than *within*."""
    return sorted(facts, key=lambda fact: fact.sent + draw.randrange(within + 1))


def with_progress(facts: list[AnyFact], within: Micros, end: Micros, draw: Random) -> list[AnyFact | Progress]:
    """Claims that lie at least *within* behind what was read, at random, the last of them far behind the end."""
    records: list[AnyFact | Progress] = []
    read = 0
    for fact in facts:
        records.append(fact)
        read = max(read, fact.sent)
        if draw.random() < 0.4:
            records.append(progress(read - within))
    return [*records, progress(end)]


def cut(records: list[Any], draw: Random) -> list[list[Any]]:
    batches: list[list[Any]] = [[]]
    for record in records:
        batches[-1].append(record)
        if draw.random() < 0.2:
            batches.append([])
    return batches


# evaluate(settle(s, a), b) == evaluate(s, a + b)


def both(alarm: Alarm, attendances: evidence.Attendances, held: list[Held], timeline: Timeline, at: Micros) -> list[Finding]:
    found = episodes.evaluate(alarm, held, timeline, KNOWN, at, "test")
    told_of = episodes.settle(alarm, held, timeline, KNOWN)
    return found + attendance.evaluate(attendances, told_of, timeline, KNOWN, at, "test")


@RULES
@given(st.integers(0, 1 << 32), st.integers(0, LAST))
def test_settling_what_has_passed_changes_no_finding(seed: int, at: int) -> None:
    facts = sorted(story(seed), key=lambda fact: fact.order)
    horizon, end = T0 + at * SECOND, newest(facts) + 400 * SECOND
    held = [HeldFact(fact, IN_FORCE) for fact in facts if not isinstance(fact, AlarmFact)]
    alarms = [Held(fact.order, fact, IN_FORCE) for fact in facts if isinstance(fact, AlarmFact)]
    whole = told(House(), held, alarms, KNOWN)
    early = [one for one in alarms if one.fact.sent < horizon]
    passed = told(House(), [one for one in held if one.fact.sent < horizon], early, KNOWN)
    behind = told(passed.house, [one for one in held if one.fact.sent >= horizon], alarms[len(early) :], KNOWN)
    settled = {}
    for key in {alarm_key(one.fact) for one in early}:
        alarm = episodes.settle(Alarm(), [one for one in early if alarm_key(one.fact) == key], passed, KNOWN)
        settled[key] = alarm, evidence.settle({}, alarm, passed, KNOWN)
    passed.house.accounts.prune(horizon)
    passed.house.places.prune(horizon)
    for key in {alarm_key(one.fact) for one in alarms}:
        mine = [one for one in alarms if alarm_key(one.fact) == key]
        alarm, attended = settled.get(key, (Alarm(), {}))
        later = [one for one in mine if one not in early]
        assert contents(both(alarm, attended, later, behind, end)) == contents(both(Alarm(), {}, mine, whole, end))


# The ward agrees with the oracle.


def agrees(seed: int, facts: list[AnyFact]) -> None:
    draw = Random(seed)
    within, end, log = draw.choice((0, 5, 300)) * SECOND, newest(facts) + 400 * SECOND, Log()
    for batch in cut(with_progress(arrival(facts, draw, within), within, end, draw), draw):
        log.batch(batch)
        if draw.random() < 0.2:
            log.take_over()
    assert log.late == []
    assert contents(log.standing().values()) == contents(conclude(facts, end, "test"))


@RULES
@given(st.integers(0, 1 << 32))
def test_any_order_of_arrival_any_cut_and_any_take_over_gives_what_the_oracle_says(seed: int) -> None:
    agrees(seed, story(seed))


@RULES
@given(st.integers(0, 1 << 32))
def test_so_it_does_where_places_names_and_links_are_learnt_on_the_way(seed: int) -> None:
    agrees(seed, story(seed, known=False))


@RULES
@given(st.integers(0, 1 << 32))
def test_batch_cuts_and_take_overs_change_no_last_finding_and_no_state(seed: int) -> None:
    cuts_change_nothing(seed)


def cuts_change_nothing(seed: int) -> None:
    draw = Random(seed)
    facts = story(seed)
    records = with_progress(arrival(facts, draw, 700 * SECOND), 5 * SECOND, newest(facts) + 400 * SECOND, draw)
    one, other = Log(), Log()
    one.batch(records)
    for batch in cut(records, draw):
        other.batch(batch)
        if draw.random() < 0.3:
            other.take_over()
    assert {k: msgspec.structs.replace(f, revision=0) for k, f in one.last().items()} == {
        k: msgspec.structs.replace(f, revision=0) for k, f in other.last().items()
    }
    assert one.told == other.told
    assert one.tables == other.tables


@RULES
@given(st.integers(0, 1 << 32))
def test_each_revision_is_told_once_and_they_grow(seed: int) -> None:
    draw = Random(seed)
    facts = story(seed)
    log = Log()
    for batch in cut(with_progress(arrival(facts, draw, 700 * SECOND), 5 * SECOND, newest(facts), draw), draw):
        log.batch(batch)
        if draw.random() < 0.3:
            log.take_over()
    revisions: dict[str, int] = {}
    for finding in log.told:
        assert finding.revision == revisions.get(finding.id, 0) + 1
        revisions[finding.id] = finding.revision


@RULES
@given(st.integers(0, 1 << 32))
def test_house_facts_that_are_told_twice_change_nothing(seed: int) -> None:
    facts = story(seed)
    end = newest(facts) + 400 * SECOND
    twice = [*facts]
    for fact in facts:
        if type(fact).__name__ in ("PatientSessionOpened", "MonitorSeen", "MonitorConfigured", "MonitorPlaced", "BedPlaced"):
            twice.append(msgspec.structs.replace(fact, index=fact.index + 1))

    def bodies(found: list[Finding]) -> dict[str, Any]:
        return {finding.id: (finding.body, finding.status, finding.units, finding.bed) for finding in found}

    assert bodies(conclude(twice, end, "test")) == bodies(conclude(facts, end, "test"))


@RULES
@given(st.integers(0, 1 << 32))
def test_alarms_of_one_patient_never_change_findings_of_another(seed: int) -> None:
    facts = [fact for fact in story(seed) if getattr(fact, "monitor", None) is not None or not isinstance(fact, AlarmFact)]
    alone = [fact for fact in facts if not isinstance(fact, AlarmFact) or (fact.patient, fact.monitor) == ("P1", "M1")]
    mixed = alone + [fact for fact in facts if isinstance(fact, AlarmFact) and (fact.patient, fact.monitor) == ("P2", "M2")]
    end = newest(facts) + 400 * SECOND

    def of_the_first(found: list[Finding]) -> dict[str, bytes]:
        return contents(finding for finding in found if finding.patient == "P1")

    assert of_the_first(conclude(mixed, end, "test")) == of_the_first(conclude(alone, end, "test"))


def test_content_of_a_finding_does_not_depend_on_how_often_it_was_told() -> None:
    [one] = Line().at("0:00", raised()).findings("episodes")
    assert content(one) == content(msgspec.structs.replace(one, revision=7))


# Nothing grows with time.


def days(line: Line, count: int, every: int, each: Any) -> Log:
    """*count* rounds, one each *every* seconds, with the watermark a second behind; sizes are asked for by the caller."""
    log = Log()
    for number in range(count):
        before = len(line.facts)
        each(line, number * every)
        log.batch([*line.facts[before:], progress(line.facts[-1].sent - SECOND)])
    return log


def an_alarm(line: Line, at: int) -> None:
    line.at(str(at), raised(), raised(signal="audible")).at(str(at + 20), ended(), ended(signal="audible"))


def a_report(line: Line, at: int) -> None:
    line.at("0", raised(priority=("HI", "ME")[at // 60 % 2]), told=str(at))


@pytest.mark.parametrize("each", [an_alarm, a_report], ids=["an alarm each minute", "one alarm, a report each minute"])
def test_the_state_of_a_patient_does_not_grow_with_time(each: Any) -> None:
    def grown(minutes: int) -> tuple[int, int, int]:
        log = days(Line().at("-1:00", session(), log_in()), minutes, 60, each)
        remembered = sum(len(r.alarm.episodes) for r in log.ward.alarms.values())
        held = len(log.ward.facts) + sum(len(r.held) for r in log.ward.alarms.values())
        return remembered, held, log.size() // 200  # A number that gets a digit longer is no growth.

    day, days_later = grown(120), grown(700)
    assert days_later[0] <= day[0] + 1
    assert days_later[1] <= day[1] + 4
    assert days_later[2] <= day[2] + 2


@pytest.mark.parametrize("seed", [25, 106, 159, 193, 280, 529, 577, 2285, 152025759])
def test_stories_that_once_went_wrong(seed: int) -> None:
    agrees(seed, story(seed))
    agrees(seed, story(seed, known=False))
    cuts_change_nothing(seed)
