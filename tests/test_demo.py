"""hub demo, as a new user runs it: in an empty directory, and ended by ^C wherever it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from hubapp.demo.conclusions import Conclusions
from hubapp.demo.players import Player
from hubapp.demo.stage import Demo, changes, figure, pages
from hubapp.demo.words import told_of
from hubapp.local.kafka import Cluster
from hubapp.local.postgres import Postgres
from hubapp.settings import Settings

COMMAND = [sys.executable, "-m", "hubapp", "demo", "--json"]


def of(home: Path) -> list[psutil.Process]:
    """The processes that have to do with *home*."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) or process.environ().get("HUB_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue  # Gone meanwhile, or not ours to look at.
    return [process for process in found if process.pid != os.getpid()]


@pytest.mark.live
@pytest.mark.slow
def test_a_demo_concludes_something_of_everything_and_leaves_nothing_behind(home: Path) -> None:
    command = [*COMMAND, "--for", "45", "--beds", "20"]
    ended = subprocess.run(command, env=os.environ | {"HUB_HOME": str(home)}, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-3000:]
    summary = json.loads(ended.stdout)
    wanted = ("alerts", "episodes", "findings", "attended", "no_evidence", "self_resolved", "quarantined", "archived")
    assert {name: summary[name] for name in wanted if not summary[name]} == {}
    assert (summary["workers"], summary["restarts"]) == (2, 0)
    assert "these addresses answer" in ended.stderr
    assert of(home) == []


@pytest.mark.live
def test_a_demo_that_is_interrupted_while_its_services_start_leaves_nothing_behind(home: Path) -> None:
    demo = subprocess.Popen(COMMAND, env=os.environ | {"HUB_HOME": str(home)}, stderr=subprocess.PIPE, text=True)
    assert demo.stderr
    assert "starting Kafka and PostgreSQL" in demo.stderr.readline()
    time.sleep(0.5)  # Somewhere in the middle.
    demo.send_signal(signal.SIGINT)
    assert demo.wait(120) == 0
    demo.stderr.close()
    assert of(home) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HUB_CONFIG": "/no/hub.toml"}, "HUB_CONFIG"),
        ({"HUB_KAFKA": "kafka-1"}, "is not HOST:PORT"),
        ({"HUB_DATABASE": "x"}, "USER:"),
    ],
)
def test_what_is_wrong_in_the_settings_is_told_before_anything_is_started(
    home: Path, settings: dict[str, str], words: str
) -> None:
    ended = subprocess.run(
        COMMAND, env=os.environ | {"HUB_HOME": str(home)} | settings, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("hub: ") and words in ended.stderr
    assert list(home.iterdir()) == []


@pytest.mark.live
def test_a_database_that_refuses_is_told_before_the_ward_begins(home: Path, kafka: Cluster, postgres: Postgres) -> None:
    own = {"HUB_HOME": str(home), "HUB_KAFKA": kafka.address, "HUB_DATABASE": postgres.url.removesuffix("hub") + "nowhere"}
    ended = subprocess.run(COMMAND, env=os.environ | own, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert 'database "nowhere" does not exist; check HUB_DATABASE' in ended.stderr
    assert not (home / "demo").exists()


@pytest.mark.live
def test_a_worker_that_cannot_start_ends_the_demo_with_what_it_said(home: Path, own_kafka: Cluster, database: str) -> None:
    own = {"HUB_HOME": str(home), "HUB_KAFKA": own_kafka.address, "HUB_DATABASE": database, "HUB_WEB_HOST": "0.0.0.0"}
    ended = subprocess.run(COMMAND, env=os.environ | own, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "ended with status 1: hub: HUB_WEB_HOST=0.0.0.0 is not loopback" in ended.stderr.splitlines()[-1]
    assert "started again" not in ended.stderr


def finding(**changes: Any) -> dict[str, Any]:
    body = {
        "result": "attended",
        "condition": "spo2-low",
        "priority": "HI",
        "evidence_class": "bedside",
        "seconds": 12.3,
        "episode": "e",
    }
    made = {
        "id": "f", "revision": 1, "rule": "attendance", "status": "final", "bed": "Bed 1", "monitor": "M", "device": "D",
        "patient": "P", "account": "nurse", "start": "2026-10-12T09:00:00.000000Z",
    }  # fmt: skip
    return {**made, "body": {**body, **changes.pop("body", {})}, **changes}


def test_a_conclusion_is_a_line_that_says_where_and_never_who() -> None:
    assert told_of(finding()) == "09:00:00  Bed 1       SpO2 low HI                         attended: bedside after 12 s"
    assert told_of(finding(body={"result": "open"})) is None
    assert told_of(finding(status="retracted")) is None


def test_only_the_newest_revision_counts_and_a_repeated_conclusion_is_told_once() -> None:
    lines: list[str] = []
    conclusions = Conclusions(lines.append)
    conclusions.take(finding(revision=2))
    conclusions.take(finding(revision=1, body={"result": "no-evidence"}))
    conclusions.take(finding(revision=3))
    conclusions.take(finding(id="g", status="retracted"))
    assert len(lines) == 1
    assert conclusions.figures() == {
        "episodes": 0, "findings": 2, "attended": 1, "no_evidence": 0, "self_resolved": 0, "quarantined": 0
    }  # fmt: skip


def test_a_figure_is_summed_over_its_labels() -> None:
    page = 'hub_lag_records{topic="a"} 2.0\nhub_lag_records{topic="b"} 3.0\nhub_lag 9\nhub_lag_records_x 7\n'
    assert figure(page, "hub_lag_records") == 5


def test_the_three_addresses_hold_any_identifier() -> None:
    assert pages("a/b")[:2] == ["/v1/episodes/a%2Fb", "/v1/attendance/a%2Fb"]


@pytest.mark.parametrize(
    ("status", "log", "told"),
    [
        (-signal.SIGKILL, "2026-10-12T09:00:00Z info    [w] ready\n", "was killed (SIGKILL)"),
        (1, "2026-10-12T09:00:00Z info    [w] ready\nhub: no Kafka\n", "ended with status 1: hub: no Kafka"),
        (1, "Traceback\n  File x\naiokafka.errors.KafkaError: lost\n", "ended with status 1: aiokafka.errors.KafkaError: lost"),
        (
            70,
            "2026-10-12T09:00:00Z critical[w] late\nThread 1:\n  File x\n",
            "ended with status 70: 2026-10-12T09:00:00Z critical[w] late",
        ),
        (1, "", "ended with status 1: "),
    ],
)
def test_how_a_player_ended_is_what_its_log_said_last(tmp_path: Path, status: int, log: str, told: str) -> None:
    player = Player("w", tmp_path, "worker")
    player.log.parent.mkdir()
    player.log.write_text(log)
    assert player.end_told(status) == told


def test_a_service_that_goes_down_and_comes_up_again_is_told_once() -> None:
    [line] = changes(set(), {"kafka"})
    assert line.startswith("kafka is down: ")
    assert changes({"kafka"}, {"kafka"}) == []
    assert changes({"kafka", "postgresql"}, {"postgresql"}) == ["kafka is up again"]


def test_the_second_interrupt_and_a_failure_wait_for_nothing(home: Path) -> None:
    demo = Demo(Settings(home=home), seconds=None, beds=1, json=True)
    demo._told_to_stop()
    assert (demo.stop.is_set(), demo.hurry.is_set()) == (True, False)
    demo._told_to_stop()
    assert demo.hurry.is_set()
    failed = Demo(Settings(home=home), seconds=None, beds=1, json=True)
    failed._fail("x")
    assert failed.stop.is_set() and failed.hurry.is_set()
