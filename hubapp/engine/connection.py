"""How the clients of the engine reach the cluster, and what is said while they cannot."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import aiokafka.client
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

logger = logging.getLogger(__name__)

LINE_SECONDS = 5.0

# aiokafka asks about topics in a way that makes a broker create them. A source is made by its writer, not by its reader.
aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


class Seldom(logging.Filter):
    """The same warning of a library once in a few seconds: while a broker is away there are hundreds in each."""

    def __init__(self, *harmless: str) -> None:
        super().__init__()
        self._harmless = harmless
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        words, now = str(record.msg), time.monotonic()
        if any(part in words for part in self._harmless):
            return False
        if record.levelno < logging.WARNING:
            return True
        before, self._told[words] = self._told.get(words, -LINE_SECONDS), now
        if now - before < LINE_SECONDS:
            self._told[words] = before
            return False
        return True


def quieten() -> None:
    """Kafka answers "not yet" while the markers of a producer's last transaction are written, a fresh broker has no
    coordinator for a moment, and a source that does not exist yet is said once, by the ownership."""
    names = ("cluster", "conn", "consumer.fetcher", "consumer.group_coordinator", "producer.sender")
    for name in ("aiokafka", *(f"aiokafka.{name}" for name in names)):
        logging.getLogger(name).addFilter(Seldom("not found in cluster metadata", "Group Coordinator Request failed"))
    logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)
    logging.getLogger("faust.assignor.partition_assignor").setLevel(logging.ERROR)


quieten()


def credentials(options: Mapping[str, Any]) -> CredentialsT | None:
    """Faust's form of aiokafka's security options: every client of the app is made from it."""
    protocol, context = options.get("security_protocol", "PLAINTEXT"), options.get("ssl_context")
    if protocol == "SSL":
        return SSLCredentials(context)
    if protocol == "PLAINTEXT":
        return None
    return SASLCredentials(
        username=options["sasl_plain_username"],
        password=options["sasl_plain_password"],
        mechanism=options["sasl_mechanism"],
        ssl_context=context if protocol == "SASL_SSL" else None,
    )


@asynccontextmanager
async def admin(options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**options)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def reader(options: Mapping[str, Any], isolation_level: str, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside the group. It asks for its *topics* together: aiokafka would ask for each that it meets, a tenth
    of a second apart. Closed before its tasks have begun it would raise CancelledError: let them begin."""
    client = AIOKafkaConsumer(isolation_level=isolation_level, **options)
    try:
        await client.start()
        await client._client.set_topics(set(topics))
        yield client
    finally:
        await client.stop()


async def cluster_of(options: Mapping[str, Any], given_up: Callable[[], bool]) -> tuple[dict[str, Any] | None, bool]:
    """What the cluster says of itself, once it can be reached, and whether it could at once. Says what is waited for."""
    told, tries = time.monotonic() - LINE_SECONDS, 0
    while not given_up():
        tries += 1
        try:
            with silent("aiokafka"):
                async with admin(options) as client:
                    return await client.describe_cluster(), tries == 1
        except (KafkaError, OSError) as error:
            if time.monotonic() >= told + LINE_SECONDS:
                told = time.monotonic()
                logger.warning("waiting for Kafka at %s: %s", options["bootstrap_servers"], error)
        await asyncio.sleep(0.5)
    return None, False


async def patiently(attempt: Callable[[], Awaitable[None]], what: str) -> None:
    """*attempt* until it succeeds, for as long as the errors are such that pass by themselves."""
    told = time.monotonic()
    while True:
        try:
            return await attempt()
        except KafkaError as error:
            if not error.retriable:
                raise
            if time.monotonic() >= told + LINE_SECONDS:
                told = time.monotonic()
                logger.warning("waiting for Kafka, %s: %r", what, error)
        await asyncio.sleep(0.2)


@contextmanager
def silent(name: str) -> Iterator[None]:
    """aiokafka says a line for each attempt; one every few seconds is enough."""
    library = logging.getLogger(name)
    before = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        library.setLevel(before)
