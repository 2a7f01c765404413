"""A worker with a defect, to show that the comparison sees it: python -m hubapp.chaos.planted DEFECT,… [SECONDS].

early   tables are written before the commit; every fifth commit then fails
drop    some alarms are not sent to their log
twice   some alarms are sent twice
lose    one finding is not sent, in no revision
clock   this worker's clock is SECONDS ahead
dies    no defect: once, it ends between the commit of an end of the input and the next beat
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

from hubapp.engine.lane import Lane
from hubapp.engine.transaction import Transaction
from hubapp.intake.progress import Claim
from hubapp.settings import settings

UNLUCKY = 5
SHARES = 20


def early() -> None:
    """The store before the commit."""
    times, send = itertools.count(1), Lane._send

    async def refuse() -> None:
        raise RuntimeError("planted")

    async def sending(lane: Lane, group: list[Transaction], beat: Any) -> Any:
        changed = [view for work in group for view in work._views.values() if view.changes]
        for view in changed:
            view.write(0)
        if changed and next(times) % UNLUCKY == 0 and not any(work.suspect for work in group):
            assert lane._producer is not None
            lane._producer.commit_transaction = refuse
        return await send(lane, group, beat)

    Lane._send = sending  # type: ignore[assignment, method-assign]  # The defect.


def sent(copies: int, share: int) -> None:
    """Every twentieth alarm, told by its bytes and so the same after an abort, is sent so many times."""
    send = Transaction.send_to

    def sending(work: Transaction, topic: str, partition: int, key: Any, value: Any, headers: Any = ()) -> None:
        wrong = topic == "hub-patients" and key is not None and zlib.crc32(value) % SHARES == share
        for _ in range(copies if wrong else 1):
            send(work, topic, partition, key, value, list(headers))

    Transaction.send_to = sending  # type: ignore[assignment, method-assign]  # The defect.


def lose() -> None:
    """No revision of the first episode is sent."""
    lost, send = list[bytes](), Transaction.send_to

    def sending(work: Transaction, topic: str, partition: int, key: Any, value: Any, headers: Any = ()) -> None:
        if topic == "hub-episodes":
            lost[:] = lost or [key]
        if topic != "hub-episodes" or key != lost[0]:
            send(work, topic, partition, key, value, list(headers))

    Transaction.send_to = sending  # type: ignore[assignment, method-assign]  # The defect.


def clock(seconds: str) -> None:
    """Only the wall clock: what waits, waits by the monotonic one."""
    real = time.time
    real_ns = time.time_ns
    time.time = lambda: real() + float(seconds)
    time.time_ns = lambda: real_ns() + int(float(seconds) * 1e9)


def dies() -> None:
    """Once for all workers of a home. Whoever takes over finds the mark answered."""
    attempt, once = Lane._attempt, settings().home / "died"

    async def attempting(lane: Lane, group: list[Transaction], beat: Any) -> Any:
        error = await attempt(lane, group, beat)
        ended = any(isinstance(work.claimed, Claim) and work.claimed.ended for work in group)
        if error is None and ended and not beat and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return error

    Lane._attempt = attempting  # type: ignore[assignment, method-assign]  # Planted.


DEFECTS: dict[str, Callable[..., None]] = {
    "early": early,
    "drop": lambda: sent(0, share=3),
    "twice": lambda: sent(2, share=7),
    "lose": lose,
    "clock": clock,
    "dies": dies,
}


def main() -> None:
    names, *given = sys.argv[1:]
    for name in names.split(","):
        DEFECTS[name](*given)
    from hubapp.worker import run

    run(settings())


if __name__ == "__main__":
    main()
