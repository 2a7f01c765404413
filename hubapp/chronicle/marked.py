"""The mark of a finding whose window meets what was not seen of a source that its rule reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hubapp.rules import unseen
from hubapp.rules.scene import Conclusion, Scene


def marked(rule: str, found: Iterable[Conclusion], scene: Scene) -> Iterator[Conclusion]:
    """What a rule finds, marked."""
    for finding, closes in found:
        if marks := {*unseen.marks(scene.house.gaps, rule, finding.start, closes)} - {*finding.quality}:
            finding = msgspec.structs.replace(finding, quality=sorted(marks.union(finding.quality)))
        yield Conclusion(finding, closes)
