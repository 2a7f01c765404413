"""A conclusion as a line for whoever watches a demo. It says where, never who."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hubapp import codes

Finding = dict[str, Any]

RESULTS = {
    "attended": "attended",
    "visited": "somebody logged in in time",
    "attended-late": "attended, but late",
    "visited-late": "somebody logged in, but late",
    "self-resolved": "ended by itself in time",
    "no-evidence": "no evidence of anybody in time",
    "unobserved": "could not be observed",
    "not-judged": "told late, not judged",
}


def told_of(finding: Finding) -> str | None:
    """What there is to say: of an alarm that has ended, a deadline that has passed, a control that was used, …"""
    words = WORDS.get(finding["rule"])
    if finding["status"] == "retracted" or words is None or (said := words(finding, finding["body"])) is None:
        return None
    where = finding["bed"] or finding["monitor"] or finding["device"] or ", ".join(finding["units"]) or "?"
    what, how = said
    return f"{finding['start'][11:19]}  {where:<10.10}  {what:<34.34}  {how}"


Said = tuple[str, str] | None


def episode(finding: Finding, body: dict[str, Any]) -> Said:
    lasted = "" if body["duration"] is None else f" after {body['duration']:.0f} s"
    return (f"{body['name']} {body['priority']}", f"ended{lasted} ({body['ended_by']})") if body["ended_by"] else None


def attendance(finding: Finding, body: dict[str, Any]) -> Said:
    if body["result"] not in RESULTS:
        return None
    trace = f": {body['evidence_class']} after {body['seconds']:.0f} s" if body["evidence_class"] and body["seconds"] else ""
    return f"{named(body)} {body['priority']}", RESULTS[body["result"]] + trace


def masking(finding: Finding, body: dict[str, Any]) -> Said:
    return (
        f"{named(body)} {body['priority']}",
        f"hidden by {named({'condition': body['cause']})}: {body['outcome'] or 'still so'}",
    )


def silenced(finding: Finding, body: dict[str, Any]) -> Said:
    what = body["what"] if body["condition"] is None else f"{body['what']}: {named(body)}"
    return what, f"silenced ({body['level']})" + ("" if body["how_ended"] is None else f", until {body['how_ended']}")


def nuisance(finding: Finding, body: dict[str, Any]) -> Said:
    return named(body), f"{body['kind']}: {body['onsets']} onsets"


def control(finding: Finding, body: dict[str, Any]) -> Said:
    return (body["change"] if body["condition"] is None else f"{body['change']}: {named(body)}"), f"used ({body['why']})"


def barriers(finding: Finding, body: dict[str, Any]) -> Said:
    return body["why"], "somebody could not log in while an alarm was on"


def coverage(finding: Finding, body: dict[str, Any]) -> Said:
    if body.get("episode") is None:
        return None
    return "nobody was authenticated", f"for {body['uncovered']:.0f} s of an alarm"


def floods(finding: Finding, body: dict[str, Any]) -> Said:
    return "a flood of alarms", f"{body['onsets']} onsets, at most {body['peak']} in ten minutes"


def gaps(finding: Finding, body: dict[str, Any]) -> Said:
    if body["missing"] is None:
        return f"nothing came: {body['source']}", f"{body['why']}: every monitor at once"
    share = "" if body["share"] is None else f", {body['share']:.0%} of what was read"
    return f"not seen: {body['source']}", f"{body['why']}: {body['missing']} records{share}"


def named(body: dict[str, Any]) -> str:
    return str(codes.names.get(body["condition"], body["condition"]))


WORDS: dict[str, Callable[[Finding, dict[str, Any]], Said]] = {
    "episodes": episode, "attendance": attendance, "masking": masking, "silenced": silenced, "nuisance": nuisance,
    "control": control, "barriers": barriers, "coverage": coverage, "floods": floods, "gaps": gaps,
}  # fmt: skip
