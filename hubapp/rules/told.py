"""An episode in short, as other rules hear of it: its onset, its priorities, its end, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from hubapp.facts import AnyFact, Kind, Micros, Progress
from hubapp.rules.moments import Order
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.sightings import Sighting


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """An episode begins. id: its finding's. subject, monitor, sensor: folded; serial, device: as written.

    counts: it was seen to begin: neither told late nor begun while its monitor was lost, nor behind an end that was missed.
    told_late: nobody's absence is concluded from it. unobserved: its monitor was lost when it began.
    """

    order: Order
    id: str
    subject: str
    patient: str | None
    monitor: str | None
    serial: str | None
    device: str
    sensor: str
    condition: str
    kind: Kind
    start: Micros
    sighting: Sighting
    place: Place = NOWHERE
    thresholds: str = ""
    counts: bool = True
    told_late: bool = False
    unobserved: bool = False

    @property
    def sent(self) -> Micros:
        return self.order[0]


class Prioritised(msgspec.Struct, frozen=True, kw_only=True):
    """An episode has *priority* for the first time, the onset's own included."""

    order: Order
    id: str
    priority: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One knows that the condition of an episode is over (a latched signal may go on).

    end: when it ended, at the loss of a monitor that stays away; None where that was missed.
    """

    order: Order
    id: str
    by: str
    end: Micros | None
    sighting: Sighting | None = None

    @property
    def until(self) -> Micros:
        """When it was sent that it is over; what a loss ended, was over then."""
        return self.end if self.by == "lost" and self.end is not None else self.order[0]


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What was taken for an end was none: the condition is on, and was."""

    order: Order
    id: str


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """The first bedside, command or change evidence of an episode, while its signal was on."""

    order: Order
    id: str
    sighting: Sighting


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What attendance says of an episode at its deadline, as it was known then: late evidence changes nothing of it."""

    order: Order
    id: str
    result: str


Word: TypeAlias = Onset | Prioritised | Ended | Resumed | Handled | Judged


class EpisodeTold(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """All that is told of one episode; an episode that is no more has no onset. ends: in their order, the last one stands."""

    id: str
    onset: Onset | None = None
    priorities: tuple[Prioritised, ...] = ()
    ends: tuple[Ended | Resumed, ...] = ()
    handled: Handled | None = None
    judged: Judged | None = None

    @property
    def over(self) -> bool:
        return self.onset is None or (bool(self.ends) and isinstance(self.ends[-1], Ended))

    def words(self) -> Iterator[Word]:
        for word in (self.onset, *self.priorities, self.handled, self.judged, *self.ends):
            if word is not None:
                yield word


decode_house_log = msgspec.json.Decoder(AnyFact | Progress | EpisodeTold).decode
"""The value of a record of the log of the house: a fact, progress, or what is told of an episode."""
