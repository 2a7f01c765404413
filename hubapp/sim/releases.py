"""How a patient session ends on the wire: with the patient's name, without it, or only by the next one's beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubapp.facts import SECOND, Micros
from hubapp.sim.alarms import Act
from hubapp.sim.beds import Bed

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward


def released(ward: Ward, bed: Bed, traced: bool) -> None:
    """traced: the record names the patient, so somebody released them; without it nobody's hand is proven."""
    sent = bed.stamp()
    ward.gateway.session_closed(sent, bed.serial, bed.patient if traced else None)
    session_over(ward, bed, sent, traced)


def session_over(ward: Ward, bed: Bed, sent: Micros, traced: bool) -> None:
    """No `active` false follows: this is the end of all that was open."""
    if traced:
        traces(bed, sent)
    for alarm in list(bed.open.values()):
        if alarm.told is None:
            bed.cleared(alarm, False)
            continue
        if alarm.end_sent is None:
            alarm.end = alarm.end_sent = sent
            alarm.ended_by = "released"
        bed.finish(alarm, sent)
    ward.platform.encounter(ward.soon(), "COMPLETED", "system", bed.encounter)
    bed.patient = None
    bed.session += 1


def traces(bed: Bed, sent: Micros) -> None:
    """The release is a hand on the monitor; a sensor taken off up to a minute before was part of it."""
    bed.acted(Act(sent, "bedside", "released"))
    for alarm in bed.gone:
        if alarm.ended_by == "removed" and alarm.signal_end is not None and sent - alarm.signal_end <= 60 * SECOND:
            alarm.acts.append(Act(alarm.signal_end, "bedside", "released"))


def must_be_traced(bed: Bed) -> bool:
    """Where a release without a trace would leave open what is to be found."""
    now = bed.ward.now
    latched = any(
        alarm.state == "latched" and not alarm.acts and now - (alarm.told or now) < 250 * SECOND for alarm in bed.open.values()
    )
    removed = any(alarm.ended_by == "removed" and now - (alarm.signal_end or 0) < 65 * SECOND for alarm in bed.gone)
    return latched or removed
