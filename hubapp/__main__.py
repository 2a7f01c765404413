"""The `hub` command: each module of `hubapp.cli` is one command, named as its file."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable

import typer
from pydantic import ValidationError
from typer._click.exceptions import UsageError  # Typer has its own copy of click inside, and no name for this in front of it.

import hubapp.cli
from hubapp.failure import Failure
from hubapp.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def hub() -> None:
    """Which alarm sounded, who was authenticated then, and what was done about it. For oversight, not for alarming."""


def assemble() -> None:
    for module in sorted(found.name for found in pkgutil.iter_modules(hubapp.cli.__path__)):
        command = importlib.import_module(f"hubapp.cli.{module}")
        if hasattr(command, "app"):
            app.add_typer(command.app, name=module)
        else:
            app.command(module)(command.main)


def unknown_settings(names: Iterable[str]) -> list[str]:
    """Variables HUB_… that are no setting: a misspelt one would otherwise be silently ignored."""
    fields = Settings.model_fields
    secrets = {name for name, field in fields.items() if "SecretStr" in str(field.annotation)}
    known = {f"HUB_{name.upper()}" for name in fields} | {f"HUB_{name.upper()}_FILE" for name in secrets}
    return sorted(name for name in names if name.startswith("HUB_") and name not in known)


def run() -> int:
    """Run the command; 0 good, 1 failed, 2 usage."""
    if unknown := unknown_settings(os.environ):
        return said(f"{', '.join(unknown)}: no such setting (hub settings lists them)", 2)
    try:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except UsageError as error:
        return wrong_usage(error)
    except Failure as failure:
        return said(str(failure), 1)
    except ValidationError as error:
        return max(said(f"HUB_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}", 2) for wrong in error.errors())
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return pipe_closed()


def wrong_usage(error: UsageError) -> int:
    """One line, and where to read more; a command without its sub-command shows its help."""
    if not error.message or error.message.startswith("Usage:"):
        print(error.format_message())
        return 2
    path = error.ctx.command_path if error.ctx else "hub"
    return said(f"{error.format_message()} ({path} --help)", 2)


def said(line: str, status: int) -> int:
    print(f"hub: {line}", file=sys.stderr)
    return status


def pipe_closed() -> int:
    """The reader of our output has had enough (`| head`): no error, and nothing more may be written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def main() -> None:
    assemble()
    sys.exit(run())


if __name__ == "__main__":
    main()
