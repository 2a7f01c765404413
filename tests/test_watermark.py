"""The watermark: the least that is claimed of all source partitions that exist."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubapp.facts import SECOND, Micros, Progress
from hubapp.ward.watermark import Watermark

S = SECOND


def told(
    watermark: Watermark, claims: dict[str, Micros], counts: int = 2, ended: dict[str, Micros] | None = None
) -> Micros | None:
    watermark.hear(Progress(claims={"alerts": claims}, counts={"alerts": counts}, ended={"alerts": ended or {}}), {})
    return watermark.at


def test_it_waits_for_every_partition_that_exists() -> None:
    watermark = Watermark()
    assert told(watermark, {"0": 10 * S}) is None
    assert told(watermark, {"1": 7 * S}) == 7 * S


def test_it_is_the_least_of_the_claims() -> None:
    watermark = Watermark()
    assert told(watermark, {"0": 10 * S, "1": 7 * S}) == 7 * S
    assert told(watermark, {"1": 12 * S}) == 10 * S


def test_a_topic_that_appears_and_a_partition_that_is_added_hold_it() -> None:
    watermark = Watermark()
    told(watermark, {"0": 10 * S, "1": 10 * S})
    assert told(watermark, {"0": 20 * S, "1": 20 * S}, counts=3) == 10 * S
    assert told(watermark, {"2": 15 * S}, counts=3) == 15 * S


def test_a_claim_is_capped_by_its_append_time_also_the_first() -> None:
    watermark = Watermark()
    assert watermark.hear(Progress(claims={"alerts": {"0": 100 * S}}, counts={"alerts": 1}), {"alerts": 50 * S})
    assert watermark.at == 50 * S


@given(st.lists(st.tuples(st.sampled_from("01"), st.integers(0, 100))))
def test_it_never_moves_back(claims: list[tuple[str, int]]) -> None:
    watermark, before = Watermark(), -1
    for partition, seconds in claims:
        now = told(watermark, {partition: seconds * S})
        assert now is None or now >= before
        before = before if now is None else now


def test_where_the_input_has_ended_nothing_holds_it() -> None:
    watermark = Watermark()
    assert told(watermark, {"0": 10 * S}, ended={"1": 3 * S}) == 10 * S


def test_when_all_input_has_ended_it_stops_six_minutes_behind_the_newest() -> None:
    watermark = Watermark()
    told(watermark, {"0": 10 * S}, ended={"1": 3 * S})
    assert told(watermark, {}, ended={"0": 15 * S}) == 375 * S
    assert told(watermark, {}, ended={"0": 15 * S, "1": 3 * S}) == 375 * S


def test_input_that_never_had_a_record_ends_nowhere() -> None:
    assert told(Watermark(), {}, ended={"0": 0, "1": 0}) is None


def test_another_input_starts_its_time_anew_and_is_in_time() -> None:
    watermark = Watermark()
    told(watermark, {}, ended={"0": 100 * S, "1": 90 * S})
    assert told(watermark, {"0": 2 * S}, ended={"1": 90 * S}) is None
    assert told(watermark, {}, ended={"0": 5 * S, "1": 90 * S}) == 450 * S


def test_holders_name_the_partition_that_holds_it_first() -> None:
    watermark = Watermark()
    told(watermark, {"0": 10 * S, "1": 7 * S}, counts=3)
    assert watermark.holders() == [("alerts", "2", None), ("alerts", "1", 7 * S), ("alerts", "0", 10 * S)]
