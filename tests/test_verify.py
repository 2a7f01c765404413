"""What the hub finds of simulated wards is what their people did: precision and recall 1, with either service."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from hubapp.chaos import check, verifying
from hubapp.chaos.load import Played
from hubapp.chaos.orders import Orders
from hubapp.facts import SECOND
from hubapp.sim.ward import Plan
from tests.test_chaos import wrong

Auth = Literal["older", "newer"]
SERVICES: tuple[Auth, ...] = ("older", "newer")


def small(seed: int, auth: Auth) -> Plan:
    return Plan(seed=seed, auth=auth, beds=6, units=2, lasts=2400 * SECOND, alarms_per_bed_day=2000, report_seconds=10)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("auth", SERVICES)
def test_five_wards_are_found_exactly_in_one_process(seed: int, auth: Auth) -> None:
    outcome = verifying.in_process(replace(small(seed, auth), lasts=3600 * SECOND))
    assert wrong(outcome) == {}
    assert min(rule["expected"] for rule in outcome.told["ground truth"].values()) > 20


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_wards_of_both_services_are_found_exactly_through_kafka(seed: int, database: str) -> None:
    """Two hubs beside each other, which share the database."""
    runs = [verifying.through_kafka(Orders(database=database, name=auth), small(seed, auth)) for auth in SERVICES]
    for outcome in await asyncio.gather(*runs):
        assert wrong(outcome) == {}
        assert min(rule["expected"] for rule in outcome.told["ground truth"].values()) > 10


@pytest.mark.live
@pytest.mark.slow
async def test_an_input_ends_though_its_worker_dies_right_after_it_read_the_mark(database: str) -> None:
    plan = replace(small(3, "newer"), beds=2)
    outcome = await verifying.through_kafka(Orders(database=database, planted=("dies",)), plan)
    assert outcome.told["ended by themselves"] == {"one": [-9]}
    assert wrong(outcome) == {}


def test_a_finding_that_is_missing_wrong_or_made_up_is_seen() -> None:
    truth = Played.of(small(1, "newer")).truth
    assert len(truth) > 10
    checks, summary = check.truth(truth, [])
    assert all(not one.good for one in checks)
    assert all(rule["recall"] == 0 for rule in summary.values())
