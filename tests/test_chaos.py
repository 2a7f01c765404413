"""Workers are hurt under load, and everything that the hub then holds is what it should hold; a planted defect is seen."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from hubapp.chaos import scenarios
from hubapp.chaos.hub import KafkaVersion
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Outcome, none, same

SMALL: dict[str, Any] = {"beds": 6, "kills": 2, "speed": 40.0}


def wrong(outcome: Outcome) -> dict[str, list[str]]:
    return {check.name: check.examples for check in outcome.checks if not check.good}


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("version", ["4.1.1", "3.7.1"])
async def test_nothing_is_lost_or_doubled_when_workers_are_killed_under_load(version: KafkaVersion, database: str) -> None:
    outcome = await scenarios.ALL["R02"](Orders(kafka=version, database=database, **SMALL))
    assert wrong(outcome) == {}
    assert all(check.found for check in outcome.checks if check.expected)
    assert min(outcome.told["ground truth"][rule]["expected"] for rule in ("episodes", "attendance")) > 10


@pytest.mark.live
@pytest.mark.slow
async def test_tables_written_before_the_commit_turn_the_comparison_red(database: str) -> None:
    outcome = await scenarios.planted(Orders(beds=2, database=database, planted=("early",)))
    assert wrong(outcome).keys() & {"facts: once where they belong", "findings = oracle"}


@pytest.mark.live
@pytest.mark.slow
async def test_what_is_dropped_and_what_is_sent_twice_turns_the_comparison_red(database: str) -> None:
    outcome = await scenarios.planted(Orders(beds=2, database=database, planted=("drop,twice,lose",)))
    seen = {check.name: check for check in outcome.checks}
    facts, told = seen["facts: once where they belong"], seen["findings = the log read again"]
    assert facts.lost
    assert facts.extra
    assert told.lost == 1


def test_lost_extra_and_different_are_counted_apart() -> None:
    check = same("facts", {"a": 1, "b": 2, "c": 3}, [("a", 1), ("a", 1), ("b", 0), ("d", 4)])
    assert (check.lost, check.extra, check.different, check.good) == (1, 2, 1, False)
    assert same("facts", {"a": 1}, [("a", 1)]).good
    assert none("late", []).good
    assert not none("late", ["one"]).good
    assert not Outcome("R02", "nothing was compared", "4.1.1").good


def test_the_command_lists_what_can_be_tried_and_refuses_what_cannot() -> None:
    listed = hub("--list")
    assert listed.returncode == 0
    assert all(row in listed.stdout for row in scenarios.ALL)
    refused = hub("R99")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "hub: no row R99: hub chaos --list\n"


def hub(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "hubapp", "chaos", *arguments], capture_output=True, text=True, timeout=60)


def test_an_outcome_is_json() -> None:
    outcome = Outcome("R02", "kills", "4.1.1", [same("facts", {"a": 1}, [("a", 1)])])
    assert json.loads(json.dumps(outcome.summary()))["good"] is True
