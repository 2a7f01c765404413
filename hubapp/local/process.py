"""A process that outlives the command that started it, and is found again by its directory."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

import psutil

KILLED_SECONDS = 20.0
# The process writes its own pid before it becomes the service: whoever is killed meanwhile, the pid is told.
LAUNCH = 'echo $$ >"$0" && exec "$@"'


class Process:
    """The process whose pid stands in `directory/pid` and whose command line holds *mark*, a path of that directory."""

    def __init__(self, directory: Path, mark: Path, log: Path) -> None:
        self.directory, self.mark, self.log = directory, str(mark), log
        self.pid_file = directory / "pid"
        self.child: subprocess.Popen[bytes] | None = None
        self.log_start = 0

    @property
    def pid(self) -> int | None:
        """Its pid while it is alive; a pid that now belongs to somebody else is not it."""
        if self.child is not None and self.child.poll() is not None:
            return None
        try:
            process = psutil.Process(int(self.pid_file.read_text()))
            alive = process.status() != psutil.STATUS_ZOMBIE and self.mark in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process.pid if alive else None

    def launch(self, *command: object, user: str | None = None, group: int | None = None) -> None:
        """Start *command* in a session of its own, so that ^C and the end of a terminal do not reach it."""
        self.pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.child = subprocess.Popen(
                ["/bin/sh", "-c", LAUNCH, str(self.pid_file), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )

    def said(self) -> str:
        """What it wrote to its log since its start."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")
        return ""

    def ended(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def end(self, how: Signals, seconds: float) -> None:
        """Send *how*, wait at most *seconds*, then kill. A frozen one is let go first."""
        self._signal(how)
        self._signal(SIGCONT)
        if not self._gone(seconds):  # Such as the last brokers of a cluster, which wait in vain for a quorum.
            self._signal(SIGKILL)
            self._gone(KILLED_SECONDS)
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        self.end(SIGKILL, KILLED_SECONDS)

    def pause(self) -> None:
        self._signal(SIGSTOP)

    def resume(self) -> None:
        self._signal(SIGCONT)

    def _signal(self, how: Signals) -> None:
        if (pid := self.pid) is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).send_signal(how)

    def _gone(self, seconds: float) -> bool:
        """Whoever started it may not have taken note of its end yet: then it is gone all the same."""
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
