"""Records that were told before: the same bytes in the same partition within 20 minutes, by their Kafka timestamps."""

from __future__ import annotations

from collections.abc import Iterable

from hubapp.facts import Micros

REMEMBERED: Micros = 20 * 60 * 1_000_000
DIGEST = 16


class Repeats:
    """What was seen, and by which row of the table: a row holds the digests of one batch."""

    def __init__(self) -> None:
        self._seen: dict[bytes, Micros] = {}
        self._rows: dict[bytes, Micros] = {}
        self._new: list[bytes] = []
        self._newest: Micros = 0

    def restore(self, key: bytes, value: bytes) -> None:
        """*value*: the newest Kafka timestamp in 8 bytes, then digests."""
        timestamp, digests = int.from_bytes(value[:8], "big", signed=True), value[8:]
        self._rows[key] = timestamp
        self._newest = max(self._newest, timestamp)
        for start in range(0, len(digests), DIGEST):
            self._seen[digests[start : start + DIGEST]] = timestamp

    def is_repeat(self, digest: bytes, timestamp: Micros) -> bool:
        """Whether a record with this *digest* came less than 20 minutes ago; it is remembered."""
        before = self._seen.get(digest)
        if before is not None and abs(timestamp - before) <= REMEMBERED:
            return True
        self._seen[digest] = timestamp
        self._newest = max(self._newest, timestamp)
        self._new.append(digest)
        return False

    def changes(self, offset: int) -> Iterable[tuple[bytes, bytes | None]]:
        """A row for what came since the last call, and the rows that are forgotten."""
        changed: list[tuple[bytes, bytes | None]] = []
        if self._new:
            key = b"seen/%020d" % offset
            self._rows[key] = self._newest
            changed.append((key, self._newest.to_bytes(8, "big", signed=True) + b"".join(self._new)))
            self._new = []
        for key in [key for key, timestamp in self._rows.items() if self._newest - timestamp > REMEMBERED]:
            del self._rows[key]
            changed.append((key, None))
        if len(changed) > 1:
            self._seen = {digest: at for digest, at in self._seen.items() if self._newest - at <= REMEMBERED}
        return changed
