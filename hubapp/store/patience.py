"""Trying again what may come good, and saying once what is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from aiokafka.errors import KafkaError

from hubapp.store import connection

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS, WAIT_SECONDS = 0.1, 5.0

State: TypeAlias = Literal["starting", "waits for PostgreSQL", "waits for Kafka", "archiving", "refused", "stopped"]
Done = TypeVar("Done")


@dataclass(slots=True)
class Status:
    """For the page and the metrics. reason: why it waits or is refused. lag: offsets that are not yet stored."""

    state: State = "starting"
    reason: str | None = None
    lag: int = 0
    partitions: int = 0
    facts: int = 0
    revisions: int = 0
    batches: int = 0
    gaps: int = 0


Observe: TypeAlias = Callable[[Status], None]


class Stopped(Exception):
    """Told to stop, while waiting for something."""


@dataclass(slots=True)
class Patience:
    """stop: ends all waiting. steady: the state when nothing is waited for. database: where it is, for the log."""

    stop: asyncio.Event
    status: Status
    observe: Observe
    database: str
    steady: State = "starting"

    async def until_done(self, attempt: Callable[[], Awaitable[Done]]) -> Done:
        """A database that is away comes back. Stopped when told to stop."""
        wait = FIRST_WAIT_SECONDS
        while not self.stop.is_set():
            try:
                done = await attempt()
            except (KafkaError, *connection.AWAY, *connection.REFUSED) as error:
                if isinstance(error, ValueError):  # What we ask is wrong.
                    raise
                self.tell("waits for Kafka" if isinstance(error, KafkaError) else "waits for PostgreSQL", type(error).__name__)
                await self.pause(wait)
                wait = min(wait * 2, WAIT_SECONDS)
            else:
                self.tell(self.steady)
                return done
        raise Stopped

    async def pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)

    def tell(self, state: State, reason: str | None = None) -> None:
        """One line for each change."""
        if state != self.status.state:
            level = logging.INFO if state in ("archiving", "stopped") else logging.WARNING
            logger.log(level, "archive: %s", state, extra={"reason": reason, "database": self.database})
        self.status.state, self.status.reason = state, reason
        self.observe(self.status)
