"""hub tail: what a topic holds, as JSON lines."""

from __future__ import annotations

from typing import Annotated

import typer


def main(
    topic: Annotated[str, typer.Argument(help="Name of the topic")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All that it holds, not only what is new")] = False,
    until_end: Annotated[bool, typer.Option("--until-end", help="End where the topic ends now; do not wait for more")] = False,
    key: Annotated[str | None, typer.Option(help="Only records with this key")] = None,
) -> None:
    """Print the committed records of a topic as JSON lines.

    Example: hub tail hub-attendance --from-beginning --until-end | jq .value.body.result
    """
    import asyncio
    from contextlib import suppress

    from hubapp import pipes
    from hubapp.settings import settings

    with suppress(KeyboardInterrupt):  # To interrupt it is how it ends.
        asyncio.run(pipes.tail(settings(), topic, from_beginning=from_beginning, until_end=until_end, key=key))
