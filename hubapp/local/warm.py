"""What Java learnt of an earlier start of Kafka, kept beside the jars: it more than halves the work of the next ones.

Nothing needs it: where it is missing, or of another Java, Kafka starts without. `python -m hubapp.local.warm` makes it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from signal import SIGTERM

from hubapp.failure import Failure
from hubapp.local.jars import NEWEST, cache, classpath, learnt
from hubapp.local.kafka import Cluster
from hubapp.local.notices import warning

LEARNING_SECONDS = 300


def learn(version: str) -> None:
    """Start Kafka once where nobody sees it; Java writes down what it learnt as it ends."""
    kept = learnt(version)
    if kept.exists():
        return
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".learning-") as scratch:
        made = Path(scratch, "cache")
        cluster = Cluster(Path(scratch), version)
        cluster.java = (f"-XX:AOTCacheOutput={made}",)
        cluster.start()
        for broker in cluster.brokers:
            broker.process.end(SIGTERM, LEARNING_SECONDS)
        if not made.exists():
            raise Failure(f"Java wrote nothing down of Kafka {version}")
        made.replace(kept)


def main() -> None:
    for version in sys.argv[1:] or [NEWEST]:
        try:
            classpath(version)
        except Failure as failure:
            sys.exit(f"hub: {failure}")
        try:
            learn(version)
        except (Failure, OSError) as failure:
            warning(f"Kafka will start more slowly: {failure}")


if __name__ == "__main__":
    main()
