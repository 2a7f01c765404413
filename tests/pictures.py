"""The example of each rule's page as a timeline, and its picture: `make pictures` writes them to docs/rules/pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hubapp import facts as f
from hubapp.facts import SECOND, AnyFact, Micros, micros
from hubapp.findings import Finding
from hubapp.thresholds import Thresholds, parse
from tests import timeline as t
from tests.drawing import Bar, Kind, Lane, Scale, drawn
from tests.timeline import Timeline, instant

SESSION, LATCHED = "patient's session", "latched"
FOLDER = Path(__file__).parents[1] / "docs" / "rules" / "pictures"


class Example(NamedTuple):
    """What happens, what of it is shown, and what is said of a finding: its bar."""

    line: Timeline
    begin: str
    end: str
    label: Callable[[Finding], str]
    bar: Callable[[Finding], tuple[Micros, Micros | None]]
    thresholds: Thresholds | None = None

    def shows(self, finding: Finding) -> bool:
        """All but the row that `coverage` has for each hour."""
        return finding.body.get("uncovered", 0.0) is not None

    def findings(self, rule: str) -> list[Finding]:
        return self.line.findings(rule, thresholds=self.thresholds)


def moment(text: str) -> Micros:
    return micros(datetime.fromisoformat(text))


def whole(finding: Finding) -> tuple[Micros, Micros | None]:
    return moment(finding.start), None if finding.end is None else moment(finding.end)


def point(finding: Finding) -> tuple[Micros, Micros | None]:
    return moment(finding.start), moment(finding.start)


def lasting(name: str) -> Callable[[Finding], tuple[Micros, Micros | None]]:
    """As long as its body says under *name*."""
    return lambda finding: (moment(finding.start), moment(finding.start) + round(finding.body[name] * SECOND))


def words(template: str) -> Callable[[Finding], str]:
    return lambda finding: template.format_map(finding.body)


# What a fact does to its lane: opens a bar, ends it, or is a mark on it.


def told(fact: AnyFact) -> tuple[str, Kind, str, str] | None:
    """Lane, kind, what is done there, label."""
    match fact:
        case f.AlarmRaised():
            return fact.condition, "signal", "open", fact.priority
        case f.AlarmLatched():
            return fact.condition, "signal", "open", LATCHED
        case f.AlarmEnded():
            return fact.condition, "signal", "end", ""
        case f.SessionOpened() | f.SessionClosed():
            does = "open" if isinstance(fact, f.SessionOpened) else "end"
            lane = f"{fact.account_name} at {fact.client}" if fact.client else f"{fact.account_name}"
            return lane, "state", does, f"authenticated at {fact.place}" if fact.place else "authenticated"
        case f.LogInFailed() | f.AccountLocked():
            return f"{fact.account_name} kept out", "state", "mark", "locked" if isinstance(fact, f.AccountLocked) else "fails"
        case f.CommandRequested():
            return "commands", "state", "mark", f"{fact.account}"
    return told_of_monitors(fact)


def told_of_monitors(fact: AnyFact) -> tuple[str, Kind, str, str] | None:
    match fact:
        case f.MonitorConfigured():
            return "audio", "state", "end" if fact.audio == "on" else "open", fact.audio
        case f.LimitsReported():
            return "limits", "state", "mark", ", ".join(f"{x.condition} {x.lower or x.upper:g}" for x in fact.limits)
        case f.PatientSessionOpened() | f.PatientSessionClosed():
            does = "open" if isinstance(fact, f.PatientSessionOpened) else "end"
            return SESSION, "state", does, "open"
        case f.MonitorLost() | f.MonitorBack():
            return "connection", "state", "open" if isinstance(fact, f.MonitorLost) else "end", "lost"
    return None


def lanes(facts: Iterable[AnyFact]) -> Iterator[Lane]:
    """Of each signal, in the order in which they are first told."""
    kinds: dict[str, Kind] = {}
    bars: dict[str, list[Bar]] = {}
    for fact in sorted(facts, key=lambda fact: fact.order):
        if (what := told(fact)) is None:
            continue
        lane, kind, does, label = what
        kinds[lane] = kind
        of = bars.setdefault(lane, [])
        acknowledged = bool(of) and of[-1].label == LATCHED
        change(of, fact.sent if acknowledged else fact.at, does, label)
    for lane, of in bars.items():
        yield Lane(lane, kinds[lane], tuple(of))


def change(bars: list[Bar], at: Micros, does: str, label: str) -> None:
    last = bars[-1] if bars else None
    if does == "mark":
        bars.append(Bar(at, at, label))
        return
    if does == "open" and last is not None and last.end is None and last.label == label:
        return
    if last is not None and last.end is None:
        bars[-1] = last._replace(end=at)
    if does == "open":
        bars.append(Bar(at, None, label))


def picture(rule: str) -> str:
    example = EXAMPLES[rule]
    found = [Bar(*example.bar(one), example.label(one)) for one in example.findings(rule) if example.shows(one)]
    below = [Lane(rule if place == 0 else "", "finding", (bar,)) for place, bar in enumerate(found)]
    scale = Scale(instant(example.begin), instant(example.end), t.T0)
    above = [lane for lane in lanes(example.line.facts) if lane.name != SESSION or changes(lane, scale)]
    return drawn(f"{rule}: the example", [*above, *below], scale)


def changes(lane: Lane, scale: Scale) -> bool:
    """Whether anything of it begins or ends in what is seen."""
    return any(
        scale.begin <= instant <= scale.end for bar in lane.bars for instant in (bar.start, bar.end) if instant is not None
    )


def pulse(line: Timeline, onset: int, condition: str = "spo2-low", lasts: int = 5) -> Timeline:
    return line.at(f"0:{onset}", t.raised(condition)).at(f"0:{onset + lasts}", t.ended(condition))


def attendance() -> Timeline:
    line = Timeline().at("-30:00", t.log_in("ann")).at("-5:00", t.session(), t.audio("on"))
    line.at("0:00", t.raised()).at("1:20", t.audio("paused"))
    return line.at("2:00", t.ended())


def barriers() -> Timeline:
    line = Timeline().at("-5:00", t.unit("ICU", "B1"), t.placed("B1"), t.session()).at("0:00", t.raised())
    for when in ("0:10", "0:25"):
        line.at(when, t.failed("ann", place="ICU"))
    return line.at("0:40", t.locked("ann", place="ICU")).at("1:30", t.ended())


def control() -> Timeline:
    line = Timeline().at("-960:00:00", t.log_in("zoe")).at("-959:00:00", t.log_out("zoe"))
    line.at("0:00", t.audio("on", discovery=True), t.limits(f.Limit("spo2-low", lower=85.0), discovery=True))
    line.at("10:00", t.log_in("ann")).at("20:00", t.audio("off")).at("30:00", t.log_out("ann"))
    line.at("40:00", t.limits(f.Limit("spo2-low", lower=80.0))).at("50:00", t.command(account="ann"))
    line.at("1:00:00", t.locked("ann")).at("1:20:00", t.log_in("ann"))
    return line.at("1:30:00", t.command(account="ann"))


def coverage() -> Timeline:
    line = Timeline().at("-960:00:00", t.log_in("zoe", place="B1")).at("-959:00:00", t.log_out("zoe"))
    line.at("-2:00:00", t.unit("ICU", "B1"), t.unit("ER", "B2"), t.placed("B1"), t.session())
    line.at("-1:00:00", t.log_in("ann", place="B1")).at("-1:00", t.log_out("ann"))
    line.at("0:00", t.raised()).at("1:00", t.log_in("bob", place="B2")).at("2:00", t.log_in("ann", place="B1"))
    return line.at("5:00", t.ended())


def episodes() -> Timeline:
    line = Timeline().at("-5:00", t.session()).at("0:00", t.raised(), told="0:00.120")
    return line.at("0:30", t.latched(), told="0:30.120").at("0:30", t.ended(), told="4:10")


def floods() -> Timeline:
    line = Timeline().at("-5:00", t.unit("ICU", "B1"), t.placed("B1"), t.session())
    for onset, condition in ((0, "spo2-low"), (10, "hr-high"), (20, "rr-high"), (30, "fall"), (240, "hr-high")):
        pulse(line, onset, condition, 60)
    return line


def masking() -> Timeline:
    line = Timeline().at("-5:00", t.session(), t.seen(t.S)).at("0:00", t.raised())
    return line.at("0:30", t.fault()).at("0:30.200", t.ended()).at("1:00", t.mended())


def monitored() -> Timeline:
    line = Timeline().at("0:00", t.session()).at("10:00", t.lost())
    return line.at("12:00", t.back(), t.session()).at("30:00", t.release())


def nuisance() -> Timeline:
    line = Timeline().at("-5:00", t.session())
    for onset in (0, 20, 40, 90, 150):
        pulse(line, onset)
    return line


def presence() -> Timeline:
    line = Timeline().at("0:00", t.log_in("ann", client="WS1")).at("1:40", t.log_in("ann", client="WS2"))
    return line.at("3:20", t.log_out("ann", client="WS2")).at("10:00", t.log_out("ann", client="WS1"))


def silenced() -> Timeline:
    line = Timeline().at("-5:00", t.session(), t.audio("on", discovery=True)).at("-1:40", t.log_in("ann"))
    line.at("0:00", t.audio("off")).at("2:00", t.audio("off", discovery=True))
    line.at("5:30", t.raised()).at("5:50", t.ended()).at("6:00", t.lost())
    return line.at("8:00", t.back(), t.audio("off", discovery=True)).at("9:00", t.audio("on"))


FLOODS = parse('{"units": {"ICU": {"flood_threshold": 3}}}')
STAFFED = parse('{"units": {"ICU": {"staffed": true}}}')
EXAMPLES = {
    "attendance": Example(attendance(), "-0:20", "2:20", words("{result}, {evidence_class}, {seconds:g} s"), whole),
    "barriers": Example(barriers(), "-0:10", "1:50", words("{why}, {attempts} failed log-ins"), whole),
    "control": Example(control(), "-5:00", "1:40:00", words("{change}, {why}"), point),
    "coverage": Example(coverage(), "-1:40", "5:20", words("uncovered {uncovered:g} s"), lasting("uncovered"), STAFFED),
    "episodes": Example(episodes(), "-0:10", "4:40", words("{ended_by}, {duration:g} s"), whole),
    "floods": Example(floods(), "-0:20", "12:00", words("peak {peak}, {onsets} onsets"), whole, FLOODS),
    "masking": Example(masking(), "-0:10", "2:10", words("{outcome}, hidden {hidden:g} s"), lasting("hidden")),
    "monitored": Example(monitored(), "-1:00", "33:00", words("{duration:g} s, unobserved {unobserved:g} s"), whole),
    "nuisance": Example(nuisance(), "-0:10", "3:00", words("{kind}, {onsets} onsets"), whole),
    "presence": Example(presence(), "-0:20", "11:00", words("{client}, {how_ended}"), whole),
    "silenced": Example(silenced(), "-2:00", "10:00", words("{what}, {level}, ended {how_ended}"), whole),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for rule in EXAMPLES:
        (FOLDER / f"{rule}.svg").write_text(picture(rule))


if __name__ == "__main__":
    main()
