"""One worker process: the Faust app, the archive and the pages, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import pkgutil
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeAlias

import uvloop
from aiokafka.errors import KafkaError
from faust.exceptions import ImproperlyConfigured

from hubapp import beforehand, kafka, logs
from hubapp.cluster import log_epoch, log_partitions
from hubapp.duty import Duty
from hubapp.engine import DatadirInUse, HubApp, PoisonedBatch
from hubapp.engine.datadir import Lock
from hubapp.failure import Failure
from hubapp.settings import Settings
from hubapp.waiting import Stopped, Waiting, broker, cluster_id, database, our_topics
from hubapp.web import site

logger = logging.getLogger(__name__)

Only: TypeAlias = Literal["rules", "archive"]

# Together below the 8 s after which the engine's watchdog ends a stop.
HAND_OVER_SECONDS, ANSWER_SECONDS = 5.0, 1.5
STOP_SECONDS = 9.0


def run(settings: Settings, only: Only | None = None) -> None:
    """Work until SIGTERM or ^C. Raises Failure for what no waiting mends."""
    name = settings.worker if only != "archive" else f"{settings.worker}-archive"
    logs.configure(settings.log_format, name)
    uvloop.install()
    worker = Worker(settings, name, rules=only != "archive", archive=only == "archive" or (only is None and settings.archive))
    asyncio.run(worker.work())


class Worker:
    """Its parts run beside each other; the first that ends ends all."""

    def __init__(self, settings: Settings, name: str, *, rules: bool, archive: bool) -> None:
        self.settings, self.name = settings, name
        self.directory = settings.home / "workers" / name
        self.lock = Lock(self.directory)
        self.stop = asyncio.Event()
        self._parts = {"rules": rules, "archive": archive}
        self._began = time.monotonic()
        self._said: dict[str, float] = {}
        self._abandoned = False

    async def work(self) -> None:
        self._hear_signals()
        threading.excepthook = self._thread_failed
        self._take_directory()
        beforehand.insist(self.settings)
        listening = site.listen(self.settings.web_host, self.settings.web_port, self.directory / "web")
        url = site.address(listening)
        self.duty = Duty(self.settings, self.name, url, **self._parts)
        pages = await site.serve(self.duty, listening)
        (self.directory / "web").write_text(url + "\n")
        logger.info("pages at %s", url)
        try:
            await self._run_parts([getattr(self, f"_{part}") for part, wanted in self._parts.items() if wanted])
        finally:
            await self.duty.close()
            await pages.cleanup()
        if self._abandoned:
            logger.warning("stopped without handing over: Kafka does not answer")
            os._exit(0)  # What still waits for Kafka would keep the process.

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop, number)

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        """Python would print all that the error quotes. A stop without a broker cuts the consumer's thread short."""
        if not (self.stop.is_set() and issubclass(failed.exc_type, asyncio.CancelledError)):
            error = failed.exc_value or failed.exc_type()
            logger.error("a thread failed", exc_info=(failed.exc_type, error, failed.exc_traceback))

    def _told_to_stop(self, number: signal.Signals) -> None:
        if not self.stop.is_set():
            logger.info("%s: finishing the running batches", number.name)
        self.stop.set()

    def _take_directory(self) -> None:
        try:
            self.lock.take()
        except DatadirInUse as error:
            raise Failure(f"{error} (HUB_WORKER)") from error
        except OSError as error:
            raise Failure(f"{self.directory}: {error.strerror}; give this user the right, or set HUB_HOME") from error

    async def _run_parts(self, parts: Iterable[Callable[[], Awaitable[None]]]) -> None:
        tasks = [asyncio.ensure_future(part()) for part in parts]
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        self.stop.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(stopping, *tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise worded(error) from error
        logger.info("stopped", extra={"seconds": round(time.monotonic() - self._began)})

    async def _rules(self) -> None:
        """The app, once there is a Kafka with our topics."""
        waiting = self.duty.waiting = Waiting(self.stop, self._said)
        try:
            await waiting.until(lambda: broker(self.settings))
            await waiting.until(lambda: our_topics(self.settings))
        except Stopped:
            return
        await log_partitions(self.settings)
        app = assembled()
        app.in_worker = True  # Else Faust does without the transactions.
        app.lock = self.lock
        app.advertise(self.duty.url)
        app.observe = self.duty.commits.observe
        if waiting.waited:
            app.quiet.failed()  # The broker was away: producers may still hold what they could not send meanwhile.
        self.duty.app, waiting.reason = app, None
        await self._live(app)

    async def _live(self, app: HubApp) -> None:
        """From the app's start to its stop, whichever of them is under way when we are told to stop."""
        starting = asyncio.ensure_future(app.start())
        watching = asyncio.ensure_future(self._tell_ready(app))
        stopping = asyncio.ensure_future(self.stop.wait())
        ended = asyncio.ensure_future(crashed(app))
        await asyncio.wait([starting, stopping, ended], return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not starting.exception():
            await asyncio.wait([stopping, ended], return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, ended, stopping):
            task.cancel()
        await self._stop(app)
        if app.crash_reason is not None:
            raise app.crash_reason
        if not self._abandoned:
            await starting

    async def _stop(self, app: HubApp) -> None:
        """Without a broker Faust would wait for ever for somebody to hand over to."""
        stop = asyncio.ensure_future(app.stop())
        await asyncio.wait([stop], timeout=HAND_OVER_SECONDS)
        self._abandoned = not stop.done() and await self._kafka_is_away()
        if not self._abandoned:
            await stop

    async def _kafka_is_away(self) -> bool:
        try:
            await asyncio.wait_for(kafka.reach(self.settings), ANSWER_SECONDS)
        except (Failure, TimeoutError):
            return True
        return False

    async def _tell_ready(self, app: HubApp) -> None:
        while not app.ready:  # noqa: ASYNC110  # The engine tells no event of it.
            await asyncio.sleep(0.1)
        told = {"seconds": round(time.monotonic() - self._began, 1), "partitions": len(app.owned())}
        logger.info("ready", extra=told)

    async def _archive(self) -> None:
        """Facts and findings to PostgreSQL: only this part waits while the database is away."""
        from hubapp.store.archive import Archive

        waiting, settings = Waiting(self.stop, self._said), self.settings
        try:
            await waiting.until(lambda: broker(settings))
            await waiting.until(lambda: our_topics(settings))
            url = await waiting.until(lambda: database(settings))
            cluster = await waiting.until(lambda: cluster_id(settings))
            epoch = await waiting.until(lambda: log_epoch(settings))
        except Stopped:
            return
        options = kafka.client_options(settings)
        archive = Archive(settings, database_url=url, kafka_options=options, cluster_id=cluster, epoch=epoch)
        self.duty.archive = archive.status
        await archive.run(self.stop)


def assembled() -> HubApp:
    """The app with all its tables and agents."""
    import agents
    import tables
    from hubapp.app import app

    for package in (tables, agents):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    # Faust collects garbage for each table at each rebalance: what was imported need not be looked through every time.
    gc.collect()
    gc.freeze()
    return app


async def crashed(app: HubApp) -> None:
    """Until an agent, or whatever else, has failed for good."""
    await app._crashed.wait()


def worded(error: BaseException) -> BaseException:
    """What ends a worker, as one line where a person can do something about it."""
    if isinstance(error, ImproperlyConfigured | PoisonedBatch | DatadirInUse):
        return Failure(f"the worker ends: {error}")
    if isinstance(error, KafkaError):
        return Failure(f"the worker ends: Kafka was lost just as partitions were taken over ({error}); start it again")
    return error
