"""What the log of a service that did not start says, in one clear line."""

from __future__ import annotations

import re
from pathlib import Path

KAFKA = (
    ("No space left on device", "the disk that holds {directory} is full: make room"),
    ("Address already in use", "a port of it is taken by another program: try again, or set HUB_KAFKA_PORT"),
    (
        "Permission denied|AccessDenied|Read-only file system",
        "{directory} cannot be written: give this user the right, or set HUB_HOME",
    ),
    ("Failed to acquire lock|Failed to lock", "another Kafka uses {directory}: stop it, or set HUB_HOME"),
    ("insufficient memory|Cannot allocate memory|Could not reserve", "the machine has too little free memory (it takes 512 MB)"),
    ("OutOfMemoryError", "it ran out of its 512 MB of memory: read {log}"),
    (
        "Corrupt|InconsistentClusterId|meta.properties|node ID not found|KafkaStorageException|UnsupportedVersionException",
        "its data is damaged: remove {directory} to begin anew (source: {log})",
    ),
)
POSTGRES = (
    ("No space left on device", "the disk that holds {directory} is full: make room"),
    ("Address already in use|could not create any TCP/IP sockets", "its port is taken by another program: try again"),
    (
        "Permission denied|Read-only file system",
        "{directory} cannot be written, or not reached by the user it runs as: give the right, or set HUB_HOME",
    ),
    ("Cannot allocate memory|could not map anonymous shared memory", "the machine has too little free memory"),
    (
        "is not compatible with this version|initialized by PostgreSQL version",
        "{directory} is of another PostgreSQL: use another HUB_HOME",
    ),
    (
        "PANIC|could not read|could not open|is not a database cluster|invalid|missing or erroneous",
        "its data is damaged: remove {directory} to begin anew (source: {log})",
    ),
)


def of_kafka(said: str, directory: Path) -> str:
    return _find(KAFKA, said, directory, directory / "kafka.log", r"ERROR|Exception|Error")


def of_postgres(said: str, directory: Path) -> str:
    return _find(POSTGRES, said, directory, directory / "postgres.log", r"FATAL|PANIC|ERROR|error")


def _find(causes: tuple[tuple[str, str], ...], said: str, directory: Path, log: Path, alarming: str) -> str:
    for pattern, cause in causes:
        if re.search(pattern, said):
            return cause.format(directory=directory, log=log)
    lines = [line.strip() for line in said.splitlines() if re.search(alarming, line)]
    return f"{lines[-1][:200] if lines else 'it said nothing in time'} (read {log})"
