"""An explanation as lines for a terminal: (style, text)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from hubapp.explain.changes import brief
from hubapp.explain.evidence import title

Line: TypeAlias = tuple[Literal["head", "title", "plain", "soft", "warn"], str]
Explanation = dict[str, Any]


def lines(told: Explanation) -> Iterator[Line]:
    finding = told["finding"]
    yield "head", told["sentence"]
    if told["beside"]:
        yield "plain", told["beside"]
    yield "soft", f"{told['purpose']} Finding {told['id']}, revision {finding['revision']}, {finding['status']}."
    yield from (("plain", f"{mark}: {words}") for mark, words in told["quality_words"].items())
    if finding["replaced_by"]:
        yield "plain", f"Replaced by {finding['replaced_by']}."
    yield from what(finding)
    yield from evidence(told["evidence"])
    yield from rule(told)
    yield from revisions(told["revisions"])


def what(finding: Explanation) -> Iterator[Line]:
    yield "title", "What it says"
    envelope = ("start", "end", "units", "bed", "monitor", "device", "patient", "account")
    rows = {name: finding[name] for name in envelope if finding[name]} | dict(sorted(finding["body"].items()))
    yield from (("plain", f"{name.replace('_', ' ')}: {brief(value)}") for name, value in rows.items())


def evidence(copies: list[Explanation]) -> Iterator[Line]:
    yield "title", f"What it rests on ({len(copies)})"
    for copy in copies:
        yield "plain", f"{copy['at']}  {title(copy['kind'])}: {copy['says']}"
        yield (
            "soft",
            f"    {copy['topic']} {copy['partition']}/{copy['offset']}, sent {copy['sent']}, SHA-256 {copy['sha256'] or '-'}",
        )
        yield ("warn" if copy["record"] == "differs" else "soft"), f"    {copy['record_words']}; {stored(copy)}"


def stored(copy: Explanation) -> str:
    if not copy["stored"]:
        return "the store no longer has the fact itself"
    return "the stored fact says the same" if copy["stored_agrees"] else "the stored fact says OTHERWISE"


def rule(told: Explanation) -> Iterator[Line]:
    about, thresholds = told["rule"], told["rule"]["thresholds"]
    yield "title", f"Concluded by {about['name']}, version {thresholds['version']}"
    yield "plain", about["definition"]
    yield "soft", source(thresholds)
    yield from (("plain", f"{name} = {brief(value)}") for name, value in thresholds["values"].items())
    if told["deadline"]:
        yield "plain", told["deadline"]["words"]


def source(thresholds: Explanation) -> str:
    since = "the defaults" if thresholds["since"] is None else f"applied at {thresholds['since']}"
    if thresholds["proved"]:
        return f"Thresholds: {since}; the hash in the version says that the rule used these values."
    return f"Thresholds: {since}, by time alone: the store has none with the hash in the version."


def revisions(told: list[Explanation]) -> Iterator[Line]:
    yield "title", f"Revisions ({len(told)} kept)"
    for one in told:
        yield "plain", f"{one['revision']}  {one['written']}  {one['status']}: {one['words']}"
