"""Which thresholds a finding went by: those applied before its facts, proved by the hash in its rule's version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from hubapp.facts import RulesChanged, iso
from hubapp.rules import floods, gaps, sessions, uncovered, use
from hubapp.rules.monitored import Nothing
from hubapp.thresholds import Thresholds, digest, parse

Finding = dict[str, Any]


class Applied(NamedTuple):
    """Thresholds, and since when they were in force; None: the defaults, of before any were applied."""

    thresholds: Thresholds
    since: str | None


def applied(changes: Sequence[RulesChanged]) -> list[Applied]:
    """The defaults, then each that was applied, in their order."""
    return [Applied(Thresholds(), None), *(Applied(parse(one.thresholds), iso(one.sent)) for one in changes)]


def in_force(finding: Finding, known: Sequence[Applied]) -> dict[str, Any]:
    """{version, since, from, proved, values}: the newest before the finding's first fact whose values have its version's hash.

    Where none has it, the newest before its first fact, not proved.
    """
    first = min((copy["sent"] for copy in finding["evidence"]), default=finding["start"])
    before = [one for one in known if one.since is None or one.since <= first]
    wanted = finding["rule_version"].rpartition("-")[2]
    proving = [one for one in (*known, *before) if wanted in hashes(finding, one.thresholds)]
    one = proving[-1] if proving else before[-1]
    return {
        "version": finding["rule_version"],
        "since": one.since,
        "from": "the defaults" if one.since is None else "hub rules apply",
        "proved": bool(proving),
        "values": dict(values(finding, one.thresholds)),
    }


def hashes(finding: Finding, thresholds: Thresholds) -> set[str]:
    return {digest(used) for used in uses(finding, thresholds)}


def uses(finding: Finding, thresholds: Thresholds) -> Iterator[msgspec.Struct]:
    """What the rule may have used of *thresholds*, as it hashes it."""
    rule, presence = finding["rule"], thresholds.presence
    if rule in ("episodes", "attendance", "masking", "silenced", "nuisance", "barriers"):
        yield getattr(thresholds, rule)
    elif rule == "monitored":
        yield Nothing()
    elif rule == "gaps":
        yield gaps.Used()
    elif rule == "control":
        yield use.InForce(thresholds.control, presence)
    elif rule == "presence":
        for service in ("older", "newer"):
            yield sessions.Used(presence.days(service), finding["body"]["shared"])
    elif rule == "coverage":
        staffed = tuple(sorted(name for name, unit in thresholds.units.items() if unit.staffed))
        yield uncovered.Used(thresholds.coverage, presence.session_days, staffed)
    elif rule == "floods":
        for unit in thresholds.units.values():
            if unit.flood_threshold is not None:
                yield floods.Used(thresholds.floods.window, unit.flood_threshold)


SECTIONS: dict[str, tuple[str, ...]] = {
    "monitored": (), "gaps": (), "control": ("control", "presence"), "coverage": ("coverage", "presence"),
}  # fmt: skip
OF_UNITS = {"coverage": "staffed", "floods": "flood_threshold"}


def values(finding: Finding, thresholds: Thresholds) -> Iterator[tuple[str, Any]]:
    """The thresholds that the rule goes by, each by its place in hub.toml."""
    told, rule = msgspec.to_builtins(thresholds), finding["rule"]
    for section in SECTIONS.get(rule, (rule,)):
        yield from flat(section, told.get(section, {}))
    if rule in OF_UNITS:
        for unit in finding["units"]:
            yield f"units.{unit}.{OF_UNITS[rule]}", told["units"].get(unit, {}).get(OF_UNITS[rule])


def flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value and place != "presence.aliases":
        for name, inner in value.items():
            yield from flat(f"{place}.{name}", inner)
    else:
        yield place, value
