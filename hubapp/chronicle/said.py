"""What was told last of each finding, and what of one that is found now is new."""

from __future__ import annotations

import msgspec

from hubapp.facts import SECOND, Micros
from hubapp.findings import Finding

# The revisions of what was taken back must go on growing.
RETRACTED_KEPT = 24 * 3600 * SECOND


class Said(msgspec.Struct):
    """A finding as it was last told, and the instant behind which nothing changes it."""

    finding: Finding
    closes: Micros


def finding_is_new(finding: Finding, closes: Micros, said: Said | None, now: Micros, before: Micros) -> bool:
    """Number *finding*, and give it its status, if it says anything that *said* did not.

    Final: this progress closed its window. Amended: an earlier one had, and it is not what was told then. Retracted: its
    rule takes it back, with what it says now.
    """
    if finding.status == "retracted":
        return takes_back(finding, said)
    status = "final" if now > closes else "provisional"
    if said is None:
        finding.revision = 1
    else:
        old = said.finding
        finding.status, finding.revision = old.status, old.revision
        closed = old.status in ("final", "amended")
        if finding == old and old.status != "retracted" and closed == (status == "final"):
            return False
        finding.revision += 1
    finding.status = "final" if status == "final" and closes >= before else "amended" if status == "final" else "provisional"
    return True


def takes_back(finding: Finding, said: Said | None) -> bool:
    """What was never told need not be taken back."""
    if said is None:
        return False
    finding.revision = said.finding.revision
    if finding == said.finding:
        return False
    finding.revision += 1
    return True
