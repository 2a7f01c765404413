"""Two workers on a real broker, a small ward behind them: who answers, and who must not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from hubapp.local.kafka import Cluster

pytestmark = [pytest.mark.live, pytest.mark.slow]

NAMES = ("one", "two")
Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Pair:
    home: Path
    kafka: str
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HUB_HOME": str(self.home),
            "HUB_KAFKA": self.kafka,
            "HUB_DELIVERY_TIMEOUT": "3",
            "HUB_SESSION_TIMEOUT": "6",
        }

    def hub(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "hubapp", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True, timeout=120).stdout

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "hubapp", "worker", "--only", "rules"]
        with (self.home / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(command, env=self.environment | {"HUB_WORKER": name}, stderr=log)

    def ask(self, name: str, page: str, **headers: str) -> Answer:
        url = (self.home / "workers" / name / "web").read_text().strip() + page
        try:
            with urlopen(Request(url, headers=headers), timeout=10) as response:
                return response.status, json.load(response), dict(response.headers)
        except HTTPError as error:
            return error.code, json.load(error), dict(error.headers)

    def until(self, what: str, holds: Any) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                if holds():
                    return
            except (OSError, URLError, KeyError):
                pass  # Not yet.
            assert time.monotonic() < deadline, f"never: {what}\n{self.logs()}"
            time.sleep(0.2)

    def logs(self) -> str:
        return "\n".join((self.home / f"{name}.log").read_text()[-3000:] for name in self.workers)

    def owned(self, by: str, seen_by: str) -> list[int]:
        url = (self.home / "workers" / by / "web").read_text().strip()
        workers = self.ask(seen_by, "/v1/workers")[1]["workers"]
        return next((list(one["owns"].get("hub-patients", [])) for one in workers if one["url"] == url), [])


@pytest.fixture(scope="module")
def pair(scratch: Path) -> Iterator[Pair]:
    cluster = Cluster(scratch / "pair-kafka")
    cluster.start()
    home = scratch / "pair"
    home.mkdir()
    workers = Pair(home, cluster.address)
    try:
        workers.hub("topics", "apply", "--sources")
        workers.hub("simulate", "--beds", "12", "--for", "400", "--speed", "0")
        for name in NAMES:
            workers.start(name)
        for name in NAMES:
            workers.until(f"{name} is ready", lambda name=name: workers.ask(name, "/readyz")[0] == 200)
        yield workers
    finally:
        for process in workers.workers.values():
            process.kill()
            process.wait()
        cluster.kill()


@pytest.fixture(scope="module")
def patients(pair: Pair) -> list[str]:
    """Those of whom the tables hold something, in both workers' partitions."""
    found: set[str] = set()

    def enough() -> bool:
        lines = map(json.loads, pair.hub("tail", "hub-episodes", "--from-beginning", "--until-end").splitlines())
        told = {line["value"]["patient"] for line in lines if line["value"]["patient"]}
        answers = {patient: pair.ask("one", page_of(patient)) for patient in told}
        found.clear()
        found.update(patient for patient, answer in answers.items() if answer[0] == 200)
        return len({answers[patient][2]["Hub-Owner"] for patient in found}) == len(NAMES)

    pair.until("patients in the partitions of both", enough)
    return sorted(found)


def page_of(patient: str) -> str:
    return "/v1/episodes/" + quote(patient, safe="")


def test_both_workers_answer_the_same_of_every_patient(pair: Pair, patients: list[str]) -> None:
    for patient in patients:
        asked = [page_of(patient), page_of(patient.lower())]
        answers = [pair.ask(name, page) for name in NAMES for page in asked]
        assert [status for status, _, _ in answers] == [200] * 4, (answers, pair.logs())
        findings = [body["findings"] for _, body, _ in answers]
        assert findings[0] and all(one == findings[0] for one in findings)
        assert {finding["patient"] for finding in findings[0]} == {patient}


def test_every_partition_has_one_owner_and_both_workers_say_so(pair: Pair) -> None:
    for name in NAMES:
        assert sorted([*pair.owned("one", name), *pair.owned("two", name)]) == [0, 1, 2, 3]


def test_metrics_and_logs_name_no_patient(pair: Pair, patients: list[str]) -> None:
    for name in NAMES:
        url = (pair.home / "workers" / name / "web").read_text().strip()
        with urlopen(url + "/metrics", timeout=10) as response:
            page = response.read().decode()
        assert 'hub_records_total{topic="hub-patients"}' in page
        assert not [patient for patient in patients if patient in page or patient in pair.logs()]


def test_a_worker_that_was_frozen_does_not_answer_from_its_old_tables(pair: Pair, patients: list[str]) -> None:
    page = page_of(next(one for one in patients if pair.ask("one", page_of(one))[2].get("Hub-Owner") == "two"))
    assert pair.ask("two", page, **{"Hub-Hop": "1"})[0] == 200
    pair.workers["two"].send_signal(signal.SIGSTOP)
    try:
        pair.until("the other has taken over", lambda: pair.ask("one", page, **{"Hub-Hop": "1"})[0] == 200)
    finally:
        pair.workers["two"].send_signal(signal.SIGCONT)
    try:
        assert pair.ask("two", page, **{"Hub-Hop": "1"})[0] == 503
    except (OSError, URLError):
        assert pair.workers["two"].wait(10) == os.EX_SOFTWARE  # A transaction was open: the watchdog ended it as it woke up.
        pair.start("two")


def test_both_end_with_0_when_told_to(pair: Pair) -> None:
    for name in NAMES:
        pair.until(f"{name} is ready again", lambda name=name: pair.ask(name, "/readyz")[0] == 200)
    for process in pair.workers.values():
        process.send_signal(signal.SIGTERM)
    assert [process.wait(30) for process in pair.workers.values()] == [0, 0]
