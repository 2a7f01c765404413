"""All checks; one that cannot be made is unknown, and says why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from hubapp import kafka
from hubapp.doctor import in_kafka, in_store
from hubapp.doctor.line import Line, State
from hubapp.failure import Failure, Misuse
from hubapp.settings import Settings

IN_KAFKA: dict[str, Callable[[Settings], Awaitable[Line]]] = {
    "topics": in_kafka.topics_as_declared,
    "thresholds": in_kafka.thresholds_in_force,
    "workers": in_kafka.workers_behind,
    "quarantine": in_kafka.quarantine_share,
}
IN_BOTH: dict[str, Callable[[Settings], Awaitable[Line]]] = {
    "archive": in_store.archive_behind,
    "places": in_store.monitors_placed,
}


async def examine(settings: Settings) -> list[Line]:
    found = [await looked("kafka", reached, settings, "bad")]
    found.append(await looked("store", in_store.store_there, settings, "bad"))
    away = [line.check for line in found if line.state == "bad"]
    return found + await asyncio.gather(*(unless(away, check, look, settings) for check, look in {**IN_KAFKA, **IN_BOTH}.items()))


async def unless(away: list[str], check: str, look: Callable[[Settings], Awaitable[Line]], settings: Settings) -> Line:
    missing = [name for name in (("kafka",) if check in IN_KAFKA else ("kafka", "store")) if name in away]
    return Line(check, "unknown", f"without {missing[0]}") if missing else await looked(check, look, settings)


async def reached(settings: Settings) -> Line:
    await kafka.reach(settings)
    return Line("kafka", "good", kafka.bootstrap(settings))


async def looked(check: str, look: Callable[[Settings], Awaitable[Line]], settings: Settings, failed: State = "unknown") -> Line:
    """A malformed hub.toml, a missing topic: what was found, and no reason to look no further."""
    try:
        return await look(settings)
    except Misuse:
        raise
    except Failure as failure:
        return Line(check, failed, str(failure))
    except KafkaError as error:
        return Line(check, "unknown", f"Kafka answers {type(error).__name__}")
