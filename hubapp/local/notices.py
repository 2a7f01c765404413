"""What the embedded services tell a person while they come up: on stderr, never on stdout."""

from __future__ import annotations

import sys


def progress(line: str) -> None:
    """Only on a terminal."""
    if sys.stderr.isatty():
        print(f"hub: {line}", file=sys.stderr, flush=True)


def warning(line: str) -> None:
    """Always."""
    print(f"hub: {line}", file=sys.stderr, flush=True)
