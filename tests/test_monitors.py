"""Monitors, fact by fact: what a record means to the alarms on it, and which traces are hands."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import AnyFact, Limit
from hubapp.rules.monitors import Monitor, differ, step
from tests.timeline import Timeline, audio, back, limits, lost, release, session


def meant(*facts: Any) -> list[str]:
    """What each fact means in turn, a second apart."""
    line, monitor, found = Timeline(), Monitor("M1"), []
    for second, fact in enumerate(facts):
        line.at(f"0:{second:02}", fact)
    told: list[AnyFact] = line.facts
    for fact in told:
        found += [getattr(one, "what", None) or getattr(one, "trace", "") for one in step(monitor, "m1", fact)]
    return found


def test_a_repeated_session_means_nothing() -> None:
    assert meant(session("P1"), session(" p1 ")) == ["opened"]
    assert meant(session("P1"), release("P1"), session("P1")) == ["opened", "closed", "opened"]


def test_a_close_of_another_patient_contradicts() -> None:
    assert meant(session("P1"), release("P2"), release("P1")) == ["opened", "contradicted", "closed"]


def test_a_loss_told_twice_is_one_and_a_silence_gives_way_to_it() -> None:
    assert meant(lost(), lost(), back(), back()) == ["lost", "heard"]
    assert meant(lost("silent"), lost(), lost("silent"), back()) == ["lost", "lost", "heard"]


def test_every_record_is_a_sign_of_life() -> None:
    assert meant(lost(), session("P1")) == ["lost", "heard", "opened"]
    assert meant(lost(), audio("on")) == ["lost", "heard"]


def test_audio_that_is_told_again_means_nothing() -> None:
    assert meant(audio("on"), audio("on"), audio("off"), audio("off"), audio("on")) == ["audio", "audio"]


def test_what_a_discovery_tells_is_state() -> None:
    assert meant(audio("on"), audio("off", discovery=True), audio("on")) == ["audio"]


def test_limits_are_compared_with_the_last_that_were_told_of_their_condition() -> None:
    low, high = Limit("spo2-low", lower=85.0), Limit("hr-high", upper=120.0)
    assert meant(limits(low), limits(high), limits(low, high)) == []
    assert meant(limits(low), limits(high), limits(Limit("spo2-low", lower=80.0))) == ["limits"]


@pytest.mark.parametrize(("old", "new", "changed"), [
    (None, Limit("x", upper=1.0), False),
    (Limit("x", upper=1.0), Limit("x", upper=2.0), True),
    (Limit("x"), Limit("x", upper=2.0), False),
    (Limit("x", upper=1.0), Limit("x"), False),
    (Limit("x"), Limit("x", enabled=False), True),
])  # fmt: skip
def test_a_value_that_was_not_known_has_not_changed(old: Limit | None, new: Limit, changed: bool) -> None:
    assert differ(old, new) is changed
