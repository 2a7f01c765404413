"""A hub of a run's own: Kafka, PostgreSQL, topics and workers, under one directory, on free ports, ended with the run."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp
from pydantic import SecretStr

from hubapp.failure import Failure
from hubapp.local.kafka import Cluster
from hubapp.local.postgres import Postgres
from hubapp.settings import Settings

ROOT = Path(__file__).parent.parent.parent
Done = TypeVar("Done")
KafkaVersion = Literal["4.1.1", "3.7.1"]
# So long a source keeps its records here: what its retention takes from a slow reader is another fault than those tried.
KEPT_MS = "3600000"


class Hub:
    """database: one that is there already, in place of an own PostgreSQL. past: workers in `input` mode."""

    def __init__(
        self, home: Path, version: KafkaVersion = "4.1.1", *, past: bool = True, database: str | None = None,
        name: str = "hub", delivery_timeout: float = 120.0, session_timeout: float = 20.0,
    ) -> None:  # fmt: skip
        self.home = home
        self.kafka = Cluster(home / "kafka", version)
        self.postgres = None if database else Postgres(home / "postgres")
        self._database = database
        self._given: dict[str, Any] = {
            "input": past,
            "name": name,
            "delivery_timeout": delivery_timeout,
            "session_timeout": session_timeout,
        }
        self.workers: list[Worker] = []

    @property
    def past(self) -> bool:
        return bool(self._given["input"])

    @property
    def database(self) -> str:
        return self._database or (self.postgres.url if self.postgres else "")

    @property
    def settings(self) -> Settings:
        """Ours alone: nothing of the shell from which the run was started."""
        return Settings.model_construct(
            home=self.home, kafka=self.kafka.address, database=SecretStr(self.database), replication=1, **self._given
        )

    def environment(self, worker: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("HUB_")}
        ours = {name: "1" if value is True else "0" if value is False else str(value) for name, value in self._given.items()}
        ours |= {"home": str(self.home), "kafka": self.kafka.address, "database": self.database, "worker": worker}
        return {**kept, "PYTHONPATH": str(ROOT), **{f"HUB_{name.upper()}": value for name, value in ours.items()}}

    async def begin(self) -> None:
        """Services, then topics."""
        services = [self.kafka.start] if self.postgres is None else [self.kafka.start, self.postgres.start]
        await asyncio.gather(*(asyncio.to_thread(start) for start in services))
        await self._make_topics()

    async def _make_topics(self) -> None:
        from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

        from hubapp import cluster
        from hubapp.topics import SOURCES

        await cluster.apply(self.settings, sources=True)
        async with cluster.admin(self.settings) as client:
            kept = {"retention.ms": KEPT_MS}
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, one.role, kept) for one in SOURCES])

    def worker(self, name: str, *planted: str) -> Worker:
        """Start a worker; *planted*: what is wrong with it, as hubapp.chaos.planted takes it."""
        worker = Worker(self, name, planted)
        self.workers.append(worker)
        worker.start()
        return worker

    async def end(self) -> None:
        for worker in self.workers:
            worker.kill()
        services = [self.kafka.kill] if self.postgres is None else [self.kafka.kill, self.postgres.kill]
        await asyncio.gather(*(asyncio.to_thread(kill) for kill in services))


class Worker:
    """A worker process, which keeps its name and its tables when it is started again."""

    def __init__(self, hub: Hub, name: str, planted: Sequence[str]) -> None:
        self.hub, self.name, self.planted = hub, name, planted
        self.directory = hub.home / "workers" / name
        self.log = hub.home / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.exits: list[int] = []
        self.leaving = False

    def start(self) -> None:
        self.leaving = False
        (self.directory / "web").unlink(missing_ok=True)
        module = ["hubapp.chaos.planted", *self.planted] if self.planted else ["hubapp", "worker"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module], env=self.hub.environment(self.name), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True,
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    async def stop(self) -> tuple[int, float]:
        """SIGTERM: its exit code, and how long it took."""
        began, self.leaving = time.monotonic(), True
        self.signal(signal.SIGTERM)
        assert self.process is not None
        status = await asyncio.to_thread(self.process.wait, 60)
        return status, time.monotonic() - began

    async def is_ready(self) -> bool:
        """Before an input begins it commits nothing, and says so: it is ready all the same."""
        try:
            url = (self.directory / "web").read_text().strip()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as client, client.get(url + "/readyz") as answer:
                reasons = (await answer.json()).get("reasons", ["an error"])
                return all(reason.startswith("nothing was committed") for reason in reasons)
        except (OSError, aiohttp.ClientError, TimeoutError):
            return False

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])


def directory() -> Path:
    """Others may pass: PostgreSQL runs as another user where we are root."""
    made = Path(tempfile.mkdtemp(prefix="hub-chaos-"))
    made.chmod(0o711)
    return made


@asynccontextmanager
async def own(version: KafkaVersion = "4.1.1", **given: Any) -> AsyncIterator[Hub]:
    """A hub under a directory that is removed with it."""
    home = directory()
    hub = Hub(home, version, **given)
    try:
        await hub.begin()
        async with tended(hub):
            yield hub
    finally:
        await hub.end()
        shutil.rmtree(home, ignore_errors=True)


async def until(what: str, true: Callable[[], Awaitable[bool]], hub: Hub, seconds: float) -> None:
    """Wait for *what*; not for ever."""
    deadline = time.monotonic() + seconds
    while not await true():
        if time.monotonic() > deadline:
            said = "\n".join(f"-- {worker.name}, exits {worker.exits}\n{worker.last_words()}" for worker in hub.workers)
            raise Failure(f"not within {seconds:.0f} s: {what}\n{said}")
        await asyncio.sleep(0.2)


@asynccontextmanager
async def tended(hub: Hub) -> AsyncIterator[None]:
    """Whoever of the workers ends is started again, as a supervisor would do."""

    async def tend() -> None:
        while True:
            for worker in hub.workers:
                if not worker.leaving and not worker.alive:
                    worker.exits.append(worker.process.returncode if worker.process else 0)
                    worker.start()
            await asyncio.sleep(0.5)

    tending = asyncio.create_task(tend())
    try:
        yield
    finally:
        tending.cancel()


async def ended_well(run: Coroutine[Any, Any, Done]) -> Done:
    """SIGTERM ends a run as ^C does: with everything that it started."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await run
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
