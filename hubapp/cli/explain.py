"""hub explain: why a finding says what it says."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def main(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of the finding")],
    ask_kafka: Annotated[
        bool,
        typer.Option("--records/--no-records", help="Ask Kafka for the records that it still has, and compare their SHA-256"),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on one line")] = False,
) -> None:
    """Print what a finding says, what it rests on, by which rule and thresholds, and how it changed.

    All of it is in the store, so it works when Kafka has forgotten.

    Example: hub explain 3f0c7d5e-0b1e-5a0c-9a53-2f6a3f0ca91e
    """
    import asyncio

    told = asyncio.run(told_of(name, ask_kafka))
    if as_json:
        import orjson

        typer.echo(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
    else:
        show(told)


async def told_of(name: str, ask_kafka: bool) -> dict[str, Any]:
    from hubapp.database import database_url
    from hubapp.explaining import UNKNOWN, explained
    from hubapp.failure import Failure
    from hubapp.settings import settings
    from hubapp.store.connection import opened

    async with opened(database_url(settings())) as pool:
        told = await explained(pool, settings(), name, ask_kafka=ask_kafka)
    if told is None:
        raise Failure(UNKNOWN)
    return told


STYLES = {"head": "bold", "title": "bold cyan", "plain": "", "soft": "dim", "warn": "bold red"}


def show(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    from hubapp.explain.text import lines

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    for style, text in lines(told):
        if style == "title":
            console.print()
        console.print(Text(text, STYLES[style]))
