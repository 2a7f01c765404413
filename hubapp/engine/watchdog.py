"""Ends a process that stands still while others wait for it: a restart is always safe."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

STDERR = 2


class Watchdog(threading.Thread):
    """A thread, because the event loop itself may be what stands still.

    The loop opens and closes transactions: one that is open while the loop stands still is at least as old as that.
    *excused*: when (time.monotonic()) Kafka was last found to be away: what waits for it is no standstill of ours.
    """

    def __init__(self, seconds: float, excused: Callable[[], float]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.seconds = seconds
        self._excused = excused
        self._opened: dict[str, float] = {}
        self._deadlines: dict[str, float] = {}

    @property
    def is_watching(self) -> bool:
        """Whether something is open that must not be made to wait."""
        return bool(self._opened)

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """End the process if it is not done with *what* in time, while Kafka answers."""
        self._opened[what] = time.monotonic()
        self._wake()
        try:
            yield
        finally:
            del self._opened[what]

    def expect(self, what: str, seconds: float) -> None:
        """End the process if it is still there after *seconds*, whatever the reason."""
        self._deadlines[what] = time.monotonic() + seconds
        self._wake()

    def _wake(self) -> None:
        if not self.is_alive():
            self.start()

    def run(self) -> None:
        """Look four times a second; where C code (a regular expression will do) keeps Python from running, C ends it."""
        while True:
            faulthandler.cancel_dump_traceback_later()
            if self._opened or self._deadlines:
                faulthandler.dump_traceback_later(self.seconds + 1, exit=True, file=STDERR)
            for what, deadline in self._due():
                if deadline < time.monotonic():
                    end_process(f"{what} takes too long: the process ends")
            time.sleep(0.25)

    def _due(self) -> list[tuple[str, float]]:
        opened = [(what, max(since, self._excused()) + self.seconds) for what, since in list(self._opened.items())]
        return [*opened, *list(self._deadlines.items())]


def end_process(reason: str) -> None:
    """Say why, and where every thread stands; end in a second even if the logging is what hangs."""
    faulthandler.dump_traceback_later(1, exit=True, file=STDERR)
    logger.critical(reason)
    faulthandler.dump_traceback(file=STDERR)
    os._exit(os.EX_SOFTWARE)
