"""hub send: records of a file, or of a pipe, to Kafka."""

from __future__ import annotations

from typing import Annotated

import typer


def main(
    file: Annotated[str, typer.Argument(help="JSON lines {topic, key, headers, value, timestamp}; - reads standard input")],
    end_of_input: Annotated[
        bool, typer.Option("--end-of-input", help="Behind them say to every source that nothing more comes (hub worker --input)")
    ] = False,
) -> None:
    """Send records to Kafka, each line as it is read, in their order within a partition.

    Bytes that are no text are written {"base64": "…"}. Without a timestamp the record gets the time of sending.

    Example: hub send records.jsonl
    """
    import asyncio

    from hubapp import pipes
    from hubapp.settings import settings

    try:
        asyncio.run(pipes.send(settings(), file, end_of_input=end_of_input))
    except KeyboardInterrupt:
        if file != "-":  # Of a file the rest is not sent.
            raise
