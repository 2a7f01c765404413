"""A use of an alarm control as it is remembered: what was changed, by whom, who was authenticated, and why that matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from hubapp.facts import SECOND, CommandRequested, LimitsReported, Micros, MonitorConfigured, Quality, fold
from hubapp.findings import Finding
from hubapp.rules import accounts
from hubapp.rules.accounts import DAY, LATE_LOG_OUT, Accounts, alias_map
from hubapp.rules.controls import Change, Changed, Setting
from hubapp.rules.doubted import Doubted, Suspect, suspects
from hubapp.rules.moments import Order
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.presence import Presence
from hubapp.rules.scene import Scene
from hubapp.rules.sightings import Sighting, sighting
from hubapp.thresholds import ControlThresholds, PresenceThresholds

Why: TypeAlias = Literal["no-session", "nobody", "history-short", "after-lock", "after-failed-log-ins", "accounted"]
Telling: TypeAlias = MonitorConfigured | LimitsReported | CommandRequested
# So long an answer to a command is waited for: its topic is kept no longer.
ANSWER: Micros = 60 * SECOND


class InForce(msgspec.Struct, frozen=True):
    """The thresholds at a use."""

    control: ControlThresholds
    presence: PresenceThresholds


class Use(msgspec.Struct):
    """monitor, patient, account: as written. again: the newest other record of the same use.

    present: who was authenticated; unsure: until when a log-out may still tell of more. short: too little had been read to
    say that nobody was. suspects: the sessions, anybody's, with a log-in in doubt. waits: until when an answer counts.
    """

    subject: str
    change: Change
    condition: str | None
    old: Setting
    new: Setting
    operation: str | None
    account: str | None
    monitor: str | None
    device_id: str | None
    patient: str | None
    copy: Sighting
    present: Presence
    in_force: InForce
    short: bool
    unsure: Micros
    waits: Micros
    request: str | None
    suspects: tuple[Suspect, ...]
    place: Place = NOWHERE
    answer: Sighting | None = None
    again: Sighting | None = None

    @property
    def closes(self) -> Micros:
        return max(self.copy.sent, self.unsure, self.waits)


def use(event: Telling, changed: Changed, scene: Scene, doubts: Iterable[Doubted]) -> Use:
    command = event if isinstance(event, CommandRequested) else None
    operation, account = (command.operation, command.account) if command else (None, None)
    device_id, request = (command.device_id, command.request) if command else (None, None)
    monitor = written(event.monitor, device_id, scene)
    here = scene.house.monitors.get(fold(monitor or ""))
    subject = (monitor or device_id, changed.change, changed.condition or operation, account)
    made = Use(
        subject="\n".join(fold(part or "") for part in subject),
        change=changed.change, condition=changed.condition, old=changed.old, new=changed.new, operation=operation,
        account=account, monitor=monitor, device_id=device_id, patient=here.shown if here else None, copy=sighting(event),
        present=scene.present(event.order), in_force=InForce(scene.thresholds.control, scene.thresholds.presence),
        short=history_short(event.sent, scene), unsure=unsure(event.order, scene.house.accounts),
        waits=event.sent + ANSWER if request else event.sent, request=request,
        suspects=tuple(suspects(doubts, scene.house.accounts, event.order)) if command else (),
    )  # fmt: skip
    placed(made, scene)
    return made


def written(monitor: str | None, device_id: str | None, scene: Scene) -> str | None:
    """The serial of a monitor that is named by serial or by id."""
    return monitor or scene.house.places.serials.get(device_id or "")


def placed(one: Use, scene: Scene) -> str | None:
    """Keep what is known of the monitor and of where it stood; returns its folded serial."""
    one.monitor = written(one.monitor, one.device_id, scene)
    serial = fold(one.monitor) if one.monitor else None
    one.place = scene.placed(serial, one.copy.sent, one.place)
    return serial


def history_short(sent: Micros, scene: Scene) -> bool:
    """Whether a session may have been opened before the first record of a service that was read, and be open still."""
    days = scene.thresholds.presence.days
    return not scene.began or any(sent - began <= days(service) * DAY for service, began in scene.began.items())


def unsure(order: Order, known: Accounts) -> Micros:
    return max((session.until + LATE_LOG_OUT for session in known.sessions if session.doubtful_at(order)), default=order[0])


def why(one: Use, known: Accounts) -> tuple[Why, tuple[Sighting, ...]]:
    """The first that holds, and what it rests on."""
    if one.account is None:
        return ("accounted" if one.present.people else "history-short" if one.short else "nobody"), ()
    if not matched(one, known):
        return "accounted", ()
    account, aliases = key_of(one, known), alias_map(one.in_force.presence)
    here = (name for person in one.present.people for name in (person.account, person.id) if name)
    if account not in {known.key(name, aliases) for name in here}:
        return ("history-short" if one.short else "no-session"), ()
    open_or_not = {doubt.session for doubt in one.present.doubts}
    found = [s.log_in for s in one.suspects if known.key(s.session[0], aliases) == account and s.session not in open_or_not]
    worst = min(found, key=lambda log_in: (log_in.reason != "after-lock", log_in.copy.order), default=None)
    return (worst.reason, (*worst.because, worst.copy)) if worst else ("accounted", ())


def key_of(one: Use, known: Accounts) -> str:
    return known.key(one.account or "", alias_map(one.in_force.presence))


def matched(one: Use, known: Accounts) -> bool:
    """Whether an authentication record ever named the account, by an alias too."""
    aliases = alias_map(one.in_force.presence)
    return key_of(one, known) in {known.key(name, aliases) for name in known.seen}


def finding(one: Use, scene: Scene) -> Finding:
    placed(one, scene)
    one.present = scene.decided(one.present)
    reason, because = why(one, scene.house.accounts)
    return scene.finding(
        "control", one.subject, one.copy.at, one.in_force,
        evidence=(one.copy, one.again, one.answer, *because), place=one.place, monitor=one.monitor, patient=one.patient,
        account=one.account, quality=marks(one, scene.house.accounts),
        body={
            "why": reason,
            "change": one.change,
            "condition": one.condition,
            "old": one.old,
            "new": one.new,
            "present": scene.shown(one.present),
            "operation": one.operation,
        },
    )  # fmt: skip


def marks(one: Use, known: Accounts) -> Iterator[Quality]:
    yield from one.copy.quality
    if one.account is not None and not matched(one, known):
        yield "user-unmatched"
    shared = one.account is not None and accounts.is_shared(known, key_of(one, known), one.in_force.presence)
    if shared or any(person.shared for person in one.present.people):
        yield "shared-account"
