"""hub places: where monitors stand, for what is older than the topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Where monitors stand. Example: hub places import places.csv")


@app.callback()
def places() -> None:
    """Where monitors stand. Example: hub places import places.csv"""


@app.command("import")
def brought(
    file: Annotated[Path, typer.Argument(help="CSV: serial, device id, bed (its id), units (NAME or ID=NAME, between ;)")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing")] = False,
) -> None:
    """Write into the hub logs where monitors stand that the topics do not tell of. The same file again changes nothing.

    All lines are good, or nothing is written. What the topics tell of a monitor or of a unit stands, whatever the file says.

    Example: hub places import places.csv --dry-run
    """
    import asyncio

    from hubapp import placed
    from hubapp.settings import settings

    done = asyncio.run(placed.bring(settings(), file, dry=dry_run))
    if done.unasked:
        typer.echo(f"only the topics were asked what they tell of places, not the store: {done.unasked}", err=True)
    wrote = "would write" if dry_run else "wrote"
    typer.echo(
        f"{done.rows} lines: {wrote} {done.monitors} monitors and {done.units} units; "
        f"the topics tell of {done.told}, the rest is known"
    )
