"""A demo from start to end: services, topics, workers, the ward, the summary."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout
from aiokafka import AIOKafkaConsumer

from hubapp import beforehand, cluster, pipes
from hubapp.database import database_url
from hubapp.demo.conclusions import Conclusions
from hubapp.demo.players import Player
from hubapp.failure import Failure
from hubapp.local import services
from hubapp.local.status import standing
from hubapp.settings import Settings
from hubapp.store import connection

WORKERS = ("demo-1", "demo-2")
# The simulator holds no record back for longer; a busy laptop may keep a worker from its heartbeat for a while.
TIMING = {"HUB_DELIVERY_TIMEOUT": "5", "HUB_SESSION_TIMEOUT": "20"}
DRAIN_SECONDS = 15.0
# A worker that says within so long why it ends will say the same the next time.
LIVES_SECONDS = 20.0
BEHIND = "now-10m"


class Demo:
    def __init__(self, settings: Settings, *, seconds: float | None, beds: int, json: bool) -> None:
        self.settings = settings.model_copy(update={"home": settings.home.resolve()})
        self.seconds, self.json = seconds, json
        home = self.settings.home
        self.workers = [Player(name, home, "worker", HUB_WORKER=name, HUB_WEB_PORT="0", **TIMING) for name in WORKERS]
        simulate = ("simulate", "--beds", str(beds), "--start", BEHIND, "--speed", "1", "--json")
        self.ward = Player("ward", home, *simulate)
        self.conclusions = Conclusions(self.conclude)
        self.restarts: dict[str, int] = dict.fromkeys(WORKERS, 0)
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        needed = {"Kafka": settings.kafka, "PostgreSQL": settings.database}
        self.embedded = " and ".join(name for name, own in needed.items() if own is None)
        self._failed: str | None = None

    def conclude(self, line: str) -> None:
        print(line, file=sys.stderr if self.json else sys.stdout, flush=True)

    def tell(self, line: str) -> None:
        print(f"hub: {line}", file=sys.stderr, flush=True)

    async def run(self) -> None:
        """Until its time is over, or ^C, or SIGTERM; what it started is stopped then."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._told_to_stop)
        beforehand.insist(self.settings)
        before = await asyncio.to_thread(self._up_before)
        try:
            await self._prepare(before)
            if not self.stop.is_set():
                await self._play()
        finally:
            await self._clear(leave_services=before)
        if self._failed:
            raise Failure(self._failed)

    def _told_to_stop(self) -> None:
        """The second time the summary is not waited for."""
        (self.hurry if self.stop.is_set() else self.stop).set()

    async def _clear(self, *, leave_services: bool) -> None:
        try:
            await asyncio.gather(*[player.end() for player in (self.ward, *self.workers)])
        finally:
            if leave_services and self.embedded:
                self.tell(f"left running, as before: {self.embedded} (`hub services down` stops them)")
            elif self.embedded:
                self.tell(f"stopping {self.embedded}")
                await asyncio.to_thread(services.down, self.settings)

    def _up_before(self) -> bool:
        """Whether the embedded services were running already: then they are not ours to stop."""
        return bool(found := services.found(self.settings.home)) and all(service.is_up() for service in found)

    async def _prepare(self, up: bool) -> None:
        if self.embedded and not up:
            self.tell(f"starting {self.embedded} in {self.settings.home} (the first time takes a minute)")
        await asyncio.to_thread(services.ensure_up, self.settings)
        if not self.stop.is_set():
            async with connection.opened(database_url(self.settings)):
                pass  # What refuses us there, the workers would tell their logs alone.
            await cluster.apply(self.settings, sources=True)

    async def _play(self) -> None:
        reading = {"isolation_level": "read_committed", "fetch_max_wait_ms": 100}
        async with pipes.connected(AIOKafkaConsumer, self.settings, **reading) as consumer:
            await self.conclusions.begin(consumer)
            for player in (*self.workers, self.ward):
                await player.start()
            self.tell(f"two workers and a simulated ward are starting; their logs are in {self.ward.log.parent}")
            watching = [asyncio.ensure_future(self._watch(worker)) for worker in self.workers]
            others = (self._watch_ward(), self._watch_services(), self._tell_addresses())
            watching += [asyncio.ensure_future(other) for other in others]
            try:
                await self._follow()
                await self._finish()
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _follow(self) -> None:
        ends = time.monotonic() + self.seconds if self.seconds else float("inf")
        while not self.stop.is_set() and time.monotonic() < ends:
            await self.conclusions.follow()

    async def _finish(self) -> None:
        """The ward ends, the workers catch up, the summary is told."""
        self.stop.set()
        if not self.hurry.is_set():
            self.tell("the ward ends; the workers conclude what it said last (^C again: at once)")
        await self.ward.end()
        figures = await self._caught_up()
        alerts = orjson.loads(self.ward.output or b"{}").get("alerts", 0)
        summary = {"alerts": alerts, **self.conclusions.figures(), **figures}
        print(orjson.dumps(summary).decode() if self.json else told(summary), flush=True)

    async def _caught_up(self) -> dict[str, Any]:
        """What the workers have archived, and how many answer; they get a while for what the ward said last."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            await self.conclusions.follow()
            pages = [page for worker in WORKERS if (page := await self._ask(worker, "/metrics")) is not None]
            lag = sum(figure(page, "hub_lag_records") + figure(page, "hub_archive_lag_records") for page in pages)
            if lag == 0 or self.hurry.is_set() or time.monotonic() > deadline:
                archived = sum(figure(page, "hub_archived") for page in pages)
                return {"archived": round(archived), "workers": len(pages), "restarts": sum(self.restarts.values())}

    async def _watch(self, worker: Player) -> None:
        """A worker that is killed, as one may, or that fails late is started again; one that cannot start is not."""
        while True:
            began = time.monotonic()
            status = await worker.ended()
            if self.stop.is_set():
                return
            told = f"worker {worker.name} {worker.end_told(status)}"
            if status in (1, 2) and time.monotonic() - began < LIVES_SECONDS:
                self._fail(f"{told} (its log: {worker.log})")
                return
            self.tell(f"{told}; it is started again")
            self.restarts[worker.name] += 1
            await worker.start()

    async def _watch_ward(self) -> None:
        status = await self.ward.ended()
        if not self.stop.is_set():
            self._fail(f"the simulated ward {self.ward.end_told(status)}")

    async def _watch_services(self) -> None:
        """Kafka and PostgreSQL may be killed too: one line when one is down, and one when it is up again."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(1)
            rows = await asyncio.to_thread(standing, self.settings)
            down = {str(row["service"]) for row in rows if row["state"] == "down"}
            for line in changes(before, down):
                self.tell(line)
            before = down

    def _fail(self, reason: str) -> None:
        self._failed = reason
        self.stop.set()
        self.hurry.set()

    async def _tell_addresses(self) -> None:
        """The three addresses, as soon as they answer, of a patient of whom something is known."""
        started = time.monotonic()
        while True:
            patient = self.conclusions.somebody()
            if patient is not None and (url := await self._answering(patient)) is not None:
                break
            await asyncio.sleep(0.5)
        self.tell(f"these addresses answer ({time.monotonic() - started:.0f} s after the start):")
        for page in pages(patient):
            self.tell(f"  {url}{page}")

    async def _answering(self, patient: str) -> str | None:
        answers = [await self._ask(WORKERS[0], page) for page in pages(patient)]
        return address(self.settings, WORKERS[0]) if all(answer is not None for answer in answers) else None

    async def _ask(self, worker: str, page: str) -> str | None:
        with suppress(ClientError, TimeoutError, OSError, ValueError):
            url = address(self.settings, worker) + page
            async with ClientSession() as session, session.get(url, timeout=ClientTimeout(total=5)) as response:
                return await response.text() if response.status == 200 else None
        return None


async def play(settings: Settings, *, seconds: float | None, beds: int, json: bool) -> None:
    await Demo(settings, seconds=seconds, beds=beds, json=json).run()


def address(settings: Settings, worker: str) -> str:
    return (settings.home / "workers" / worker / "web").read_text().strip()


def changes(before: set[str], down: set[str]) -> list[str]:
    """A line for each service that went down, or came up again."""
    went = [f"{service} is down: `hub services up` in another terminal starts it again" for service in sorted(down - before)]
    return went + [f"{service} is up again" for service in sorted(before - down)]


def pages(patient: str) -> list[str]:
    name = quote(patient, safe="")
    return [f"/v1/episodes/{name}", f"/v1/attendance/{name}", "/v1/workers"]


def figure(page: str, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = (line for line in page.splitlines() if line.startswith((name + " ", name + "{")))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def told(summary: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<16}{number:>8}" for name, number in summary.items())
