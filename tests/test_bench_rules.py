"""What `hub bench rules` says of the rules: all of them, what they found, and no more than there was."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from hubapp.bench import rules
from hubapp.chronicle.rules import CHRONICLE, OF_PATIENTS, OF_THE_HOUSE
from hubapp.cli.bench import app

ALERTS, BEDS = 300, 4


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    result = CliRunner().invoke(app, ["rules", "--alerts", str(ALERTS), "--beds", str(BEDS), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def rows(told: dict[str, object]) -> dict[str, dict[str, float]]:
    assert isinstance(told["rules"], list)
    return {row["rule"]: row for row in told["rules"]}


def test_every_rule_has_its_row(told: dict[str, object]) -> None:
    assert rows(told).keys() == {rules.ALL, rules.ALONE, rules.REST, *CHRONICLE}


def test_the_findings_of_all_are_those_of_each(told: dict[str, object]) -> None:
    found = {name: row["findings"] for name, row in rows(told).items()}
    assert found.pop(rules.ALL) == sum(found.values()) > 0


def test_the_shares_of_the_rules_are_shares_of_all(told: dict[str, object]) -> None:
    shares = {name: row["share"] for name, row in rows(told).items()}
    assert shares.pop(rules.ALL) == 100
    assert all(shares[name] > 0 for name in OF_PATIENTS)
    assert sum(shares[name] for name in CHRONICLE) < 100


def test_a_clock_at_a_rule_changes_nothing_of_what_it_finds() -> None:
    facts, spent = list(rules.simulated(ALERTS, BEDS)), rules.Spent(float)
    of_patients, of_the_house = rules.clocked(OF_PATIENTS, spent), rules.clocked(OF_THE_HOUSE, spent)
    assert rules.passed(facts, of_patients, of_the_house)[1] == rules.passed(facts, OF_PATIENTS, OF_THE_HOUSE)[1]
    assert spent.keys() == CHRONICLE.keys()
