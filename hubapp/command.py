"""What the `hub` command does: each module of `hubapp.cli` is one command, named as its file, with - for _."""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import sys

import typer

# Typer has its own copy of click inside, and no name for these in front of it.
from typer._click.exceptions import NoArgsIsHelpError, UsageError

import hubapp.cli
from hubapp import settings
from hubapp.failure import Failure

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def hub() -> None:
    """Which alarm sounded, who was authenticated then, and what was done about it. For oversight, not for alarming."""


def assemble() -> None:
    """Import every command. What libraries would warn of is not what a command tells; a worker sets up its own log."""
    logging.getLogger().addHandler(logging.NullHandler())
    for module in sorted(found.name for found in pkgutil.iter_modules(hubapp.cli.__path__)):
        command = importlib.import_module(f"hubapp.cli.{module}")
        name = module.replace("_", "-")
        if hasattr(command, "app"):
            app.add_typer(command.app, name=name)
        else:
            app.command(name)(command.main)


def run() -> int:
    """Run the command; 0 good, 1 failed, 2 usage."""
    if unknown := settings.unknown(os.environ):
        return said("; ".join(unknown), 2)
    try:
        result = app(prog_name="hub", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except UsageError as error:
        return wrong_usage(error)
    except Failure as failure:
        return said(str(failure), failure.status)
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return pipe_closed() if isinstance(end.__context__, BrokenPipeError) else int(end.code or 0)


def wrong_usage(error: UsageError) -> int:
    """One line, and where to read more; a command without its sub-command shows its help."""
    if isinstance(error, NoArgsIsHelpError):
        if error.message:  # In colours it is printed already.
            print(error.message)
        return 2
    path = error.ctx.command_path if error.ctx else "hub"
    return said(f"{error.format_message()} ({path} --help)", 2)


def said(line: str, status: int) -> int:
    print(f"hub: {line}", file=sys.stderr)
    return status


def pipe_closed() -> int:
    """The reader of our output has had enough (`| head`): no error, and nothing more may be written at exit.

    Typer has made an exit with status 1 of it.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
