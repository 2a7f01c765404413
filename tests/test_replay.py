"""A replay with the thresholds that were in force finds what was found live; with others it differs, and compare says in what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hubapp.chaos import verifying
from hubapp.chaos.expected import Taken, house_oracle, oracle, told
from hubapp.chaos.load import Played
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import same
from hubapp.facts import SECOND, AnyFact, RulesChanged, iso
from hubapp.failure import Misuse
from hubapp.findings import Finding
from hubapp.replay.course import Always, Course, InForce
from hubapp.replay.stored import differences
from hubapp.replay.words import micros_of, named
from hubapp.sim.ward import Plan
from hubapp.store.connection import opened
from hubapp.store.migrate import migrate
from hubapp.store.offsets import Logs, next_of, recognise
from hubapp.store.partitions import Partitions
from hubapp.store.rows import fact_rows, finding_row
from hubapp.store.write import Batch, write
from hubapp.thresholds import AttendanceThresholds, Thresholds
from hubapp.topics import LOG_PARTITIONS, PATIENTS
from hubapp.ward.watermark import AFTER_THE_END

PLAN = Plan(seed=4, auth="newer", beds=4, units=2, lasts=1500 * SECOND, alarms_per_bed_day=2000, report_seconds=10)
IMPATIENT = Thresholds(attendance=AttendanceThresholds(deadline_hi=1, deadline_me=1))


@cache
def the_facts() -> tuple[list[AnyFact], int]:
    """In their order, and the watermark behind them."""
    played = Played.of(PLAN)
    taken = Taken(list(verifying.placed(played, PLAN.seed)), past=True)
    return sorted(taken.everything(), key=lambda fact: fact.order), played.newest + AFTER_THE_END


@cache
def at_one_look() -> dict[str, Finding]:
    facts, mark = the_facts()
    return oracle(facts, dict.fromkeys(range(LOG_PARTITIONS), mark), "c") | house_oracle(facts, mark, "c")


def test_a_replay_finds_what_one_look_at_all_facts_finds() -> None:
    facts, mark = the_facts()
    right = at_one_look()
    found = {one.id: one for one in Course("c", InForce([])).run(facts, mark)}
    stand = ((name, told(one)) for name, one in found.items() if one.status != "retracted")
    check = same("replay = oracle", {name: told(one) for name, one in right.items()}, stand)
    assert check.good, check.examples
    assert check.found > 100


def results(facts: Iterable[AnyFact], mark: int, rules: InForce | Always) -> set[str]:
    found = {one.id: one for one in Course("c", rules).run(facts, mark)}
    return {one.rule_version for one in found.values() if one.rule == "attendance"}


def test_thresholds_count_from_the_record_of_their_change_on() -> None:
    facts, mark = the_facts()
    at = facts[len(facts) // 2].timestamp
    change = RulesChanged(
        at=at, sent=at, topic="hub.toml", partition=0, offset=at, timestamp=at, thresholds=IMPATIENT.text()
    )  # fmt: skip
    before, after = results(facts, mark, InForce([])), results(facts, mark, Always(IMPATIENT))
    assert len(before) == len(after) == 1
    assert results(facts, mark, InForce([change])) == before | after


def test_what_is_otherwise_than_in_force_is_told_by_its_place_in_the_file() -> None:
    assert differences(None, None) == differences(IMPATIENT.text(), IMPATIENT) == []
    assert differences(None, IMPATIENT) == [
        {"threshold": "attendance.deadline_hi", "live": 60.0, "replay": 1.0},
        {"threshold": "attendance.deadline_me", "live": 180.0, "replay": 1.0},
    ]


def test_times_are_days_or_instants_and_without_a_zone_they_are_utc() -> None:
    nine = micros_of("--from", "2026-10-12T09:00:00")
    assert iso(nine) == "2026-10-12T09:00:00.000000Z"
    assert micros_of("--from", "2026-10-12T11:00:00+02:00") == nine
    assert iso(micros_of("--from", "2026-10-12")) == "2026-10-12T00:00:00.000000Z"


@pytest.mark.parametrize("written", ["", "yesterday", "2026-13-01", "2026-10-12T25:00"])
def test_what_is_no_time_is_one_clear_line(written: str) -> None:
    with pytest.raises(Misuse, match=r"--to '.*' is no time: write 2026-10-12"):
        micros_of("--to", written)


@pytest.mark.parametrize("written", ["", "a b", "-x", "a/b", "x" * 65])
def test_a_name_is_a_word(written: str) -> None:
    with pytest.raises(Misuse, match="is no name of a replay"):
        named(written)


def hub(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubapp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HUB_DATABASE": database}, timeout=120)


def answer(database: str, *arguments: str) -> Any:
    done = hub(database, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


SPAN = ("--from", "2000-01-01", "--to", "2100-01-01")


async def stored(database: str) -> None:
    """Facts and findings as the archive would have them, of one look at all facts."""
    facts, logs, found = the_facts()[0], Logs("hub", "c", 1), at_one_look()
    batch = Batch((PATIENTS, 0), 0, 1, [fact_rows("hub", "c")(fact) for fact in facts])
    batch.findings = [finding_row("hub", "c", 1, one) for one in found.values()]
    async with opened(database) as pool:
        await migrate(pool)
        await recognise(pool, logs)
        await next_of(pool, logs, batch.place)
        await (partitions := Partitions(pool)).look_ahead()
        await write(partitions, logs, batch)


def wrong(compared: Any) -> Any:
    return compared["counts"], compared["why"], compared["examples"][:2]


@pytest.mark.live
async def test_with_the_thresholds_that_were_in_force_nothing_differs_and_with_others_what_they_are_for(
    database: str, tmp_path: Path
) -> None:
    await stored(database)
    assert sum(answer(database, "replay", *SPAN, "--into", "as-it-was")["findings"].values()) > 100
    compared = answer(database, "compare", "as-it-was")
    assert wrong(compared) == ([], [], [])
    assert compared["same"] > 100
    assert compared["not_final"] < compared["same"]

    (tmp_path / "hub.toml").write_text("[attendance]\ndeadline_hi = 1\ndeadline_me = 1\n")
    answer(database, "replay", *SPAN, "--into", "impatient", "--rules", str(tmp_path / "hub.toml"))
    compared = answer(database, "compare", "impatient")
    assert compared["different"] > 10
    assert {row["field"] for row in compared["why"] if row["rule"] == "attendance"} >= {"body.deadline", "body.result"}
    assert {row["threshold"] for row in compared["changed"]} == {"attendance.deadline_hi", "attendance.deadline_me"}
    shown = hub(database, "compare", "impatient", "--examples", "1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "attendance.deadline_hi: 1.0 (in force: 60.0)" in shown.stdout

    # Replaced as a whole, and nothing of another or of the live ones is touched.
    answer(database, "replay", *SPAN, "--into", "impatient")
    assert answer(database, "compare", "impatient")["different"] == 0
    assert answer(database, "compare", "as-it-was")["different"] == 0


@pytest.mark.live
async def test_a_part_of_the_time_is_found_as_it_was_though_it_began_in_the_middle(database: str) -> None:
    await stored(database)
    async with opened(database) as pool:
        first, last = await pool.fetchrow("SELECT min(start), max(start) FROM findings")
    middle = first + (last - first) / 2
    span = ("--from", middle.isoformat(), "--to", (last - (last - first) / 4).isoformat())
    answer(database, "replay", *span, "--into", "part")
    compared = answer(database, "compare", "part")
    assert wrong(compared) == ([], [], [])
    assert compared["same"] > 10


@pytest.mark.live
async def test_a_finding_that_is_missing_wrong_or_made_up_is_told_as_such(database: str) -> None:
    await stored(database)
    answer(database, "replay", *SPAN, "--into", "x")
    async with opened(database) as pool:
        ids = [row["id"] for row in await pool.fetch("SELECT id FROM findings WHERE status <> 'provisional' ORDER BY id LIMIT 3")]
        await pool.execute("DELETE FROM findings WHERE id = $1", ids[0])
        await pool.execute("DELETE FROM replayed WHERE id = $1", ids[1])
        await pool.execute("UPDATE findings SET bed = 'elsewhere' WHERE id = $1", ids[2])
    compared = answer(database, "compare", "x", "--examples", "5")
    found = {row["difference"]: row["id"] for row in compared["examples"]}
    assert found == {"only replayed": str(ids[0]), "only live": str(ids[1]), "different": str(ids[2])}
    assert compared["different"] == 3
    assert [row["field"] for row in compared["why"]] == ["bed"]


@pytest.mark.live
async def test_what_is_not_there_is_one_line_and_status_1(database: str) -> None:
    await stored(database)
    done = hub(database, "replay", "--from", "2000-01-01", "--to", "2000-01-02", "--into", "empty")
    assert done.returncode == 1 and done.stderr.startswith("hub: the store has no facts from 2000-01-01T00:00:00.000000Z to ")
    assert answer(database, "replay", *SPAN, "--into", "there")["facts"] > 100
    done = hub(database, "compare", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "hub: no replay nowhere of hub hub; there are there\n"


@pytest.mark.live
@pytest.mark.slow
async def test_a_replay_of_what_workers_found_and_archived_differs_in_nothing(database: str) -> None:
    outcome = await verifying.through_kafka(Orders(database=database), PLAN)
    assert outcome.good
    answer(database, "replay", *SPAN, "--into", "as-it-was")
    compared = answer(database, "compare", "as-it-was")
    assert wrong(compared) == ([], [], [])
    assert compared["same"] > 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "2026-10-02", "--to", "2026-10-01", "--into", "x"), "--from 2026-10-02 is not before --to 2026-10-01"),
        (("--from", "2026-10-01", "--to", "2026-10-01", "--into", "x"), "--from 2026-10-01 is not before --to 2026-10-01"),
        (("--from", "noon", "--to", "2026-10-01", "--into", "x"), "--from 'noon' is no time"),
        (("--from", "2026-10-01", "--to", "2026-10-02", "--into", "x/y"), "'x/y' is no name of a replay"),
        (("--from", "2026-10-01", "--to", "2026-10-02", "--into", "x", "--rules", "absent.toml"), "Invalid value for '--rules'"),
    ],
)
def test_what_cannot_be_replayed_is_one_line_and_status_2(arguments: tuple[str, ...], words: str) -> None:
    done = hub("postgresql://127.0.0.1:1/none", "replay", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"hub: {words}")


@pytest.mark.live
async def test_a_store_of_nothing_is_one_line_and_status_1(database: str) -> None:
    for arguments in (("compare", "x"), ("replay", "--from", "2026-10-01", "--to", "2026-10-02", "--into", "x")):
        done = hub(database, *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "has no store yet" in done.stderr
    assert hub(database, "store", "migrate").returncode == 0
    done = hub(database, "compare", "x")
    assert done.stderr == "hub: no replay x of hub hub; there are none yet: hub replay makes them\n"
    done = hub(database, "replay", "--from", "2026-10-01", "--to", "2026-10-02", "--into", "x")
    assert done.returncode == 1 and done.stderr.startswith("hub: the store has nothing of hub hub")
