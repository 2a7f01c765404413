"""hub case-file: a finding and all it rests on, as one file to hand over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def main(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of the finding")],
    into: Annotated[
        Path | None, typer.Option("--into", help="The file to write; else case-ID.zip, here", show_default=False)
    ] = None,
    ask_kafka: Annotated[
        bool,
        typer.Option("--records/--no-records", help="Ask Kafka for the records that it still has, and compare their SHA-256"),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="What was written as JSON, on one line")] = False,
) -> None:
    """Write a zip with a page that needs nothing else, the same as JSON, and a list of SHA-256 hashes.

    Accounts stand in it as labels (account-1), and no bytes of records. A file that is there is not written over.

    Example: hub case-file 3f0c7d5e-0b1e-5a0c-9a53-2f6a3f0ca91e
    """
    import asyncio
    from hashlib import sha256

    from hubapp.explaining import identity, packed

    case = f"case-{identity(name)}"
    data = packed(case, asyncio.run(files_of(name, ask_kafka)))
    path = into or Path(f"{case}.zip")
    write(path, data)
    digest = sha256(data).hexdigest()
    if as_json:
        import orjson

        typer.echo(orjson.dumps({"file": str(path), "sha256": digest, "bytes": len(data)}))
    else:
        typer.echo(f"{digest}  {path}")


async def files_of(name: str, ask_kafka: bool) -> dict[str, bytes]:
    from hubapp.database import database_url
    from hubapp.explain.case_file import case_file
    from hubapp.explaining import UNKNOWN, gathered
    from hubapp.failure import Failure
    from hubapp.settings import settings
    from hubapp.store.connection import opened

    async with opened(database_url(settings())) as pool:
        found = await gathered(pool, settings(), name, ask_kafka=ask_kafka)
    if found is None:
        raise Failure(UNKNOWN)
    return case_file(*found)


def write(path: Path, data: bytes) -> None:
    from hubapp.failure import Failure

    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise Failure(f"{path} is there already: move it away, or say another with --into") from error
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}; say another place with --into") from error
