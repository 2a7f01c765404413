"""A published trouble: somebody adds partitions to a topic. Nothing is concluded of what may still lie in the new ones."""

from __future__ import annotations

import msgspec
import pytest

from hubapp.chaos.expected import ReplayedWard, partition_of
from hubapp.chaos.verifying import CLUSTER, record
from hubapp.facts import Progress, encode_fact
from tests.timeline import Timeline, command, ended, instant, log_in, raised, session


def claimed(until: str, *partitions: int, of: int) -> bytes:
    claims = {str(number): instant(until) for number in partitions}
    return msgspec.json.encode(Progress(claims={"alerts": claims}, counts={"alerts": of}))


def results(*values: bytes) -> dict[str, tuple[str, str]]:
    """What the ward of P has concluded of a log of these values."""
    number = partition_of("p1")
    told = ReplayedWard(number, [record(number, place, value) for place, value in enumerate(values)], CLUSTER, cut=1)
    return {one.rule: (one.body.get("result", one.body.get("ended_by")), one.status) for one in told.findings.values()}


def facts(line: Timeline) -> list[bytes]:
    return [encode_fact(fact) for fact in line.facts]


BEFORE = facts(Timeline().at("-5:00", session(), log_in()).at("0:00", raised()))
BEHIND = facts(Timeline().at("0:20", command()).at("0:50", ended()))
TWELVE, ALL = range(12), range(24)


def test_with_the_partitions_it_knows_the_deadline_passes() -> None:
    assert results(*BEFORE, claimed("9:00", *TWELVE, of=12))["attendance"] == ("no-evidence", "provisional")


def test_from_the_moment_they_exist_new_partitions_hold_it_up() -> None:
    known = claimed("0:10", *TWELVE, of=12)
    assert results(*BEFORE, known, claimed("9:00", *TWELVE, of=24))["attendance"] == ("open", "provisional")


@pytest.mark.parametrize("order", [1, -1])
def test_what_lay_in_them_is_read_from_their_start_and_counts(order: int) -> None:
    added = claimed("9:00", *TWELVE, of=24)
    told = results(*BEFORE, claimed("0:10", *TWELVE, of=12), added, *BEHIND[::order], claimed("20:00", *ALL, of=24))
    assert (told["attendance"], told["episodes"]) == (("attended", "final"), ("cleared", "final"))


def test_one_new_partition_that_is_not_read_is_enough() -> None:
    told = results(*BEFORE, claimed("0:10", *TWELVE, of=12), *BEHIND, claimed("20:00", *ALL[:-1], of=24))
    assert {status for _, status in told.values()} == {"provisional"}
