"""Thresholds: what is in force, and putting hub.toml into force."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hubapp.suggesting import Suggestion

app = typer.Typer(no_args_is_help=True, help="Show and apply the thresholds of hub.toml.")

Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
File = Annotated[Path | None, typer.Argument(help="hub.toml; else HUB_CONFIG; without either, the defaults.", show_default=False)]


@app.command(epilog="Example: hub rules show --json")
def show(json: Json = False) -> None:
    """Each threshold with its value, where it is from, and what hub.toml says otherwise."""
    import msgspec
    import orjson

    from hubapp.in_force import in_force, of_file, rows
    from hubapp.settings import settings
    from hubapp.thresholds import Thresholds

    applied = asyncio.run(in_force(settings()))
    defaults, file = msgspec.to_builtins(Thresholds()), msgspec.to_builtins(of_file(settings().config))
    table = list(rows(msgspec.to_builtins(applied or Thresholds()), defaults))
    wanted = {place: value for place, value, _ in rows(file, defaults)}
    source = "the log" if applied else "default"
    told = [
        {"threshold": p, "value": v, "source": "default" if is_default else source, "file": wanted.get(p)}
        for p, v, is_default in table
    ]
    if json:
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    _print(told, applied is not None)


def _print(told: list[dict[str, object]], applied: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("threshold", "in force", "from", "hub.toml says")
    for row in told:
        differs = "" if row["file"] == row["value"] else str(row["file"])
        table.add_row(str(row["threshold"]), str(row["value"]), str(row["source"]), differs)
    Console().print(table)
    if not applied:
        print("none were ever applied: the defaults are in force (hub rules apply)")


@app.command(epilog="Example: hub rules apply hub.toml")
def apply(file: File = None) -> None:
    """Put the thresholds of FILE into force: they are written into the hub logs, for all workers at the same record."""
    from hubapp import in_force
    from hubapp.settings import settings

    thresholds = in_force.of_file(file or settings().config)
    asyncio.run(in_force.apply(settings(), thresholds))
    print(f"applied {file or settings().config or 'the defaults'}")


@app.command(epilog="Example: hub rules suggest --json")
def suggest(json: Json = False) -> None:
    """What the stored findings of the last 28 days suggest, each with the figures it rests on. Nothing is put into force."""
    import orjson

    from hubapp.console import table

    found = asyncio.run(_suggested())
    if json:
        print(orjson.dumps([one._asdict() for one in found], option=orjson.OPT_INDENT_2).decode())
        return
    rows = [
        (one.threshold, "too few figures" if one.suggested is None else _toml(one.suggested), _words(one.figures))
        for one in found
    ]
    table(["threshold", "suggested", "rests on"], rows)


async def _suggested() -> list[Suggestion]:
    from hubapp.database import database_url
    from hubapp.settings import settings
    from hubapp.store.connection import opened
    from hubapp.store.figures import suggestions

    async with opened(database_url(settings())) as pool:
        return await suggestions(pool, settings().name)


def _toml(value: object) -> str:
    """As it would stand in hub.toml."""
    import orjson

    return orjson.dumps(value).decode()


def _words(figures: dict[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
