"""hub rules suggest: what the stored findings suggest, and the figures that it rests on."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubapp import suggesting
from hubapp.facts import SECOND, SessionOpened, iso
from hubapp.findings import Finding, evidence_of, finding_id
from hubapp.store import offsets
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.partitions import Partitions
from hubapp.store.write import write
from hubapp.suggesting import Session, Suggestion
from tests.test_store import LOGS, NOW, PLACE, batch, episode

T = datetime(2026, 10, 12, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def session(start: float, end: float, account: str = "n1", **told: Any) -> Session:
    """From hour to hour after T."""
    given = {"client": None, "units": ("ICU",), "shared": False, "how_ended": "log-out", **told}
    return Session(account=account, start=T + start * HOUR, end=T + end * HOUR, **given)


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [suggesting.percentile(hundred, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert suggesting.percentile([7.0], 0.01) == 7


def test_a_deadline_is_one_that_nine_of_ten_keep() -> None:
    hi, me = suggesting.deadlines({"HI": [float(n) for n in range(1, 21)], "ME": [9.0] * 19}, {"HI": 3})
    figures = {"with_evidence": 20, "without_evidence": 3, "p50": 10, "p90": 18, "p95": 19}
    assert hi == Suggestion("attendance.deadline_hi", 20, figures)
    assert (me.suggested, me.figures["with_evidence"]) == (None, 19)
    assert suggesting.percentile([1.0], 0.9) == 1
    assert next(suggesting.deadlines({"HI": [9999.0] * 20}, {})).suggested == 3600


def test_a_flood_threshold_is_what_99_of_100_ten_minutes_do_not_exceed() -> None:
    known = (T, T + timedelta(minutes=1999))
    onsets = [("ICU", T + timedelta(minutes=minute), f"S{number}", "spo2-low") for minute in (100, 300) for number in range(25)]
    [one] = suggesting.floods(onsets, known)
    assert (one.threshold, one.suggested) == ('units."ICU".flood_threshold', 1)
    assert one.figures == {"onsets": 50, "windows": 2000, "p50": 0, "p95": 0, "p99": 0, "most": 25}
    onsets += [("ICU", T + timedelta(minutes=500), "S1", "spo2-low"), ("ICU", T + timedelta(minutes=501), "S1", "spo2-low")]
    onsets += [("ICU", T + timedelta(minutes=500), "S2", "spo2-low")]
    [more] = suggesting.floods(onsets, known)
    assert (more.suggested, more.figures["p99"], more.figures["most"]) == (2, 2, 25)


def test_of_less_than_a_day_or_of_few_onsets_no_flood_threshold_is_suggested() -> None:
    onsets = [("ICU", T, f"S{number}", "spo2-low") for number in range(20)]
    day = (T, T + timedelta(days=1))
    assert next(suggesting.floods(onsets, day)).suggested == 1
    assert next(suggesting.floods(onsets[1:], day)).suggested is None
    assert next(suggesting.floods(onsets, (T, day[1] - timedelta(seconds=1)))).suggested is None


def test_the_window_is_ten_minutes() -> None:
    counts = list(suggesting.sliding({T: {("S1", "a")}}, (T, T + timedelta(minutes=11))))
    assert counts == [1] * 10 + [0, 0]


def test_a_unit_is_staffed_where_somebody_is_there_nearly_all_the_time() -> None:
    known = (T, T + 100 * HOUR)
    [one] = suggesting.staffed([session(-5, 50), session(40, 60, "n2"), session(65, 200, "n3")], (), known)
    assert (one.threshold, one.suggested, one.figures["covered_share"]) == ('units."ICU".staffed', True, 0.95)
    assert one.figures["accounts"] == 3
    [unknown] = suggesting.staffed([session(0, 50), session(50, 100, units=())], (), known)
    told = [unknown.figures[name] for name in ("covered_share", "of_unknown_place", "covered_with_those")]
    assert (unknown.suggested, told) == (False, [0.5, 1, 1.0])
    [less] = suggesting.staffed([session(0, 94.9)], (), known)
    assert less.suggested is False
    empty, shared = suggesting.staffed([session(0, 100, shared=True)], ["ER"], known)
    assert (empty.suggested, shared.suggested, shared.figures["shared_accounts"]) == (None, None, 1)
    [early] = suggesting.staffed([session(0, 23)], (), (T, T + 23 * HOUR))
    assert early.suggested is None


def test_session_days_are_what_99_of_100_sessions_with_a_log_out_last() -> None:
    ended = [session(0, 12)] * 98 + [session(0, 25), session(0, 24 * 20)]
    [one] = suggesting.session_days([*ended, session(0, 24 * 30, how_ended="assumed"), session(0, 900, shared=True)])
    assert (one.threshold, one.suggested) == ("presence.session_days", 2)
    assert one.figures == {
        "logged_out": 100,
        "assumed": 1,
        "p50_days": 0.5,
        "p95_days": 0.5,
        "p99_days": 1.04,
        "longest_days": 20.0,
    }
    assert [one.suggested for one in suggesting.session_days(ended[:19])] == [None]
    assert [one.figures["logged_out"] for one in suggesting.session_days([])] == [0]


def test_each_service_has_session_days_of_its_own() -> None:
    sessions = [*([session(0, 30, service="older")] * 20), *([session(0, 9, service="newer")] * 20)]
    assert [(one.threshold, one.suggested) for one in suggesting.session_days(sessions)] == [
        ("presence.session_days.newer", 1),
        ("presence.session_days.older", 2),
    ]


def test_an_account_at_three_stations_at_once_or_in_all_shifts_may_be_shared() -> None:
    at_once = [session(0, 5, "ward", client=name) for name in "abc"]
    one_after_the_other = [session(n, n + 1, "n1", client=name) for n, name in enumerate("abc")]
    listed = [session(0, 5, "desk", client=name, shared=True) for name in "abc"]
    one = suggesting.shared_accounts([*at_once, *one_after_the_other, *listed, session(0, 1, "Night")], {"night": 3, "n1": 2})
    assert one.suggested == ["Night", "ward"]
    assert one.figures == {
        "accounts": 4,
        "signs": {
            "ward": {"stations_at_once": 3, "days_in_all_shifts": 0},
            "Night": {"stations_at_once": 0, "days_in_all_shifts": 3},
        },
    }


def test_a_unit_stands_as_a_key_of_hub_toml() -> None:
    import tomllib

    name = 'North "A" \\ 1'
    assert tomllib.loads(f"[units.{suggesting.quoted(name)}]\nstaffed = true") == {"units": {name: {"staffed": True}}}


def suggested(database: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubapp", "rules", "suggest", *options]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HUB_DATABASE": database}, timeout=60)


def attendance(number: int, seconds: float | None, **changes: Any) -> Finding:
    body = {"priority": "HI", "seconds": seconds, "result": "no-evidence" if seconds is None else "attended"}
    at = NOW - number * 60 * SECOND
    return episode(1, at, id=finding_id("attendance", "p", at), rule="attendance", body=body, **changes)


def alarm(number: int, **changes: Any) -> Finding:
    at = NOW - number * SECOND
    body = {"condition": "spo2-low"}
    return episode(1, at, id=finding_id("episodes", "p", at), device=f"S{number}", body=body, **changes)


def presence(number: int) -> Finding:
    """Of the first nine it is stored which service opened it."""
    at = NOW - (number + 1) * 3600 * SECOND
    evidence = [evidence_of(log_in(number, at), "a-cluster")]
    body = {"client": "c", "shared": False, "how_ended": "log-out"}
    end = iso(at + 1800 * SECOND)
    return episode(
        1, at, id=finding_id("presence", "n", at), rule="presence", account="n1", end=end, body=body, evidence=evidence
    )


def log_in(offset: int, at: int) -> SessionOpened:
    place = {"topic": "events-auth", "partition": 0, "offset": offset, "timestamp": at, "at": at, "sent": at}
    return SessionOpened(**place, account_name="n1", service="newer", sha256="00")


@pytest.mark.live
async def test_the_store_is_what_it_rests_on_and_an_empty_one_says_so(database: str) -> None:
    none = await asyncio.to_thread(suggested, database)
    assert (none.returncode, "has no store yet" in none.stderr) == (1, True)
    pool = await connect(database)
    await migrate(pool)
    empty = await asyncio.to_thread(suggested, database)
    assert (empty.returncode, empty.stdout) == (1, "")
    assert empty.stderr == "hub: the store holds no findings of hub hub of the last 28 days: nothing to suggest anything from\n"

    await offsets.recognise(pool, LOGS)
    await offsets.next_of(pool, LOGS, PLACE)
    partitions = Partitions(pool)
    await partitions.look_ahead()
    midnight = NOW - NOW % (86_400 * SECOND) - 4 * 86_400 * SECOND
    facts = [log_in(offset, midnight + (offset // 3 * 24 + offset % 3 * 8) * 3600 * SECOND) for offset in range(9)]
    counted = [attendance(number, float(number)) for number in range(1, 31)]
    left_out = [attendance(31, 999.0, quality=["excluded"]), attendance(32, 999.0, status="retracted")]
    others = [attendance(33, None), *(alarm(number) for number in range(21)), *(presence(number) for number in range(20))]
    await write(partitions, LOGS, batch(0, 1, list(facts), [*counted, *left_out, *others]))
    await pool.close()

    done = await asyncio.to_thread(suggested, database, "--json")
    found = {one["threshold"]: one for one in json.loads(done.stdout)}
    assert found["attendance.deadline_hi"]["suggested"] == 30
    assert found["attendance.deadline_hi"]["figures"] == {
        "with_evidence": 30, "without_evidence": 1, "p50": 15.0, "p90": 27.0, "p95": 29.0
    }  # fmt: skip
    assert found['units."ICU".flood_threshold']["figures"]["most"] == 21
    days = {name: one["figures"]["logged_out"] for name, one in found.items() if name.startswith("presence.session_days")}
    assert days == {"presence.session_days.newer": 9, "presence.session_days": 11}
    assert found["presence.shared_accounts"]["suggested"] == ["n1"]
    assert found['units."ICU".staffed']["figures"]["accounts"] == 1
    shown = await asyncio.to_thread(suggested, database)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.search(r"attendance\.deadline_hi +30 +with evidence 30, without evidence 1, p50 15\.0", shown.stdout)
    assert re.search(r"attendance\.deadline_me +too few figures", shown.stdout)
