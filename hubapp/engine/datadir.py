"""A worker's data directory: held by one process, and good for one cluster."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from pathlib import Path

logger = logging.getLogger(__name__)

# A predecessor that was just killed needs a moment to be gone.
PATIENCE_SECONDS = 5.0


class DatadirInUse(Exception):
    """Another process has the directory. Its text is one line."""


class Lock:
    """Held for the life of the process: the kernel lets go of it however that ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def take(self, patience: float = PATIENCE_SECONDS) -> None:
        if self._descriptor is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        while not locked(descriptor):
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise DatadirInUse(f"{self._path.parent} is in use by process {holder}: give each worker a directory of its own")
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor


def locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep_only(cluster: str, directory: Path) -> None:
    """Drop the tables of another cluster: their offsets mean nothing here, even where they happen to fit."""
    mark = directory / "cluster"
    if mark.exists() and mark.read_text() == cluster:
        return
    if found := list(directory.glob("*.db")):
        logger.warning("%s is of another Kafka cluster: %d tables dropped, read again from this one", directory, len(found))
    for path in found:
        shutil.rmtree(path)
    mark.write_text(cluster)
