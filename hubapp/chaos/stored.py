"""The workers' tables: changelogs hold what the logs say, each RocksDB what its changelog says up to where it knows it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from aiokafka import ConsumerRecord
from rocksdict import AccessType, Options, Rdict

from hubapp.chaos.expected import Replayed, Taken
from hubapp.chaos.seen import Records
from hubapp.chaos.verdict import Check, same
from hubapp.engine.shelf import OFFSETS
from hubapp.intake.repeats import DIGEST
from hubapp.topics import RULES

SHELF = "tables.db"
Held = dict[tuple[str, int, bytes], bytes]
"""(table, partition, key) -> value"""


def newest(records: Iterable[ConsumerRecord]) -> dict[bytes, bytes]:
    """What a changelog partition says: the newest value of each key, a tombstone takes it away."""
    rows: dict[bytes, bytes] = {}
    for record in records:
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record.value
    return rows


def table_of(changelog: str, group: str) -> str:
    return changelog.removeprefix(f"{group}-").removesuffix("-changelog")


def changelog_against_logs(
    changelogs: Records, group: str, wards: Mapping[int, Replayed], house: Replayed, taken: Taken
) -> Check:
    """Every table value as the workers committed it, against one process that read the same."""
    expected: dict[tuple[str, int, bytes], Any] = {}
    for number, ward in (*wards.items(), (0, house)):
        expected |= {(table, number, key): comparable(table, value) for (table, key), value in ward.rows.items()}
    for table, rows in taken.tables.items():
        expected |= dict(source_rows(table, ((int(number), key, value) for (number, key), value in rows.items())))
    found: dict[tuple[str, int, bytes], Any] = {}
    for changelog, parts in changelogs.items():
        table = table_of(changelog, group)
        held = [(number, key, value) for number, records in parts.items() for key, value in newest(records).items()]
        if table.startswith("source-"):
            found |= dict(source_rows(table, held))
        else:
            found |= {(table, number, key): comparable(table, value) for number, key, value in held}
    return same("tables: changelogs = one process", expected, found.items(), lambda value: value)


def comparable(table: str, value: bytes) -> Any:
    """What a batch cut decides is left out: revisions, and findings that were taken back."""
    if table == "progress":
        return orjson.loads(value)
    if table not in RULES:
        return value
    row = orjson.loads(value)
    kept = row.pop("findings", None) or [said["finding"] for said in row.pop("said", ())]
    row["findings"] = sorted(
        ({**finding, "revision": 0} for finding in kept if finding["status"] != "retracted"),
        key=lambda finding: str(finding["id"]),
    )
    return row


def source_rows(table: str, rows: Iterable[tuple[int, bytes, bytes]]) -> Iterator[tuple[tuple[str, int, bytes], Any]]:
    """The digests of what was seen, whatever batches they came in; all else as it is."""
    seen: dict[int, set[bytes]] = {}
    for number, key, value in rows:
        if key.startswith(b"seen/"):
            digests = value[8:]
            seen.setdefault(number, set()).update(digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST))
        else:
            yield (table, number, key), value
    for number, digests_seen in seen.items():
        yield (table, number, b"seen"), digests_seen


def rocksdb_against_changelogs(changelogs: Records, group: str, directories: Iterable[Path]) -> Check:
    """Each worker's RocksDB holds what the changelogs said at the offsets that it knows: never what was not committed."""
    expected: dict[tuple[str, str, int, bytes], bytes] = {}
    found: list[tuple[tuple[str, str, int, bytes], bytes]] = []
    for directory in directories:
        held, known = contents(directory)
        found += [((directory.name, *row), value) for row, value in held.items()]
        for (table, number), offset in known.items():
            records = [r for r in changelogs[f"{group}-{table}-changelog"][number] if r.offset <= offset]
            expected |= {(directory.name, table, number, key): value for key, value in newest(records).items()}
    return same("tables: RocksDB = changelogs", expected, found)


def contents(directory: Path) -> tuple[Held, dict[tuple[str, int], int]]:
    """What a worker's RocksDB holds, and up to which offset of each changelog partition."""
    held, known = Held(), dict[tuple[str, int], int]()
    (path,) = directory.glob(f"**/{SHELF}")
    db = Rdict(str(path), options=Options(raw_mode=True), access_type=AccessType.read_only())
    with contextlib.closing(db):
        for name, value in db.items():
            table, number, key = name.removeprefix(OFFSETS).split(b"/", 2)
            place = table.decode(), int(number)
            if name.startswith(OFFSETS):
                known[place] = int(value)
            else:
                held[(*place, key)] = value
    return held, known
