"""Ends a process that stands still while others wait for it: a restart is always safe."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

STDERR = 2


class Watchdog(threading.Thread):
    """A thread, because the event loop itself may be what stands still.

    The loop opens and closes transactions: one that is open while the loop stands still is at least as old as that.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.seconds = seconds
        self._deadlines: dict[str, float] = {}

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        self.expect(what, self.seconds)
        try:
            yield
        finally:
            del self._deadlines[what]

    def expect(self, what: str, seconds: float) -> None:
        """End the process if it is still there, and `watching` not done with *what*, after *seconds*."""
        self._deadlines[what] = time.monotonic() + seconds
        if not self.is_alive():
            self.start()

    def run(self) -> None:
        """Look four times a second; where C code (a regular expression will do) keeps Python from running, C ends it."""
        while True:
            faulthandler.cancel_dump_traceback_later()
            if self._deadlines:
                faulthandler.dump_traceback_later(self.seconds + 1, exit=True, file=STDERR)
            for what, deadline in list(self._deadlines.items()):
                if deadline < time.monotonic():
                    end_process(f"{what} takes too long: the process ends")
            time.sleep(0.25)


def end_process(reason: str) -> None:
    """Say why, and where every thread stands; end in a second even if the logging is what hangs."""
    faulthandler.dump_traceback_later(1, exit=True, file=STDERR)
    logger.critical(reason)
    faulthandler.dump_traceback(file=STDERR)
    os._exit(os.EX_SOFTWARE)
