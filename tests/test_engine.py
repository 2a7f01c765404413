"""The engine's parts that need no broker: the proof of silence, the data directory, the shelf, the watchdog's excuse."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.partitioner import DefaultPartitioner
from faust.types import TP

from hubapp.engine.batches import Batch, Partition
from hubapp.engine.datadir import DatadirInUse, Lock, keep_only
from hubapp.engine.quiet import OUT_OF_RANGE, Asked, Quiet
from hubapp.engine.shelf import Part, Shelf
from hubapp.engine.transaction import hashed
from hubapp.engine.watchdog import Watchdog

ALARMS = TP("alerts", 3)
REST = 120.0


class Fetches:
    """Answers of a broker to one consumer, told second by second from the take-over on."""

    def __init__(self) -> None:
        self.quiet = Quiet()
        self.quiet.take([ALARMS])
        self.began = self.quiet.taken

    def answer(self, at: float, offset: int, highwater: int, error: int = 0, node: int = 1) -> Fetches:
        self.quiet.heard(Asked(self.began + at, 1_000.0 + at, node, None), ALARMS, offset, error, highwater)
        return self

    def disturb(self, at: float) -> Fetches:
        self.quiet._disturbed = self.began + at
        return self

    def claim(self, committed: int = 10, handed: int = 10) -> float | None:
        return self.quiet.since(ALARMS, committed=committed, handed=handed, rest=REST)


def test_silence_is_claimed_after_two_seconds_at_the_high_watermark_with_the_time_of_the_asking() -> None:
    fetches = Fetches().answer(0, 10, 10)
    assert fetches.answer(1.9, 10, 10).claim() is None
    assert fetches.answer(2.0, 10, 10).claim() == 1_002.0


def test_a_record_that_came_begins_the_silence_anew() -> None:
    assert Fetches().answer(0, 10, 10).answer(3, 11, 11).claim(11, 11) is None
    assert Fetches().answer(0, 10, 10).answer(3, 11, 11).answer(5, 11, 11).claim(11, 11) == 1_005.0


def test_what_waits_behind_an_open_transaction_is_no_silence() -> None:
    assert Fetches().answer(0, 10, 10).answer(2, 10, 10).answer(3, 10, 12).claim() is None


def test_what_was_fetched_and_is_not_committed_is_no_silence() -> None:
    fetches = Fetches().answer(0, 12, 12).answer(5, 12, 12)
    assert fetches.claim(committed=10, handed=12) is None
    assert fetches.claim(committed=12, handed=12) == 1_005.0


def test_markers_behind_the_last_record_are_silence() -> None:
    assert Fetches().answer(0, 13, 13).answer(2, 13, 13).claim(committed=12, handed=12) == 1_002.0


@pytest.mark.parametrize("error", [3, 6, OUT_OF_RANGE])
def test_after_an_error_claims_rest(error: int) -> None:
    fetches = Fetches().answer(0, 10, 10).answer(5, 10, 10, error=error).disturb(5)
    assert fetches.answer(6, 10, 10).answer(5 + REST - 0.1, 10, 10).claim() is None
    assert fetches.answer(5 + REST, 10, 10).claim() == 1_005.0 + REST


def test_a_new_leader_is_as_good_as_an_error() -> None:
    fetches = Fetches().answer(0, 10, 10, node=1).answer(2, 10, 10, node=1)
    assert fetches.claim() is not None
    fetches.answer(3, 10, 10, node=2)
    assert fetches.answer(6, 10, 10, node=2).claim() is None


def test_an_assignment_with_lag_rests_and_one_without_does_not() -> None:
    lagging = Fetches().answer(0, 7, 10).answer(1, 10, 10)
    assert lagging.answer(4, 10, 10).claim() is None
    assert lagging.answer(1 + REST, 10, 10).claim() == 1_001.0 + REST
    assert Fetches().answer(0, 10, 10).answer(4, 10, 10).claim() == 1_004.0


def test_an_answer_from_before_the_take_over_proves_nothing() -> None:
    assert Fetches().answer(-9, 10, 10).answer(-1, 10, 10).claim() is None


def test_a_disturbance_before_a_take_over_is_not_forgotten() -> None:
    fetches = Fetches().disturb(-5)
    assert fetches.answer(0, 10, 10).answer(4, 10, 10).claim() is None
    assert fetches.answer(REST - 5, 10, 10).claim() is not None


def test_a_data_directory_has_one_process(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "w"), Lock(tmp_path / "w")
    first.take()
    first.take()
    with pytest.raises(DatadirInUse, match="is in use by process"):
        second.take(patience=0.0)


def test_tables_of_another_cluster_are_dropped_and_those_of_the_same_kept(tmp_path: Path) -> None:
    keep_only("A", tmp_path)
    (tmp_path / "tables.db").mkdir()
    keep_only("A", tmp_path)
    assert (tmp_path / "tables.db").exists()
    keep_only("B", tmp_path)
    assert not (tmp_path / "tables.db").exists()


def test_partitions_of_one_shelf_do_not_see_each_other(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "tables.db")
    one, other = Part(shelf, "beds", 1), Part(shelf, "beds", 11)
    one.write([(b"a", b"1"), (b"\xffz", b"2")], 7)
    other.write([(b"a", b"3")], 9)
    assert (dict(one.items()), one.offset) == ({b"a": b"1", b"\xffz": b"2"}, 7)
    one.drop()
    assert (dict(one.items()), one.offset) == ({}, None)
    assert (dict(other.items()), other.offset) == ({b"a": b"3"}, 9)
    shelf.close()


def test_a_key_goes_where_kafkas_own_clients_send_it() -> None:
    numbers = list(range(12))
    for key in (b"", b"P1", "Ärztin".encode(), b"\0" * 9):
        assert hashed(key) % 12 == DefaultPartitioner()(key, numbers, numbers)


def test_the_watchdog_excuses_what_waits_for_a_kafka_that_is_away_but_not_a_stop() -> None:
    away = time.monotonic() + 100
    watchdog = Watchdog(5, lambda: away)
    watchdog._wake = lambda: None  # type: ignore[method-assign]  # not to be run here
    with watchdog.watching("a transaction"):
        watchdog.expect("the stop", 8)
        deadlines = dict(watchdog._due())
    assert deadlines["a transaction"] == away + 5
    assert deadlines["the stop"] < away


# Offsets that are gone.


class Reading:
    """A partition whose lane does nothing; records are known by their offsets."""

    def __init__(self, position: int) -> None:
        self.partition = Partition(cast(Any, SimpleNamespace(deferred=set())), ALARMS, position)

    def batch(self, *offsets: int) -> tuple[Batch, Any]:
        records: Any = [SimpleNamespace(offset=offset) for offset in offsets]
        work = self.partition.begin(records)
        return Batch(self.partition, records, work), work


def test_a_gap_is_told_until_what_follows_it_is_committed() -> None:
    reading = Reading(50)
    assert reading.batch(50)[0].gap is None
    reading.partition.miss(8, 50)
    told, work = reading.batch(50, 51)
    again, _ = reading.batch(50, 51)  # The commit failed: the same records come again.
    assert told.gap == again.gap == (8, 50)
    reading.partition.keep(work)
    assert reading.batch(52)[0].gap is None


def test_a_commit_of_what_lies_before_a_gap_does_not_end_it() -> None:
    reading = Reading(5)
    _, before = reading.batch(5, 6, 7)
    reading.partition.miss(8, 50)
    reading.partition.keep(before)
    assert reading.batch(50)[0].gap == (8, 50)


def test_a_gap_that_grows_before_anything_of_it_is_committed_is_one() -> None:
    reading = Reading(50)
    reading.partition.miss(8, 50)
    reading.partition.miss(50, 90)
    assert reading.batch(90)[0].gap == (8, 90)
