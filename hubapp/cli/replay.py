"""hub replay: the rules over the stored facts once more, beside what was found live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hubapp.replay.stored import Asked, Made


def main(
    since: Annotated[str, typer.Option("--from", help="Findings that began from then: 2026-10-12 or 2026-10-12T09:00:00Z")],
    until: Annotated[str, typer.Option("--to", help="Up to, not including, then")],
    into: Annotated[str, typer.Option("--into", help="Name of the replay; one of that name is replaced as a whole")],
    rules: Annotated[
        Path | None,
        typer.Option("--rules", exists=True, dir_okay=False, help="A hub.toml; without it the thresholds that were in force"),
    ] = None,
    after: Annotated[
        float, typer.Option(min=0, max=8784, help="Hours behind --to of which facts are read, for what ends there")
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on one line")] = False,
) -> None:
    """Let the rules conclude once more from the facts in the store, in this process, into rows beside the live ones.

    Nothing live is touched. `hub compare NAME` shows what differs. Times without a zone are UTC.

    Example: hub replay --from 2026-10-01 --to 2026-11-01 --rules hub.toml --into stricter
    """
    import asyncio

    from hubapp.facts import SECOND
    from hubapp.failure import Misuse
    from hubapp.in_force import of_file
    from hubapp.replay.stored import Asked
    from hubapp.replay.words import micros_of, named
    from hubapp.settings import settings

    begin, end = micros_of("--from", since), micros_of("--to", until)
    if begin >= end:
        raise Misuse(f"--from {since} is not before --to {until}: there is no time between them")
    thresholds = None if rules is None else of_file(rules)
    asked = Asked(settings().name, named(into), begin, end, round(after * 3600) * SECOND, thresholds)
    show(asyncio.run(_replay(asked)), as_json)


async def _replay(asked: Asked) -> Made:
    from hubapp.database import database_url
    from hubapp.local.notices import progress
    from hubapp.replay.stored import replay
    from hubapp.settings import settings
    from hubapp.store.connection import opened

    async with opened(database_url(settings())) as pool:
        return await replay(pool, asked, progress)


def show(made: Made, as_json: bool) -> None:
    from hubapp.console import table
    from hubapp.facts import iso

    if as_json:
        import orjson

        told = {
            "namespace": made.namespace, "facts": made.facts, "watermark": iso(made.watermark), "findings": made.findings,
            "changed": made.changed,
        }  # fmt: skip
        typer.echo(orjson.dumps(told))
        return
    table(("rule", "findings"), made.findings.items())
    for one in made.changed:
        typer.echo(f"{one['threshold']}: {one['replay']} (in force: {one['live']})")
    typer.echo(f"{made.facts} facts, known up to {iso(made.watermark)}; hub compare {made.namespace} shows what differs")
