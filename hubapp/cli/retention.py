"""hub retention: how long the store keeps what, and for how many days there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hubapp.store.retention import Done, Report

Days = Annotated[int, typer.Option(min=1, help="Days")]


def main(
    apply: Annotated[bool, typer.Option("--apply", help="Drop and delete what is past its time")] = False,
    alarms: Annotated[int, typer.Option(min=1, help="Days that facts of alarms are kept")] = 35,
    others: Annotated[int, typer.Option(min=1, help="Days that all other facts are kept")] = 1095,
    findings: Annotated[int, typer.Option(min=1, help="Days that findings and their revisions are kept")] = 1095,
    provisional: Annotated[int, typer.Option(min=1, help="Days that provisional revisions are kept")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on one line")] = False,
) -> None:
    """Print what each table of the store holds, how long, and for how many days there is room (HUB_STORE_GIB).

    Without --apply nothing is changed. Run it with --apply once a day.

    Example: hub retention --apply --alarms 21
    """
    import asyncio

    from hubapp.store.retention import Kept

    kept = Kept(alarms=alarms, others=others, findings=findings, provisional=provisional)
    done, found = asyncio.run(_look(kept, apply))
    if as_json:
        _print_json(done, found)
    else:
        _print(done, found)


async def _look(kept: Any, apply: bool) -> tuple[Done | None, Report]:
    from hubapp.database import database_url
    from hubapp.settings import settings
    from hubapp.store import retention
    from hubapp.store.connection import opened

    async with opened(database_url(settings())) as pool:
        done = await retention.apply(pool, kept) if apply else None
        return done, await retention.report(pool, round(settings().store_gib * 2**30), kept)


def _print_json(done: Done | None, found: Report) -> None:
    from dataclasses import asdict

    import orjson

    typer.echo(orjson.dumps({**found.asdict(), "done": None if done is None else asdict(done)}))


def _print(done: Done | None, found: Report) -> None:
    from hubapp.console import table

    columns = ["table", "rows", "MiB", "oldest", "kept days", "partitions", "due", "odd clocks", "MiB a day"]
    rows = [
        (row.table, row.rows, _mib(row.bytes), row.oldest and row.oldest.date(), row.kept_days, row.partitions, row.due, row.odd,
         None if row.a_day is None else _mib(row.a_day))
        for row in found.tables
    ]  # fmt: skip
    table(columns, rows)
    left = "no end in sight, or too early to tell" if found.days_left is None else f"{found.days_left} days left"
    typer.echo(f"{_mib(found.bytes)} of {_mib(found.room)} MiB: {left}")
    if done is not None:
        typer.echo(f"dropped {len(done.dropped)} partitions, deleted {done.deleted} rows")
        if done.busy:
            typer.echo(f"in use, left for the next time: {', '.join(done.busy)}")


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"
