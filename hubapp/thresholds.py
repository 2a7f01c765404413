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


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that hub.toml may say; what it does not say has the default."""

    episodes: EpisodesThresholds = EpisodesThresholds()
    attendance: AttendanceThresholds = AttendanceThresholds()
    presence: PresenceThresholds = PresenceThresholds()

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
