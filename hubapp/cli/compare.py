"""hub compare: what a replay finds otherwise than the live hub did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hubapp.replay.comparison import Compared


def main(
    name: Annotated[str, typer.Argument(help="Of the replay, as given to hub replay --into")],
    examples: Annotated[int, typer.Option(min=0, max=1000, help="Of each rule and kind of difference at most")] = 2,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the replay afterwards")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on one line")] = False,
) -> None:
    """Print which findings of a replay differ from the live ones of that time: by rule, unit and status, and in what.

    What either has not concluded yet is not compared, only counted.

    Example: hub compare stricter --examples 5
    """
    import asyncio

    found = asyncio.run(_compare(name, examples, drop))
    if as_json:
        import orjson

        typer.echo(orjson.dumps(summary(found)))
    else:
        show(found)


async def _compare(name: str, examples: int, let_go: bool) -> Compared:
    from hubapp.database import database_url
    from hubapp.replay.comparison import compare
    from hubapp.replay.stored import drop
    from hubapp.settings import settings
    from hubapp.store.connection import opened

    async with opened(database_url(settings())) as pool:
        found = await compare(pool, settings().name, name, examples)
        if let_go:
            await drop(pool, settings().name, name)
    return found


def summary(found: Compared) -> dict[str, Any]:
    from dataclasses import asdict

    counts = [
        {"rule": rule, "unit": unit or None, "status": status, "difference": difference, "findings": n}
        for (rule, unit, status, difference), n in sorted(found.counts.items())
    ]
    why = [
        {"rule": rule, "field": name, "live": live, "replay": told, "findings": n}
        for (rule, name, live, told), n in found.why.most_common()
    ]
    return {**asdict(found), "counts": counts, "why": why}


def show(found: Compared) -> None:
    from hubapp.console import table

    told = summary(found)
    typer.echo(f"findings that began from {found.since} to {found.until}; the replay knows up to {found.watermark}")
    for one in found.changed:
        typer.echo(f"{one['threshold']}: {one['replay']} (in force: {one['live']})")
    typer.echo(f"{found.different} differ, {found.same} are the same, {found.not_final} are not final yet and not compared")
    if found.different:
        table(("rule", "unit", "status", "difference", "findings"), [tuple(row.values()) for row in told["counts"]])
    if found.why:
        table(("rule", "what differs", "live", "replay", "findings"), [shown(row) for row in told["why"]])
    for one in found.examples:
        place = one["bed"] or one["monitor"] or one["account"] or "-"
        typer.echo(f"{one['difference']}: {one['rule']} {one['id']}, {one['start']}, {place}")
        for each in one["fields"]:
            typer.echo(f"    {each['field']}: {each['live']} -> {each['replay']}")


def shown(row: dict[str, Any]) -> tuple[object, ...]:
    """Of values that are each another only the number is told."""
    values = ("(various)", "(various)") if row["live"] is None else (row["live"], row["replay"])
    return (row["rule"], row["field"], *values, row["findings"])
