"""Where a deadline decided: which it was, and between which revisions the watermark passed it.

The store keeps no watermark of its own: that it had passed is seen from the first revision that says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hubapp.facts import iso, micros

Finding = dict[str, Any]

UNKNOWN = "The store keeps no watermarks, so the one that passed it is known only by the revisions around it."


def deadline(finding: Finding, revisions: list[Finding], values: dict[str, Any]) -> dict[str, Any] | None:
    """{at, what, decided, passed_by, open_at, words}; None where the rule has no deadline, or no such one for this finding."""
    due = due_of(finding, values)
    if due is None:
        return None
    what, at = due
    passed = next((one for one in revisions if by_passing(one["finding"])), None)
    known = revisions.index(passed) if passed else len(revisions)
    still = next((one for one in reversed(revisions[:known]) if not by_passing(one["finding"])), None)
    told = {
        "at": at, "what": what, "decided": by_passing(finding),
        "passed_by": passed and passed["written"], "open_at": still["written"] if passed and still else None,
    }  # fmt: skip
    return {**told, "words": words(told, passed, still)}


def words(told: dict[str, Any], passed: Finding | None, still: Finding | None) -> str:
    said = f"{told['what']}: {told['at']}."
    if passed is None:
        return f"{said} No revision that is kept was concluded from its passing."
    number = passed["finding"]["revision"]
    said += f" The watermark had passed it when revision {number} was written ({passed['written']})"
    if still is not None:
        said += f"; revision {still['finding']['revision']} before it ({still['written']}) did not yet say so"
    return f"{said}. {UNKNOWN}"


def by_passing(finding: Finding) -> bool:
    """Whether this revision says what only the passing of its deadline says."""
    rule, body = finding["rule"], finding["body"]
    return (
        (rule == "attendance" and body["result"] in ("no-evidence", "unobserved"))
        or (rule == "masking" and body["outcome"] == "unresolved")
        or (rule == "presence" and body["how_ended"] == "assumed")
        or (rule == "coverage" and body["episode"] is not None)
    )


def due_of(finding: Finding, values: dict[str, Any]) -> tuple[str, str] | None:
    rule, body = finding["rule"], finding["body"]
    if rule == "attendance":
        return f"The deadline of priority {body['priority']}", body["deadline"]
    if rule == "masking" and body["outcome"] == "unresolved":
        return "The longest that a cause may last", later(began(finding), values["masking.unresolved"])
    if rule == "presence" and body["how_ended"] == "assumed":
        return "The assumed end of the session", finding["end"]
    if rule == "coverage" and body["episode"] is not None:
        return "The grace after the onset, in which somebody may come", later(began(finding), values["coverage.grace"])
    return None


def began(finding: Finding) -> str:
    """When the fact that anchors it was sent: by that deadlines count."""
    return next((str(copy["sent"]) for copy in finding["evidence"] if copy["at"] == finding["start"]), str(finding["start"]))


def later(start: str, seconds: float) -> str:
    return iso(micros(datetime.fromisoformat(start) + timedelta(seconds=seconds)))
