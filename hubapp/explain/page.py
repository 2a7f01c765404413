"""An explanation as a page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from hubapp.explain.changes import brief
from hubapp.explain.evidence import title
from hubapp.explain.text import source, stored
from hubapp.explain.timeline import timeline

Explanation = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --ground: light-dark(#f6f7f9, #0f1419); --sheet: light-dark(#fff, #171d25);
  --line: light-dark(#dde2e8, #2a333f); --ink: light-dark(#16202b, #e4e9ef); --soft: light-dark(#5a6775, #97a4b3);
  --mark: light-dark(#eaf2fd, #1d2c3f); --wrong: light-dark(#b3001e, #ff6b76) }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif }
.purpose { padding: 6px 24px; font-size: 13px; color: var(--soft); background: var(--mark) }
main { max-width: 1200px; margin: 0 auto; padding: 20px 24px 48px; display: grid; gap: 20px }
h1 { font-size: 24px; line-height: 1.25; margin: 0 } h2 { font-size: 15px; margin: 0 0 10px }
.sub { color: var(--soft); margin: 4px 0 0 } .wrong { color: var(--wrong); font-weight: 600 }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 14px }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line) }
th { font-weight: 500; color: var(--soft) } tr:last-child td { border-bottom: 0 }
code, td.num { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 18px; margin: 0; font-size: 14px } dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
svg { display: block; max-width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: var(--soft) }
svg text.ink { fill: var(--ink) } svg line { stroke: var(--line) } svg line.due { stroke: var(--wrong); stroke-dasharray: 4 3 }
svg rect.span { fill: var(--mark); stroke: var(--soft) } svg circle { fill: var(--soft) }
@media print { section { break-inside: avoid } }
"""


def page(told: Explanation) -> str:
    """The whole of it, everything in it escaped."""
    finding = told["finding"]
    about = f"{finding['rule']} · {told['id']} · revision {finding['revision']}, {finding['status']}"
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(told['sentence'])}</title><style>{STYLE}</style>\n"
        f'<div class="purpose">{escape(told["purpose"])} Accounts are labels here.</div>\n<main>'
        f'<div><h1>{escape(told["sentence"])}</h1><p class="sub">{escape(told["beside"] or "")}</p>'
        f'<p class="sub">{escape(about)}</p>{marks(told["quality_words"])}</div>\n'
        f"{picture(told)}{section('What it says', pairs(says(finding)))}{section('What it rests on', evidence(told['evidence']))}"
        f"{section('Concluded by', concluded(told))}{section('Revisions', revisions(told['revisions']))}</main></html>\n"
    )


def picture(told: Explanation) -> str:
    drawn = timeline(told)
    return section("What happened", drawn) if drawn else ""


def section(heading: str, inside: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{inside}</section>\n"


def marks(words: dict[str, str]) -> str:
    return "".join(f'<p class="sub">{escape(mark)}: {escape(said)}</p>' for mark, said in words.items())


def says(finding: Explanation) -> dict[str, Any]:
    envelope = ("start", "end", "units", "bed", "monitor", "device", "patient", "account", "replaced_by")
    told = {**{name: finding[name] for name in envelope if finding[name]}, **dict(sorted(finding["body"].items()))}
    return {name.replace("_", " "): value for name, value in told.items()}


def pairs(values: dict[str, Any]) -> str:
    rows = (f"<dt>{escape(name)}<dd>{escape(brief(value))}" for name, value in values.items())
    return f"<dl>{''.join(rows)}</dl>"


def evidence(copies: list[Explanation]) -> str:
    rows = (
        (copy["at"], title(copy["kind"]), copy["says"], f"{copy['topic']} {copy['partition']}/{copy['offset']}",
         copy["sha256"] or "-", f"{copy['record_words']}; {stored(copy)}")
        for copy in copies
    )  # fmt: skip
    return table(("true at", "fact", "says", "topic partition/offset", "SHA-256 of the record", "kept"), rows)


def concluded(told: Explanation) -> str:
    about, thresholds = told["rule"], told["rule"]["thresholds"]
    due = f"<p>{escape(told['deadline']['words'])}</p>" if told["deadline"] else ""
    head = f"<p><b>{escape(about['name'])}</b>, version {escape(thresholds['version'])}. {escape(about['definition'])}</p>"
    return f'{head}{due}<p class="sub">{escape(source(thresholds))}</p>{pairs(thresholds["values"])}'


def revisions(told: list[Explanation]) -> str:
    rows = ((one["revision"], one["status"], one["written"], one["words"]) for one in reversed(told))
    return table(("revision", "status", "written", "change"), rows)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(column)}" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in row) for row in rows)
    return f"<table><thead><tr>{head}</thead><tbody>{body}</tbody></table>"
