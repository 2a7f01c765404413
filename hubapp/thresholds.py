"""The thresholds that rules go by, as they stand in hub.toml and, applied, in the hub logs as a fact."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Days = Annotated[float, Meta(gt=0, le=365)]


class SessionDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After how many days without a log-in a session is taken as ended, for each authentication service."""

    older: Days = 7.0
    newer: Days = 30.0


class PresenceThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """shared_accounts: many people's. aliases: one account, other spellings of it."""

    session_days: SessionDays | Days = SessionDays()
    shared_accounts: tuple[str, ...] = ()
    aliases: dict[str, tuple[str, ...]] = {}

    def days(self, service: str) -> float:
        if isinstance(self.session_days, SessionDays):
            return self.session_days.older if service == "older" else self.session_days.newer
        return self.session_days


class EpisodesThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """fleeting: shorter than this is fleeting, if no other onset is within fleeting_quiet. lost: how long a lost monitor's
    alarms wait for it, taken_up: until when they go on. unseen: how much newer a report must be to be a new alarm.
    """

    fleeting: Seconds = 10.0
    fleeting_quiet: Seconds = 60.0
    lost: Seconds = 600.0
    taken_up: Seconds = 86_400.0
    unseen: Seconds = 60.0


class AttendanceThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deadlines by priority, from when that priority was first sent. attending_roles: those that count; empty: any."""

    deadline_hi: Annotated[float, Meta(ge=1, le=3_600)] = 60.0
    deadline_me: Annotated[float, Meta(ge=1, le=3_600)] = 180.0
    attending_roles: tuple[str, ...] = ()


class MaskingThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """after_end: how long after an alarm's end a cause still ended it. lost: from when a lost monitor hides. planned: a release
    so soon after the cause. resurfaces: how long after the cause's end an alarm comes back. unresolved: a cause as long as that.
    """

    after_end: Seconds = 5.0
    lost: Seconds = 15.0
    planned: Seconds = 60.0
    resurfaces: Seconds = 60.0
    unresolved: Seconds = 300.0


class SilencedThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """paused: a pause as long as this is none. joins: a shorter break does not end it. must_be_on: conditions by name."""

    paused: Seconds = 120.0
    joins: Seconds = 10.0
    long: Seconds = 300.0
    very_long: Seconds = 1_800.0
    must_be_on: tuple[str, ...] = ()


class ControlThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many failures within so long throw doubt on the account's next session, as a lock does, if it begins soon after."""

    failures: Annotated[int, Meta(ge=2, le=100)] = 5
    failures_within: Seconds = 600.0
    doubted: Seconds = 28_800.0
    new_patient: Seconds = 5.0


class BarriersThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Failures with gaps of at most `gap` are one stretch, if no success follows within `success`; locks within `gap` are one."""

    failures: Annotated[int, Meta(ge=1, le=100)] = 2
    gap: Seconds = 60.0
    success: Seconds = 60.0


class CoverageThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long after an onset somebody may come to be authenticated."""

    grace: Seconds = 30.0


class FloodsThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sliding window in which onsets are counted; the number is each unit's own."""

    window: Seconds = 600.0


class NuisanceThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many onsets within so long chatter, until as long passes without one. stale: active longer, by priority."""

    onsets: Annotated[int, Meta(ge=2, le=100)] = 3
    within: Seconds = 60.0
    stale_hi: Seconds = 600.0
    stale_me: Seconds = 3_600.0
    stale_lo: Seconds = 86_400.0


class UnitThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is set for one unit. staffed: somebody should always be authenticated there. flood_threshold: onsets in a window."""

    staffed: bool = False
    flood_threshold: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that hub.toml may say; what it does not say has the default."""

    episodes: EpisodesThresholds = EpisodesThresholds()
    attendance: AttendanceThresholds = AttendanceThresholds()
    presence: PresenceThresholds = PresenceThresholds()
    masking: MaskingThresholds = MaskingThresholds()
    silenced: SilencedThresholds = SilencedThresholds()
    control: ControlThresholds = ControlThresholds()
    barriers: BarriersThresholds = BarriersThresholds()
    coverage: CoverageThresholds = CoverageThresholds()
    floods: FloodsThresholds = FloodsThresholds()
    nuisance: NuisanceThresholds = NuisanceThresholds()
    units: dict[str, UnitThresholds] = {}

    def text(self) -> str:
        """Canonical JSON: what stands in the log."""
        return msgspec.json.encode(self, order="sorted").decode()


def read(document: dict[str, Any]) -> Thresholds:
    """Thresholds of a parsed hub.toml. Raises msgspec.ValidationError, which names the place and the allowed range."""
    return msgspec.convert(document, Thresholds)


def parse(text: str) -> Thresholds:
    """Thresholds of what `Thresholds.text` wrote."""
    return msgspec.json.decode(text, type=Thresholds)


def digest(*values: msgspec.Struct) -> str:
    """A short hash of the values that a rule used."""
    return hashlib.sha256(b"\n".join(msgspec.json.encode(value, order="sorted") for value in values)).hexdigest()[:12]
