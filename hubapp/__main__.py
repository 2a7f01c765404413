"""The `hub` command, from before anything heavy is imported: ^C at any moment ends it without a traceback."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Only the command itself ends in order. Where ^C is ignored, as under `nohup`, it stays ignored."""
    interrupt = signal.getsignal(signal.SIGINT)
    at_once = signal.SIG_DFL if interrupt is signal.default_int_handler else interrupt
    signal.signal(signal.SIGINT, at_once)
    from hubapp import command

    command.assemble()
    signal.signal(signal.SIGINT, interrupt)
    status = command.run()
    signal.signal(signal.SIGINT, at_once)
    sys.exit(status)


if __name__ == "__main__":
    main()
