"""What the hub found, held against the ground truth: precision and recall of each rule, and the first differences in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hubapp.facts import fold

Json = Mapping[str, Any]
Key = tuple[str, str, str, str]
NEAR = 0.0015
STATUSES = {"final": ("final", "amended"), "provisional": ("provisional",)}


@dataclass(slots=True)
class Tally:
    """right: found once, and all that must match does."""

    expected: int = 0
    found: int = 0
    right: int = 0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0


@dataclass(slots=True)
class Score:
    rules: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    differences: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def exact(self) -> bool:
        return all(tally.precision == tally.recall == 1.0 for tally in self.rules.values())

    def differs(self, words: str, most: int) -> None:
        if len(self.differences) < most:
            self.differences.append(words)
        else:
            self.more += 1

    def summary(self) -> dict[str, dict[str, float]]:
        return {
            rule: {
                "expected": tally.expected,
                "found": tally.found,
                "right": tally.right,
                "precision": round(tally.precision, 6),
                "recall": round(tally.recall, 6),
            }
            for rule, tally in sorted(self.rules.items())
        }


def compare(truth: Iterable[Json], findings: Iterable[Json], *, statuses: bool = True, most: int = 20) -> Score:
    """Left out are findings of rules that the truth does not speak of, retracted ones, older revisions; and the truth's summary.

    statuses: whether `final` and `provisional` must be as expected; most: how many differences are put into words.
    """
    score, expected = Score(), [one for one in truth if "rule" in one]
    rules = {one["rule"] for one in expected}
    told = by_key(one for one in newest(findings) if one["rule"] in rules)
    for one in expected:
        score.rules[one["rule"]].expected += 1
    for rows in told.values():
        score.rules[rows[0]["rule"]].found += len(rows)
    pairs = [(one, taken(told, one)) for one in expected]
    ids = {subject(one): found["id"] for one, found in pairs if found is not None and one["rule"] == "episodes"}
    for one, found in pairs:
        wrong = list(wrongs(one, found, ids.get(subject(one)), statuses))
        score.rules[one["rule"]].right += not wrong
        if wrong:
            score.differs(f"{called(one)}: {'; '.join(wrong)}", most)
    for extra in (row for rows in told.values() for row in rows):
        score.differs(f"{called(extra)}: found, not expected: {extra['body']}", most)
    return score


def newest(findings: Iterable[Json]) -> Iterator[Json]:
    """The highest revision of each, where it was not retracted."""
    best: dict[str, Json] = {}
    for finding in findings:
        if finding["revision"] >= best.get(finding["id"], finding)["revision"]:
            best[finding["id"]] = finding
    return (finding for finding in best.values() if finding["status"] != "retracted")


def key(one: Json) -> Key:
    return one["rule"], fold(one["patient"] or ""), fold(one["device"] or ""), str(one["body"]["condition"])


def by_key(findings: Iterable[Json]) -> dict[Key, list[Json]]:
    rows: defaultdict[Key, list[Json]] = defaultdict(list)
    for finding in findings:
        rows[key(finding)].append(finding)
    return rows


def taken(told: dict[Key, list[Json]], one: Json) -> Json | None:
    """The finding that *one* expects, taken out of *told*."""
    rows = told.get(key(one), [])
    for place, row in enumerate(rows):
        if same(one["start"], row["start"]):
            return rows.pop(place)
    return None


def subject(one: Json) -> tuple[str, ...]:
    return (*key(one)[1:], one["start"])


def wrongs(one: Json, found: Json | None, episode: str | None, statuses: bool) -> Iterator[str]:
    """What does not match, in words."""
    if found is None:
        yield f"not found; expected {one['body']}"
        return
    for name in ("end", "monitor"):
        if name in one and not same(one[name], found.get(name)):
            yield f"{name} {found.get(name)}, expected {one[name]}"
    if statuses and found["status"] not in STATUSES[one["status_expected"]]:
        yield f"status {found['status']}, expected {one['status_expected']}"
    for word in one.get("quality", ()):
        if word not in found["quality"]:
            yield f"quality lacks {word}"
    for name, value in one["body"].items():
        if name not in found["body"]:
            yield f"{name} is absent"
        elif not same(value, found["body"][name]):
            yield f"{name} {found['body'][name]}, expected {value}"
    if one["rule"] == "attendance" and episode is not None and found["body"].get("episode") != episode:
        yield f"episode {found['body'].get('episode')}, expected {episode}"


def same(expected: Any, found: Any) -> bool:
    """Times and numbers within 1.5 ms, identifiers without regard to case, lists without regard to order."""
    if isinstance(expected, dict):
        return same_object(expected, found)
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and same_people(expected, found)
    if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) < NEAR
    if isinstance(expected, str) and isinstance(found, str):
        return fold(expected) == fold(found) or near(expected, found)
    return bool(expected == found)


def same_object(expected: Json, found: Any) -> bool:
    if set(expected) == {"one_of"}:
        return any(value is not None and same(value, found) for value in expected["one_of"])
    return isinstance(found, dict) and all(name in found and same(value, found[name]) for name, value in expected.items())


def same_people(expected: list[Any], found: list[Any]) -> bool:
    """Accounts: by id where both know it, else by name."""
    return sorted(map(who, expected)) == sorted(map(who, found))


def who(person: Any) -> str:
    return fold(str(person.get("id") or person.get("account"))) if isinstance(person, dict) else fold(str(person))


def near(one: str, other: str) -> bool:
    if not (one.endswith("Z") and other.endswith("Z")):
        return False
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds()) < NEAR


def called(one: Json) -> str:
    return f"{one['rule']} {one['patient']} {one['device']} {one['body']['condition']} {one['start']}"
