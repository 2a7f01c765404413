"""hub worker as a process: what it says, what it refuses, how it ends. None of these needs a broker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from asyncio import CancelledError
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubapp import logs
from hubapp.duty import behind
from hubapp.facts import SECOND
from hubapp.settings import Settings
from hubapp.worker import Worker

NOWHERE = "127.0.0.1:9"


class Process:
    """A worker, and what it has said so far."""

    def __init__(self, home: Path, *arguments: str, **settings: str) -> None:
        environment = os.environ | {"HUB_HOME": str(home), "HUB_KAFKA": NOWHERE, "HUB_WORKER": "w", **settings}
        command = [sys.executable, "-m", "hubapp", "worker", *arguments]
        self.process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr
        self.said += self.process.stderr

    def until_said(self, words: str) -> None:
        deadline = time.monotonic() + 60
        while not any(words in line for line in self.said):
            assert time.monotonic() < deadline and self.process.poll() is None, self.said
            time.sleep(0.05)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(60)
        self._reading.join(10)
        return status


@pytest.fixture
def started(home: Path) -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for one in processes:
        one.process.kill()
        one.process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_without_a_broker_says_what_it_waits_for_and_ends_when_told(
    home: Path, started: list[Process], how: signal.Signals
) -> None:
    worker = Process(home)
    started.append(worker)
    worker.until_said(f"waits: no Kafka: {NOWHERE}")
    assert worker.end(how) == 0
    assert sum("waits" in line for line in worker.said) == 1
    assert "stopped" in worker.said[-1]


def test_a_second_worker_on_the_same_directory_is_refused_in_one_line(home: Path, started: list[Process]) -> None:
    first = Process(home)
    started.append(first)
    first.until_said("pages at")
    address = (home / "workers" / "w" / "web").read_text()
    second = Process(home)
    started.append(second)
    assert second.ended() == 1
    assert len(second.said) == 1 and "in use by process" in second.said[0]
    assert (home / "workers" / "w" / "web").read_text() == address
    assert first.end() == 0


def test_a_killed_worker_can_be_started_again_at_once_and_keeps_its_address(home: Path, started: list[Process]) -> None:
    first = Process(home)
    first.until_said("pages at")
    address = (home / "workers" / "w" / "web").read_text()
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = Process(home)
    started.append(second)
    second.until_said("pages at")
    assert (home / "workers" / "w" / "web").read_text() == address


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HUB_WEB_HOST": "0.0.0.0"}, "not loopback"),
        ({"HUB_KAFKA_SECURITY": "SASL_SSL"}, "HUB_KAFKA_USER"),
        ({"HUB_KAFKA_SECURITY": "SSL", "HUB_KAFKA_CA": "/no/such/file"}, "HUB_KAFKA_CA"),
        ({"HUB_HOME": "/proc/hub"}, "HUB_HOME"),
        ({"HUB_KAFKA": "kafka-1"}, "HUB_KAFKA: 'kafka-1' is not HOST:PORT"),
        ({"HUB_DATABASE": "db.example/hub"}, "HUB_DATABASE is no address of a database"),
        ({"HUB_CONFIG": "/no/hub.toml"}, "/no/hub.toml: No such file or directory (HUB_CONFIG)"),
        ({"HUB_CONFIG": __file__}, "not TOML"),
    ],
)
def test_what_no_waiting_mends_is_one_line_and_exit_1(
    home: Path, started: list[Process], settings: dict[str, str], words: str
) -> None:
    worker = Process(home, **settings)
    started.append(worker)
    assert worker.ended() == 1
    told = [line for line in worker.said if line.startswith("hub: ")]
    assert len(told) == 1 and words in told[0]
    assert not any("Traceback" in line for line in worker.said)


def test_a_kafka_of_another_version_in_the_directory_is_one_line_and_exit_1(home: Path, started: list[Process]) -> None:
    (home / "kafka").mkdir()
    (home / "kafka" / "cluster.json").write_text('{"version": "3.7.1", "cluster_id": "c", "ports": [[20001, 20002]]}')
    worker = Process(home, HUB_KAFKA="")
    started.append(worker)
    assert worker.ended() == 1
    assert "holds Kafka 3.7.1" in worker.said[-1] and worker.said[-1].startswith("hub: ")


def test_a_taken_port_is_one_line_and_exit_1(home: Path, started: list[Process]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        worker = Process(home, HUB_WEB_PORT=str(taken.getsockname()[1]))
        started.append(worker)
        assert worker.ended() == 1
    assert "is taken" in worker.said[-1]


def test_an_unknown_setting_is_one_line_and_exit_2(home: Path, started: list[Process]) -> None:
    worker = Process(home, HUB_WORKERS="3")
    started.append(worker)
    assert worker.ended() == 2
    assert len(worker.said) == 1 and "HUB_WORKERS" in worker.said[0]


def test_json_lines_are_json_from_the_first_to_the_last(home: Path, started: list[Process]) -> None:
    import json

    worker = Process(home, HUB_LOG_FORMAT="json")
    started.append(worker)
    worker.until_said("waits")
    worker.end()
    assert {json.loads(line)["worker"] for line in worker.said} == {"w"}


def test_a_log_line_has_no_field_that_is_not_named() -> None:
    event = {"event": "read", "topic": "alerts", "patient": "P1", "_record": None}
    assert logs.allowed(None, "", event) == {"event": "read", "topic": "alerts", "_record": None}


def test_an_error_is_told_without_what_it_quotes() -> None:
    assert logs.worded(KeyError("patient 4711")) == "KeyError"
    assert logs.worded(OSError(28, "No space left on device")) == "OSError: [Errno 28] No space left on device"


@pytest.mark.parametrize(
    ("error", "stopping", "lines"),
    [(CancelledError, True, 0), (CancelledError, False, 1), (KeyError, True, 1), (KeyError, False, 1)],
)
def test_a_thread_that_fails_is_told_unless_the_stop_cut_it_short(
    home: Path, caplog: pytest.LogCaptureFixture, error: type[BaseException], stopping: bool, lines: int
) -> None:
    worker = Worker(Settings(home=home), "w", rules=True, archive=False)
    if stopping:
        worker.stop.set()
    worker._thread_failed(threading.ExceptHookArgs((error, error("patient 4711"), None, None)))
    assert [record.getMessage() for record in caplog.records] == ["a thread failed"] * lines


def test_the_sources_that_hold_the_watermark_are_those_long_silent_or_never_heard() -> None:
    progress = {
        "counts": {"alerts": 3, "events-auth": 1},
        "claims": {"alerts": {"0": 100 * SECOND, "1": 20 * SECOND}},
        "ended": {"events-auth": {"0": 5}},
    }
    assert list(behind(progress, 60 * SECOND)) == [("alerts", 1), ("alerts", 2)]
