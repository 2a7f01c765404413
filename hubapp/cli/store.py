"""hub store: the store's tables, and which hub logs fill it."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The store in PostgreSQL. Example: hub store migrate")


@app.command()
def migrate() -> None:
    """Bring the tables up to date, as a worker does when it starts, and print what was done.

    Example: hub store migrate
    """
    import asyncio

    asyncio.run(_migrate())


@app.command()
def adopt(
    anew: Annotated[
        bool, typer.Option("--from-the-beginning", help="Read the logs once more from their beginning; what is stored stays")
    ] = False,
) -> None:
    """From now on fill this hub's store from the Kafka in use, though its cluster or its hub logs are not those of before.

    What is stored stays. Stop the workers of the other cluster first.

    Example: hub store adopt
    """
    import asyncio

    asyncio.run(_adopt(anew))


async def _migrate() -> None:
    from hubapp.database import database_url
    from hubapp.settings import settings
    from hubapp.store.connection import opened
    from hubapp.store.migrate import migrate as bring_up_to_date

    async with opened(database_url(settings())) as pool:
        for name in await bring_up_to_date(pool):
            typer.echo(name)


async def _adopt(anew: bool) -> None:
    from hubapp.cluster import cluster_id, log_epoch
    from hubapp.database import database_url
    from hubapp.settings import settings
    from hubapp.store import offsets
    from hubapp.store.connection import opened
    from hubapp.store.migrate import migrate as bring_up_to_date

    logs = offsets.Logs(settings().name, await cluster_id(settings()), await log_epoch(settings()))
    async with opened(database_url(settings())) as pool:
        await bring_up_to_date(pool)
        await offsets.adopt(pool, logs, anew)
    typer.echo(f"hub {logs.hub} is filled from cluster {logs.cluster}, epoch {logs.epoch}")
