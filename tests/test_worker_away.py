"""A worker whose broker goes away for good: it says so, and it ends when told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from hubapp.local.kafka import Cluster

pytestmark = [pytest.mark.live, pytest.mark.slow]


def ask(home: Path, page: str) -> tuple[int, Any]:
    """Status 0 where nobody answers."""
    try:
        with urlopen((home / "workers" / "w" / "web").read_text().strip() + page, timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)
    except (OSError, URLError):
        return 0, None


def until(home: Path, page: str, status: int) -> Any:
    deadline = time.monotonic() + 90
    while (answer := ask(home, page))[0] != status:
        assert time.monotonic() < deadline, (page, answer)
        time.sleep(0.2)
    return answer[1]


def test_without_a_broker_a_worker_is_not_ready_and_still_ends_with_0_when_told_to(home: Path, own_kafka: Cluster) -> None:
    environment = os.environ | {"HUB_HOME": str(home), "HUB_KAFKA": own_kafka.address, "HUB_WORKER": "w"}
    command = [sys.executable, "-m", "hubapp"]
    subprocess.run([*command, "topics", "apply", "--sources"], env=environment, check=True, capture_output=True)
    with (home / "log").open("wb") as log:
        worker = subprocess.Popen([*command, "worker", "--only", "rules"], env=environment, stderr=log)
    try:
        until(home, "/readyz", 200)
        own_kafka.kill()
        assert "Kafka does not answer" in until(home, "/readyz", 503)["reasons"][0]
        [itself] = ask(home, "/v1/workers")[1]["workers"]
        assert (itself["worker"], itself["ready"]) == ("w", False)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()
    said = (home / "log").read_text()
    assert "stopped without handing over: Kafka does not answer" in said.splitlines()[-1]
    assert "Traceback" not in said
