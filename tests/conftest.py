"""What live tests share: one Kafka and one PostgreSQL for the whole run, started when the first test asks."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from hubapp.local.kafka import Cluster
from hubapp.local.postgres import Postgres
from hubapp.settings import settings

numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the settings of the shell it is run from, or of another test."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Not pytest's own directory: that is closed to the user whom PostgreSQL runs as."""
    directory = Path(tempfile.mkdtemp(prefix="hub-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def kafka(scratch: Path) -> Iterator[Cluster]:
    """A running broker that all tests share: use `unique` names for topics and groups."""
    cluster = Cluster(scratch / "kafka")
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def own_kafka(scratch: Path) -> Iterator[Cluster]:
    """A running broker of the test's own, for what must have the hub's real topic names or is killed."""
    cluster = Cluster(scratch / f"own-kafka-{next(numbers)}")
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Postgres]:
    """A running PostgreSQL that all tests share: ask for `database` to have an empty one."""
    server = Postgres(scratch / "postgres")
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of an empty database of the test's own."""
    import asyncpg

    name = f"hub_{next(numbers)}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"CREATE DATABASE {name}")
    yield postgres.url.rsplit("/", 1)[0] + "/" + name
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def unique() -> str:
    """A prefix for topics and groups that no other test has."""
    return f"t{next(numbers)}-"


@pytest.fixture
def home(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HUB_HOME of the test's own."""
    directory = scratch / f"home-{next(numbers)}"
    directory.mkdir()
    monkeypatch.setenv("HUB_HOME", str(directory))
    return directory
