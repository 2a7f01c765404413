"""The mark of a finding whose window meets what was not seen of a source that its rule reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hubapp.rules import unseen
from hubapp.rules.scene import Conclusion, Scene


def marked(rule: str, found: Iterable[Conclusion], scene: Scene) -> Iterator[Conclusion]:
    """What a rule finds, marked."""
    for finding, closes in found:
        marks = {*unseen.marks(scene.house.gaps, rule, finding.start, closes)} - {*finding.quality}
        quality = sorted({*finding.quality, *marks})
        yield Conclusion(msgspec.structs.replace(finding, quality=quality) if marks else finding, closes)
