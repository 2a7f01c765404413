"""What is handed over of a finding: a page that needs nothing else, the same as JSON, and the hashes. It names no account."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from hubapp.explain.evidence import Kept, Place
from hubapp.explain.explanation import Stored, explanation
from hubapp.explain.labels import Labels, without_accounts
from hubapp.explain.page import page

PAGE, JSON, HASHES = "finding.html", "finding.json", "SHA256SUMS"

encode = msgspec.json.Encoder(order="sorted").encode


def nameless(stored: Stored, kept: dict[Place, Kept]) -> dict[str, Any]:
    """The explanation, with labels in place of accounts: put in before anything is told in words."""
    whole = explanation(stored, kept)
    labels = Labels([stored.finding, stored.revisions, [copy["used"] for copy in stored.finding["evidence"]]])
    relabelled = msgspec.structs.replace(
        stored, finding=without_accounts(stored.finding, labels), revisions=without_accounts(stored.revisions, labels)
    )
    told = explanation(relabelled, kept)
    told["rule"]["thresholds"] = without_accounts(whole["rule"]["thresholds"], labels)
    return told


def case_file(stored: Stored, kept: dict[Place, Kept]) -> dict[str, bytes]:
    """What is in it, by name."""
    told = nameless(stored, kept)
    files = {PAGE: page(told).encode(), JSON: msgspec.json.format(encode(told), indent=2) + b"\n"}
    return {**files, HASHES: hashes(files, told["evidence"])}


def hashes(files: dict[str, bytes], evidence: list[dict[str, Any]]) -> bytes:
    """As `sha256sum --check` reads it; the records of the evidence, which are not in the file, as remarks."""
    lines = [f"{sha256(data).hexdigest()}  {name}" for name, data in files.items()]
    records = {
        (copy["sha256"], copy["topic"], copy["partition"], copy["offset"], copy["record"]) for copy in evidence if copy["sha256"]
    }
    lines += [
        f"# {digest}  record {topic} {partition}/{offset}: {kept}" for digest, topic, partition, offset, kept in sorted(records)
    ]
    return ("\n".join(lines) + "\n").encode()
