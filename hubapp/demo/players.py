"""The processes of a demo: none outlives it, however it ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 12.0
PR_SET_PDEATHSIG = 1
# A line of the log, what a command says of its failure, the end of a traceback; not the stacks that a watchdog leaves.
WORDS = re.compile(r"\d{4}-\d\d-\d\dT|hub: |[\w.]+(Error|Exception)\b")
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Runs in the child: a demo that is killed takes its processes along (where the system can do that)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Player:
    """A `hub` command as a process of its own, in a session of its own: ^C reaches the demo, and the demo ends it in order."""

    def __init__(self, name: str, home: Path, *command: str, **settings: str) -> None:
        self.name, self.command = name, command
        self.log = home / "demo" / f"{name}.log"
        self.environment: Mapping[str, str] = {**os.environ, "HUB_HOME": str(home), **settings}
        self.output = b""
        self.process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hubapp", *self.command,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=self.environment, start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.output = await self.process.stdout.read()

    async def ended(self) -> int:
        """Its exit status, once it has ended."""
        assert self.process is not None and self._reading is not None
        await asyncio.shield(self._reading)  # Two may wait for it.
        return await self.process.wait()

    async def end(self) -> int | None:
        """SIGTERM, and SIGKILL if that is not enough. None where it never ran."""
        if self.process is None:
            return None
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.ended(), STOP_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            return await self.ended()

    def end_told(self, status: int) -> str:
        """How it ended, and if it said why, that."""
        if status < 0:
            return f"was killed ({signal.Signals(-status).name})"
        return f"ended with status {status}: {self.last_words()}"

    def last_words(self) -> str:
        """The last of its log that says something."""
        with suppress(OSError):
            return next(filter(WORDS.match, reversed(self.log.read_text(errors="replace").splitlines())), "")
        return ""
