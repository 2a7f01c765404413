"""The `hub` command: each module of `hubapp.cli` is one command, named as its file."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer
from pydantic import ValidationError

import hubapp.cli
from hubapp.failure import Failure

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Which alarm sounded, who was authenticated then, and what was done about it. For oversight, not for alarming.",
)


def assemble() -> None:
    for module in sorted(found.name for found in pkgutil.iter_modules(hubapp.cli.__path__)):
        command = importlib.import_module(f"hubapp.cli.{module}")
        if hasattr(command, "app"):
            app.add_typer(command.app, name=module)
        else:
            app.command(module)(command.main)


def main() -> None:
    assemble()
    try:
        app()
    except Failure as failure:
        print(f"hub: {failure}", file=sys.stderr)
        sys.exit(1)
    except ValidationError as error:
        for problem in error.errors():
            print(f"hub: HUB_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
