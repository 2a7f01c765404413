"""Free ports on loopback, below those that the system gives to outgoing connections."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free(count: int) -> list[int]:
    """*count* different free ports, at random, so that two that start at once seldom meet."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(LOWEST, HIGHEST)
        if port not in found and is_free(port):
            found.append(port)
    return found
