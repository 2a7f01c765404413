"""The embedded services of one directory: started once, reused, found again, stopped."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hubapp.failure import Failure
from hubapp.local.kafka import Cluster, Made
from hubapp.local.notices import progress
from hubapp.local.postgres import Postgres
from hubapp.settings import Settings


def kafka_of(settings: Settings) -> Cluster:
    """The embedded Kafka that these settings mean, whether it is up or not."""
    return Cluster(settings.home / "kafka", settings.kafka_version, settings.kafka_brokers, settings.kafka_port)


def postgres_of(settings: Settings) -> Postgres:
    return Postgres(settings.home / "postgres")


def ensure_up(settings: Settings) -> None:
    """Start what these settings need and what is not up; a second command at the same time waits for the first."""
    with _alone(settings.home):
        services: list[Cluster | Postgres] = []
        if settings.kafka is None:
            services.append(kafka_of(settings))
        if settings.database is None:
            services.append(postgres_of(settings))
        if all(service.is_up() for service in services):
            return
        progress("starting " + " and ".join(_name(service) for service in services) + f" in {settings.home} …")
        with _rights(settings.home), ThreadPoolExecutor() as threads:
            for started in [threads.submit(service.start) for service in services]:
                started.result()


def down(settings: Settings) -> None:
    """Stop whatever of this directory is alive."""
    if not settings.home.exists():
        return
    with _alone(settings.home), ThreadPoolExecutor() as threads:
        for stopped in [threads.submit(service.stop) for service in found(settings.home)]:
            stopped.result()


def found(home: Path) -> list[Cluster | Postgres]:
    """The services that a directory holds, with what they were made with, whatever the settings say now."""
    services: list[Cluster | Postgres] = []
    if (made := Made.read(home / "kafka")) is not None:
        services.append(Cluster(home / "kafka", made.version, len(made.ports)))
    if (home / "postgres").exists():
        services.append(Postgres(home / "postgres"))
    return services


def _name(service: Cluster | Postgres) -> str:
    return f"Kafka {service.version}" if isinstance(service, Cluster) else "PostgreSQL"


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Under the directory's lock."""
    with _rights(home):
        home.mkdir(parents=True, exist_ok=True)
        with (home / "services.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def _rights(home: Path) -> Iterator[None]:
    """What the system refuses while files are written there is one clear line."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        where = error.filename or home
        raise Failure(f"{where}: {reason}; give this user the right, make room, or set HUB_HOME") from error
