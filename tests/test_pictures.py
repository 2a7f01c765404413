"""The examples of the rules' pages come out as the pages say, and their pictures are those of today."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from hubapp.facts import SECOND
from tests.drawing import LEFT, WIDTH, Bar, Lane, Scale, drawn
from tests.pictures import EXAMPLES, FOLDER, picture

PAGES = FOLDER.parent
# Its findings come of what is missing in the sources, and not of facts.
WITHOUT_FACTS = {"gaps"}
SVG = "{http://www.w3.org/2000/svg}"

# rule -> how each finding is labelled in its picture; the page's table says the same.
SAID = {
    "attendance": ["attended-late, bedside, 80 s"],
    "barriers": ["locked, 2 failed log-ins"],
    "control": ["audio-off, accounted", "limits-wider, nobody", "command, no-session", "command, after-lock"],
    "coverage": ["uncovered 120 s"],
    "episodes": ["cleared, 30 s"],
    "floods": ["peak 4, 5 onsets"],
    "masking": ["resolved, hidden 30 s"],
    "monitored": ["1680 s, unobserved 120 s"],
    "nuisance": ["chattering, 4 onsets"],
    "presence": ["WS1, log-out", "WS2, log-out"],
    "silenced": ["audio-off, critical, ended lost", "audio-off, notice, ended on"],
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_an_example_comes_out_as_its_page_says(rule: str) -> None:
    example = EXAMPLES[rule]
    found = [one for one in example.findings(rule) if example.shows(one)]
    assert [example.label(one) for one in found] == SAID[rule]
    assert {one.status for one in found} == {"final"}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_its_picture_is_current(rule: str) -> None:
    assert (FOLDER / f"{rule}.svg").read_text() == picture(rule), "make pictures"


def test_every_page_shows_its_picture_and_no_picture_is_left_over() -> None:
    pages = {page.stem: page.read_text() for page in PAGES.glob("*.md") if page.stem not in WITHOUT_FACTS}
    assert set(pages) == set(EXAMPLES) == {path.stem for path in Path(FOLDER).glob("*.svg")}
    assert [rule for rule, page in pages.items() if f"](pictures/{rule}.svg)" not in page] == []


# How a picture is drawn

SCALE = Scale(0, 100 * SECOND, 0)


def parts(svg: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}{name}"))


def one_lane(*bars: Bar) -> str:
    return drawn("a & b", [Lane("a <lane>", "signal", bars)], SCALE)


def test_a_bar_lies_where_its_seconds_are() -> None:
    [_, bar] = parts(one_lane(Bar(25 * SECOND, 50 * SECOND)), "rect")
    assert (float(bar.attrib["x"]), float(bar.attrib["width"])) == (LEFT + WIDTH / 4, WIDTH / 4)


def test_what_goes_on_reaches_the_edge_and_what_began_before_begins_there() -> None:
    [_, bar] = parts(one_lane(Bar(-900 * SECOND, None)), "rect")
    assert (float(bar.attrib["x"]), float(bar.attrib["width"]), "stroke-dasharray" in bar.attrib) == (LEFT, WIDTH, True)


def test_a_moment_is_a_mark() -> None:
    [mark] = parts(one_lane(Bar(10 * SECOND, 10 * SECOND, "locked")), "circle")
    assert float(mark.attrib["cx"]) == LEFT + WIDTH / 10


def test_what_is_not_seen_has_no_lane() -> None:
    svg = one_lane(Bar(200 * SECOND, 300 * SECOND))
    assert "a &lt;lane&gt;" not in svg


def test_the_axis_tells_round_seconds() -> None:
    texts = [part.text for part in parts(one_lane(Bar(0, None)), "text")]
    assert texts[:2] == ["a & b", "0"]
    assert texts[1:12] == [str(second) for second in range(0, 101, 10)]


def test_no_label_leaves_the_picture() -> None:
    for rule in EXAMPLES:
        for text in parts(picture(rule), "text"):
            x, width = float(text.attrib["x"]), 6 * len(text.text or "")
            begins = {"end": x - width, "middle": x - width / 2}.get(text.attrib.get("text-anchor", ""), x)
            assert begins >= 0, (rule, text.text)
            assert begins + width <= LEFT + WIDTH + 60, (rule, text.text)
