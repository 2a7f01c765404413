"""Log lines, in text or JSON: one form for our own and for what libraries say.

A line of our own has only the fields named here: no value of a record can come into a log by accident. Libraries are
heard from warnings up, and each of their sentences once a minute: a broker that is away is said once, not ten times a second.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from hubapp.failure import Failure

FIELDS = frozenset(
    {
        "event", "level", "logger", "timestamp", "worker", "exception",
        "topic", "topics", "partition", "partitions", "offset", "first", "last", "number", "table", "group", "cluster",
        "records", "batches", "rows", "bytes", "seconds", "days", "lag", "attempt", "reason", "state", "signal", "version",
        "address", "brokers", "database", "directory", "url", "pid", "port", "setting", "expected", "found", "epoch",
    }
)  # fmt: skip
OURS = ("hubapp", "agents", "tables")
# What these say at lower levels is of interest to their authors.
LEVELS = {
    "aiokafka": logging.ERROR,
    "kafka": logging.ERROR,
    "faust": logging.ERROR,
    "mode": logging.ERROR,
    "asyncio": logging.ERROR,
}
# Aborted and fenced transactions are the engine's to tell (what aiokafka then leaves behind, asyncio complains of);
# a coordinator that is looked for is no error of ours.
QUIET = ("asyncio", "aiokafka.producer", "aiokafka.consumer.group_coordinator", "aiokafka.conn", "aiokafka.cluster")
AGAIN_SECONDS = 60

Event = MutableMapping[str, Any]


class Repeated(logging.Filter):
    """Lets a library say each sentence once a minute, and no service of mode that it starts, stops, or is slow."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] in OURS:
            return record.levelno >= logging.ERROR or not str(record.msg).startswith("[^")
        sentence, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._said.get(sentence, float("-inf")) < AGAIN_SECONDS:
            return False
        self._said[sentence] = now
        return True


def configure(form: str, worker: str, level: int = logging.INFO) -> None:
    """From here on every log line of this process goes to standard error, as *form* (text, json)."""
    shared: list[Any] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        told_error,
        allowed,
        lambda _logger, _name, event: {**event, "worker": worker},
    ]
    lines = logging.StreamHandler(sys.stderr)
    lines.addFilter(Repeated())
    rendered = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendering(form)]
    lines.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=rendered))
    logging.basicConfig(handlers=[lines], level=logging.WARNING, force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name, quieter in (*LEVELS.items(), *((name, logging.CRITICAL) for name in QUIET)):
        logging.getLogger(name).setLevel(quieter)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def rendering(form: str) -> Any:
    return structlog.processors.JSONRenderer(sort_keys=True) if form == "json" else text


def allowed(_logger: Any, _name: str, event: Event) -> Event:
    """The fields that a line may have; what begins with `_` is structlog's own."""
    return {name: value for name, value in event.items() if name in FIELDS or name.startswith("_")}


def told_error(_logger: Any, _name: str, event: Event) -> Event:
    """An error as its places in the code and its kind; its words only where they are written by us or by Kafka's client."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = "".join(traceback.format_tb(error.__traceback__)) + worded(error)
    return event


def worded(error: BaseException) -> str:
    """Other errors (a KeyError, what a decoder says) may quote a record."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, Failure | KafkaError | OSError) else kind


def text(_logger: Any, _name: str, event: Event) -> str:
    """2026-10-12T09:00:00Z info    [a] waits for Kafka address=127.0.0.1:9092"""
    shown = dict(event)
    head = f"{shown.pop('timestamp')[:19]}Z {shown.pop('level'):<8}[{shown.pop('worker')}] {shown.pop('event')}"
    error = shown.pop("exception", None)
    shown.pop("logger", None)
    return " ".join([head, *(f"{name}={value}" for name, value in sorted(shown.items()) if value is not None)]) + (
        f"\n{error}" if error else ""
    )
