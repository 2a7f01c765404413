"""Uses of alarm controls at a monitor (IEC 60601-1-8): audio off or paused, a limit made wider, a condition disabled.

What a discovery tells is state and no use, nor is the first word that is ever heard of a monitor. A pause that ends and audio
that is on again are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from hubapp.facts import Audio, Limit, LimitsReported, Micros, MonitorConfigured
from hubapp.rules.monitors import Monitor
from hubapp.rules.scene import Event

Change: TypeAlias = Literal["audio-off", "paused", "limits-wider", "limits-changed", "condition-disabled", "command"]
Setting: TypeAlias = str | dict[str, Any] | None

AUDIO: dict[tuple[Audio, Audio], Change] = {
    ("on", "paused"): "paused",
    ("off", "paused"): "paused",
    ("on", "off"): "audio-off",
    ("paused", "off"): "audio-off",
}


class Changed(NamedTuple):
    """What was changed at a monitor, from *old* to *new*. condition: the one whose limits or enabling these are."""

    change: Change
    condition: str | None
    old: Setting
    new: Setting


def changes(event: Event, was: Monitor | None, new_patient: Micros) -> Iterator[Changed]:
    """What *event* tells of controls used at the monitor, which stood as *was* before it.

    new_patient: so long after a patient's session was opened the monitor sets limits by itself.
    """
    if was is None or not isinstance(event, MonitorConfigured | LimitsReported) or event.discovery:
        return
    if isinstance(event, MonitorConfigured):
        if was.audio is not None and (change := AUDIO.get((was.audio, event.audio))):
            yield Changed(change, None, was.audio, event.audio)
    elif was.session != "open" or event.sent - was.since > new_patient:
        told = {limit.condition: limit for limit in event.limits}
        for condition, new in told.items():
            old = was.limits.get(condition)
            if (change := limit_change(old, new)) is not None:
                yield Changed(change, condition, setting(old), setting(new))


def limit_change(old: Limit | None, new: Limit) -> Change | None:
    """One for each condition: disabled goes before wider, wider before what cannot be told for want of the old value."""
    if old is not None and old.enabled and not new.enabled:
        return "condition-disabled"
    if old is not None and wider(old, new):
        return "limits-wider"
    return "limits-changed" if news(old, new) else None


def wider(old: Limit, new: Limit) -> bool:
    above = old.upper is not None and new.upper is not None and new.upper > old.upper
    return above or (old.lower is not None and new.lower is not None and new.lower < old.lower)


def news(old: Limit | None, new: Limit) -> bool:
    """Whether anything is told of which the old value is not known."""
    if old is None:
        return new.upper is not None or new.lower is not None or not new.enabled
    return (old.upper is None and new.upper is not None) or (old.lower is None and new.lower is not None)


def setting(limit: Limit | None) -> Setting:
    return None if limit is None else {"enabled": limit.enabled, "lower": limit.lower, "upper": limit.upper}
