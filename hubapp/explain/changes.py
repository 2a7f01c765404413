"""What changed between two revisions of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hubapp.explain.evidence import place, title

Finding = dict[str, Any]

ENVELOPE = (
    "status", "start", "end", "units", "bed", "monitor", "device", "patient", "account", "quality", "replaced_by", "rule_version",
)  # fmt: skip


def changes(before: Finding, after: Finding) -> list[dict[str, Any]]:
    """{what, old, new, words} of each: fields of the body first, then the evidence, then the rest of the envelope."""
    return [
        *(changed(name, before["body"].get(name), after["body"].get(name)) for name in differing(before["body"], after["body"])),
        *evidence(before["evidence"], after["evidence"]),
        *(changed(name, before[name], after[name]) for name in ENVELOPE if before[name] != after[name]),
    ]


def differing(before: Finding, after: Finding) -> list[str]:
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]


def changed(what: str, old: Any, new: Any) -> dict[str, Any]:
    return {"what": what, "old": old, "new": new, "words": f"{what.replace('_', ' ')}: {brief(old)} → {brief(new)}"}


def evidence(before: list[Finding], after: list[Finding]) -> Iterator[dict[str, Any]]:
    """Facts that came to it, and that it no longer rests on."""
    had, has = {identity(copy): copy for copy in before}, {identity(copy): copy for copy in after}
    for name, copy in has.items():
        if name not in had:
            yield {"what": "evidence", "old": None, "new": named(copy), "words": f"evidence: + {named(copy)}"}
    for name, copy in had.items():
        if name not in has:
            yield {"what": "evidence", "old": named(copy), "new": None, "words": f"evidence: - {named(copy)}"}


def identity(copy: Finding) -> tuple[Any, ...]:
    return (*place(copy), copy["kind"], copy["at"])


def named(copy: Finding) -> str:
    return f"{title(copy['kind'])} at {copy['topic']} {copy['partition']}/{copy['offset']}"


def brief(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(brief(item) for item in value) + "]"
    if isinstance(value, dict):
        return " ".join(f"{name} {brief(item)}" for name, item in sorted(value.items()))
    return str(value)


def told(revisions: list[Finding]) -> list[Finding]:
    """Each kept revision with what it changed; of the first that is kept, whether others were before it."""
    rows: list[Finding] = []
    for number, one in enumerate(revisions):
        found = one["finding"]
        before = revisions[number - 1]["finding"] if number else None
        rows.append(
            {
                "revision": found["revision"], "epoch": one["epoch"], "status": found["status"], "written": one["written"],
                "changes": changes(before, found) if before else [],
                "words": words(before, found),
            }
        )  # fmt: skip
    return rows


def words(before: Finding | None, after: Finding) -> str:
    if before is None:
        return "first told" if after["revision"] <= 1 else "the first that is kept; those before it were dropped as provisional"
    said = "; ".join(change["words"] for change in changes(before, after)) or "nothing but its number"
    missing = after["revision"] - before["revision"] - 1
    return f"{said} (and {missing} between are no longer kept)" if missing > 0 else said
