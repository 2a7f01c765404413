"""An archive of its own process, to be killed or put to sleep: python -m tests.archiving BOOTSTRAP DATABASE CLUSTER GROUP."""

from __future__ import annotations

import asyncio
import sys

from hubapp.settings import Settings
from hubapp.store.archive import archive


async def main(bootstrap: str, database: str, cluster: str, group: str) -> None:
    settings = Settings(group=group, session_timeout=6)
    kafka_options = {"bootstrap_servers": bootstrap}
    await archive(settings, database_url=database, kafka_options=kafka_options, cluster_id=cluster, epoch=1, stop=asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
