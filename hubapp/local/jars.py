"""The jars of Apache Kafka: resolved from Maven Central by jgo once, then kept in the user's cache and checked."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubapp.failure import Failure
from hubapp.local.notices import progress

NEWEST = "4.1.1"
# Kafka names no logger of its own; slf4j-simple writes to stderr, which is the broker's kafka.log.
COORDINATES = "org.apache.kafka:kafka_2.13:{version}+org.slf4j:slf4j-simple:1.7.36"


def cache() -> Path:
    """Where jars are kept between all hubs of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hub"


def classpath(version: str) -> str:
    """The jars of Kafka *version*, whole: what is missing or damaged is resolved again."""
    folder = cache() / f"kafka-{version}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock")):
            if not is_whole(folder, version):
                _fetch(version, folder)
    except OSError as error:
        raise Failure(f"the jars of Kafka {version} cannot be kept in {folder}: {error.strerror or error}") from error
    return f"{folder}/*"


def is_whole(folder: Path, version: str) -> bool:
    """Each jar that the lock file names is there, byte for byte, and nothing else."""
    wanted = locked(version)
    try:
        return {jar.name for jar in folder.iterdir()} == set(wanted) and all(
            digest(folder / name) == sha256 for name, sha256 in wanted.items()
        )
    except OSError:
        return False


def locked(version: str) -> dict[str, str]:
    """Name -> SHA-256 of the jars, as they were when this version was taken up."""
    lines = (Path(__file__).parent / f"kafka-{version}.sha256").read_text().splitlines()
    return {name: sha256 for sha256, name in (line.split() for line in lines)}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(version: str, folder: Path) -> None:
    progress(f"fetching the jars of Apache Kafka {version} (about 45 MB, once) …")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch, "jars")
        made.mkdir()
        for jar in _resolve(version, Path(scratch, "jgo")):
            shutil.copyfile(jar, made / jar.name)
        if not is_whole(made, version):
            stranger = _stranger(made, version)
            raise Failure(f"the jars of Kafka {version} from Maven Central are not those that this hub knows: {stranger}")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _resolve(version: str, scratch: Path) -> list[Path]:
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch / "repository", remote_repos={"central": MAVEN_CENTRAL_URL})
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "environments", link_strategy=LinkStrategy.AUTO)
    try:
        return list(builder.from_endpoint(endpoint=COORDINATES.format(version=version), update=False).all_jars)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Failure(f"the jars of Kafka {version} could not be fetched from Maven Central: {reason}") from error


def _stranger(folder: Path, version: str) -> str:
    wanted = locked(version)
    there = {jar.name: digest(jar) for jar in folder.iterdir()}
    return next(name for name in sorted(wanted | there) if wanted.get(name) != there.get(name))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two commands at once fetch once."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for version in sys.argv[1:] or [NEWEST]:
        classpath(version)
