"""The laws of the chronicle, for every rule that is a fold: order of arrival, cuts and take-overs change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import msgspec
import pytest

from hubapp.chronicle import oracle, rows
from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.oracle import heard_by_the_house
from hubapp.chronicle.rules import OF_PATIENTS, OF_THE_HOUSE
from hubapp.facts import SECOND, AnyFact, Micros, Progress, encode_fact
from hubapp.findings import Finding
from hubapp.household.household import Household
from hubapp.household.state import changes, restore
from hubapp.rules.scene import Rule
from hubapp.rules.told import EpisodeTold
from hubapp.thresholds import CoverageThresholds, PresenceThresholds, Thresholds, UnitThresholds, digest
from hubapp.ward.oracle import shorts
from tests.test_laws import arrival, newest, story

BOUND = 10 * SECOND
UNITS = {"ICU": UnitThresholds(staffed=True, flood_threshold=2), "ER": UnitThresholds(staffed=True, flood_threshold=3)}
SET = Thresholds(units=UNITS, presence=PresenceThresholds(session_days=0.005), coverage=CoverageThresholds(grace=30.0))
IN_FORCE = digest(SET)
SEEDS = range(40)


def told(finding: Finding) -> Finding:
    """As two runs are compared: how often and how late something was told is no part of it."""
    status = "final" if finding.status == "amended" else finding.status
    return msgspec.structs.replace(finding, revision=0, status=status)


def standing(findings: Iterable[Finding]) -> dict[str, Finding]:
    """What was told last of each, but for what was taken back."""
    last = {finding.id: told(finding) for finding in findings}
    return {name: finding for name, finding in last.items() if finding.status != "retracted"}


def expected(facts: list[AnyFact], makes: dict[str, Callable[[], Rule]], end: Micros) -> dict[str, Finding]:
    words = [word for one in shorts(facts, end, SET) for word in one.words()]
    heard = [fact for fact in facts if makes is OF_PATIENTS or heard_by_the_house(fact)]
    found = oracle.conclude([*heard, *words], [make() for make in makes.values()], end, "test", SET, {IN_FORCE: SET})
    return {finding.id: told(finding) for finding in found}


def progresses(facts: list[AnyFact], draw: Random) -> Iterable[tuple[AnyFact | None, Micros | None, list[AnyFact]]]:
    """Facts as they arrive; now and then how far time has come, and all that was read by then."""
    read: list[AnyFact] = []
    for fact in arrival(facts, draw, BOUND):
        read.append(fact)
        yield fact, None, read
        if draw.random() < 0.3:
            yield None, newest(read) - BOUND, read
    yield None, newest(read) + 86_400 * SECOND, read


def words_of_the_ward(read: list[AnyFact], now: Micros, ids: set[str]) -> list[EpisodeTold]:
    """What the patients' partitions tell as of *now*, of the episodes that are no more too; ids: those told before."""
    told = shorts(read, now, SET)
    gone = sorted(ids - {one.id for one in told})
    ids |= {one.id for one in told}
    return [*told, *(EpisodeTold(id=name) for name in gone)]


@pytest.mark.parametrize("makes", [OF_PATIENTS, OF_THE_HOUSE], ids=["patients", "house"])
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_order_of_arrival_the_end_is_the_same(seed: int, makes: dict[str, Callable[[], Rule]]) -> None:
    draw, facts = Random(seed), story(seed)
    chronicle = Chronicle(makes.values(), "test", {IN_FORCE: SET}, lambda subject: True)
    found: list[Finding] = []
    now, ids = None, set[str]()
    for fact, progress, read in progresses(facts, draw):
        if fact is not None and (makes is OF_PATIENTS or heard_by_the_house(fact)):
            chronicle.hold(fact, IN_FORCE)
        if progress is not None and (now is None or progress > now):
            now = progress
            for one in words_of_the_ward(read, now, ids):
                chronicle.tell(one, IN_FORCE)
            found += chronicle.conclude(now)
            if draw.random() < 0.2:
                chronicle.settle(now - 600 * SECOND)
    end = newest(facts) + 86_400 * SECOND
    assert standing(found) == expected(facts, makes, end)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_household_that_is_taken_over_goes_on_as_if_nothing_had_been(seed: int) -> None:
    """Its rows are all that the next one has."""
    draw, facts = Random(seed), story(seed, known=seed % 2 == 0)
    tables: dict[str, dict[bytes, bytes]] = {name: {} for name in ("house", *OF_THE_HOUSE)}
    found: list[Finding] = []

    def taken_over() -> Household:
        household = Household("test", {}, OF_THE_HOUSE.values())
        household.in_force = household.learn(SET)
        restore(household, {name: rows.items() for name, rows in tables.items()})
        return household

    def hand_over(household: Household) -> None:
        outcome = household.hand_over()
        found.extend(outcome.findings)
        for name, key, value in changes(household, outcome):
            if value is None:
                tables[name].pop(key, None)
            else:
                tables[name][key] = value

    household, ids = taken_over(), set[str]()
    for fact, progress, read in progresses(facts, draw):
        if fact is not None and heard_by_the_house(fact):
            household.take(encode_fact(fact), 1 << 62)
        if progress is not None and (household.now is None or progress > household.now):
            for one in words_of_the_ward(read, progress, ids):
                household.take(msgspec.json.encode(one), 1 << 62)
            household.take(msgspec.json.encode(Progress(claims={"all": {"0": progress}}, counts={"all": 1})), 1 << 62)
        hand_over(household)
        if draw.random() < 0.1:
            household = taken_over()
    end = newest(facts) + 86_400 * SECOND
    assert standing(found) == expected(facts, OF_THE_HOUSE, end)


def test_rows_are_written_once_for_each_change() -> None:
    chronicle = Chronicle(OF_THE_HOUSE.values(), "test", {IN_FORCE: SET}, lambda subject: True)
    for fact in filter(heard_by_the_house, story(1)):
        chronicle.hold(fact, IN_FORCE)
    list(chronicle.conclude(newest(story(1))))
    list(rows.changes(chronicle))
    assert list(rows.changes(chronicle)) == []
