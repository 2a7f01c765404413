"""A process that outlives the command that started it, and is found again by its directory."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

import psutil

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
        pid = self.pid
        if pid is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.send_signal(how)
            process.send_signal(SIGCONT)
            try:
                process.wait(seconds)
            except psutil.TimeoutExpired:  # The last brokers of a cluster wait in vain for a quorum.
                process.send_signal(SIGKILL)
                process.wait(20)
        self._reap()

    def kill(self) -> None:
        self.end(SIGKILL, 20)

    def pause(self) -> None:
        self._signal(SIGSTOP)

    def resume(self) -> None:
        self._signal(SIGCONT)

    def _signal(self, how: Signals) -> None:
        if (pid := self.pid) is not None:
            psutil.Process(pid).send_signal(how)

    def _reap(self) -> None:
        if self.child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(1)
        self.pid_file.unlink(missing_ok=True)
