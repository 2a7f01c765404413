"""Laws of control: what it remembers is all that it needs, order of arrival and other people's facts change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubapp.chronicle.chronicle import Chronicle, copied
from hubapp.chronicle.oracle import conclude
from hubapp.facts import SECOND, AnyFact, Limit, Micros
from hubapp.findings import Finding
from hubapp.rules.control import Control
from hubapp.rules.house import House
from hubapp.rules.scene import Scene, rank
from hubapp.thresholds import ControlThresholds, PresenceThresholds, Thresholds, digest
from tests.timeline import (
    T0,
    Timeline,
    answered,
    audio,
    command,
    device,
    failed,
    limits,
    locked,
    log_in,
    log_out,
    placed,
    release,
    session,
    unit,
)

LAWS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
# Sessions of twenty minutes, doubt of ten: so that both pass within a story.
SET = Thresholds(
    presence=PresenceThresholds(session_days=1200 / 86_400, aliases={"ann": ("a.nn",)}),
    control=ControlThresholds(failures=2, failures_within=60.0, doubted=600.0),
)
IN_FORCE = digest(SET)
END = T0 + 86_400 * SECOND
LATENESS = 600 * SECOND
NAMES = ("ann", "a.nn", "id-bob", "zed")


def at_a_monitor(draw: Random, monitor: str) -> list[Any]:
    low = Limit("spo2-low", lower=draw.choice((80.0, 85.0, None)), enabled=draw.random() < 0.7)
    return [
        audio(draw.choice(("on", "paused", "off")), discovery=draw.random() < 0.2, monitor=monitor),
        limits(low, discovery=draw.random() < 0.2, monitor=monitor),
        command(draw.choice(("A", "B")), draw.choice(NAMES), request=draw.choice((None, "r1")), monitor=monitor),
        answered(draw.choice(("done", "failed")), request="r1", monitor=monitor),
        session(draw.choice(("P1", "P2")), monitor=monitor),
        release(None, monitor=monitor),
    ]  # fmt: skip


def of_an_account(draw: Random, name: str) -> list[Any]:
    told: dict[str, Any] = draw.choice(({}, {"account_id": f"id-{name}"}, {"account_id": f"id-{name}", "name": None}))
    client = draw.choice((None, None, "WS1", "WS2"))
    return [
        *[log_in(told.pop("name", name), client=client, **told)] * 2,
        log_out(name, client=client, **told),
        failed(name, **told),
        failed(name, **told),
        locked(None, account_id=f"id-{name}"),
    ]


def story(seed: int, count: int = 40) -> list[AnyFact]:
    draw, line, now = Random(seed), Timeline(), 0.0
    line.at("-10:00", unit("ICU", "B1"), unit("ER", "B2"), placed("B1"), device("M1", device_id="D1"))
    line.at("-10:00", *(log_out(name, account_id=f"id-{name}") for name in ("ann", "bob")), audio("on", discovery=True))
    for _ in range(count):
        now += draw.choice((0.0, 1.0, 5.0, 20.0, 55.0, 61.0, 300.0, 700.0))
        what = draw.choice((at_a_monitor(draw, "M1"), of_an_account(draw, draw.choice(("ann", "bob")))))
        line.at(f"{now:.3f}", draw.choice(what))
    return line.facts


def others(seed: int) -> list[AnyFact]:
    """What is done at another monitor, in another unit, and by an account that never gets in."""
    draw, line, now = Random(seed), Timeline(), 0.0
    for _ in range(20):
        now += draw.choice((0.5, 20.5, 60.5, 300.5))
        line.at(f"{now:.3f}", draw.choice([*at_a_monitor(draw, "M2"), failed("zoe"), locked("zoe"), log_out("zoe")]))
    return [msgspec.structs.replace(fact, offset=fact.offset + 1_000) for fact in line.facts]


def concluded(facts: Iterable[AnyFact]) -> list[Finding]:
    return conclude(facts, [Control()], END, "test", SET)


def told(finding: Finding) -> Finding:
    status = "final" if finding.status == "amended" else finding.status
    return msgspec.structs.replace(finding, revision=0, status=status)


@LAWS
@given(st.integers(0, 1 << 32), st.floats(0, 1))
def test_what_is_remembered_is_all_that_is_needed(seed: int, cut: float) -> None:
    facts = sorted(story(seed), key=rank)
    scene, rule = Scene(House(), "test", {}), Control()
    for number, fact in enumerate(facts):
        if number == int(cut * len(facts)):
            again = copied(rule)
            assert isinstance(again, Control)
            rule, scene = again, scene.copy()
        scene.look_at(fact, SET)
        list(rule.hear(fact, scene))
        scene.pass_by(fact)
    found = [one.finding for key in rule.items for one in rule.found(key, scene, END)]
    assert sorted(map(told, found), key=lambda one: one.id) == sorted(
        (msgspec.structs.replace(told(one), status="provisional") for one in concluded(facts)), key=lambda one: one.id
    )


@LAWS
@given(st.integers(0, 1 << 32))
def test_order_of_arrival_and_what_is_forgotten_change_nothing(seed: int) -> None:
    draw, facts = Random(seed), story(seed)
    chronicle = Chronicle([Control], "test", {IN_FORCE: SET}, lambda subject: True)
    last: dict[str, Finding] = {}
    now: Micros | None = None
    for fact in sorted(facts, key=lambda one: one.sent + draw.randrange(10 * SECOND)):
        chronicle.hold(fact, IN_FORCE)
        if draw.random() < 0.4 and (now is None or fact.sent - 10 * SECOND > now):
            now = fact.sent - 10 * SECOND
            last |= {one.id: told(one) for one in chronicle.conclude(now)}
            chronicle.settle(now - LATENESS)
    last |= {one.id: told(one) for one in chronicle.conclude(END)}
    assert {name: one for name, one in last.items() if one.status != "retracted"} == {
        one.id: told(one) for one in concluded(facts)
    }


@LAWS
@given(st.integers(0, 1 << 32), st.integers(0, 1 << 32))
def test_other_monitors_units_and_accounts_change_nothing(seed: int, other: int) -> None:
    alone, together = story(seed), [*story(seed), *others(other)]
    assert [one for one in concluded(together) if one.monitor == "M1"] == concluded(alone)


@LAWS
@given(st.integers(0, 1 << 32))
def test_repeats_of_what_is_on_change_nothing(seed: int) -> None:
    facts = story(seed)
    line = Timeline().at("0:00", audio("paused")).at("0:00.001", *[audio("paused")] * 3)
    repeats = [msgspec.structs.replace(fact, offset=fact.offset + 1_000) for fact in line.facts]
    assert concluded([*facts, *repeats[:1]]) == concluded([*facts, *repeats])


def test_what_is_over_is_forgotten() -> None:
    chronicle = Chronicle([Control], "test", {IN_FORCE: SET}, lambda subject: True)
    for fact in story(1, count=200):
        chronicle.hold(fact, IN_FORCE)
    list(chronicle.conclude(END))
    chronicle.settle(END - LATENESS)
    assert chronicle.settled.rules[0].items == {}


def test_what_throws_doubt_on_a_session_is_kept_while_it_lasts() -> None:
    line = Timeline().at("0:00", locked()).at("9:00", log_in()).at("25:00", log_in()).at("44:00", command())
    chronicle = Chronicle([Control], "test", {IN_FORCE: SET}, lambda subject: True)
    for fact in line.facts:
        chronicle.hold(fact, IN_FORCE)
        list(chronicle.conclude(fact.sent))
        chronicle.settle(fact.sent - SECOND)
    [one] = concluded(line.facts)
    assert one.body["why"] == "after-lock"
    assert [told(found) for found in chronicle.conclude(END)] == [told(one)]
