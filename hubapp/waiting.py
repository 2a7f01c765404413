"""What a worker waits for as it starts: each thing is said in one line, and again every while, until it is there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from aiokafka.errors import KafkaError

from hubapp import kafka, topics
from hubapp.database import database_url
from hubapp.engine.connection import admin
from hubapp.failure import Failure
from hubapp.settings import Settings

logger = logging.getLogger(__name__)

AGAIN_SECONDS, LINE_SECONDS = 1.0, 30.0

Done = TypeVar("Done")


class Stopped(Exception):
    """Told to stop while waiting."""


class Missing(Failure):
    """What is waited for: its text says for what, and what to do."""


class Waiting:
    """For one part of a worker. reason: what it waits for now, for the pages. said: when all parts said what.

    waited: whether anything was not there at once.
    """

    def __init__(self, stop: asyncio.Event, said: dict[str, float]) -> None:
        self.reason: str | None = "starting"
        self.waited = False
        self._stop, self._said = stop, said

    async def until(self, attempt: Callable[[], Awaitable[Done]]) -> Done:
        """What *attempt* returns once it raises no Failure (of the cluster, of the database) any more."""
        while not self._stop.is_set():
            try:
                done = await attempt()
            except (Failure, KafkaError, OSError) as error:
                self.waited = True
                self._tell(f"waits {error}" if isinstance(error, Missing) else f"waits: {error!s}")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), AGAIN_SECONDS)
            else:
                return done
        raise Stopped

    def _tell(self, reason: str) -> None:
        self.reason = reason
        if time.monotonic() - self._said.get(reason, float("-inf")) > LINE_SECONDS:
            logger.warning("%s", reason)
            self._said[reason] = time.monotonic()


async def broker(settings: Settings) -> None:
    await kafka.reach(settings)


async def cluster_id(settings: Settings) -> str:
    async with admin(kafka.client_options(settings)) as client:
        return str((await client.describe_cluster())["cluster_id"])


async def our_topics(settings: Settings) -> None:
    """A source that does not exist is no reason to wait: its records come when it does."""
    async with admin(kafka.client_options(settings)) as client:
        there = {topic["topic"] for topic in await client.describe_topics()}
    for topic in topics.OURS:
        if topic.role not in there:
            raise Missing(f"for topic {topic.role}: run hub topics apply")


async def database(settings: Settings) -> str:
    return database_url(settings)
