"""The people: accounts, shifts, log-ins at stations, and who comes to an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubapp.facts import SECOND, Micros
from hubapp.sim import acts
from hubapp.sim.alarms import Alarm
from hubapp.sim.authentication import Account
from hubapp.sim.beds import Bed
from hubapp.sim.courses import Process, span
from hubapp.sim.forms import uuid_text
from hubapp.sim.presence import LogIn
from hubapp.sim.truth import deadline

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

Json = dict[str, Any]
HOUR: Micros = 3600 * SECOND
SHIFT: Micros = 8 * HOUR
HANDOVER: Micros = 6 * HOUR
"""Shifts begin at 6, 14 and 22 h."""


class Person:
    def __init__(self, account: Account, unit: str, shift: int, station: str) -> None:
        self.account, self.unit, self.shift, self.station = account, unit, shift, station


class Staff:
    def __init__(self, ward: Ward) -> None:
        self.ward, self.random, self.presence = ward, ward.random, ward.presence
        self.shared = Account(uuid_text(ward.random), "clinical", ("clinical",)) if ward.plan.auth == "older" else None
        self.people = [person for unit in ward.units for person in self.hired(unit)]
        self.inside: dict[str, Account] = {}
        self.last: Micros = 0

    def hired(self, unit: str) -> list[Person]:
        beds = sum(bed.unit == unit for bed in self.ward.beds)
        short = self.ward.units.index(unit) + 1
        return [
            Person(self.account(f"u{short}s{shift}n{number}"), unit, shift, f"WS-{short}-{number}")
            for shift in range(3)
            for number in range(1, max(1, beds // 4) + 2)
        ]

    def account(self, name: str) -> Account:
        roles = self.random.choice((("clinical",), ("clinical",), ("clinical", "tech"), ("organization",)))
        return self.shared or Account(uuid_text(self.random), name, roles)

    def begin(self) -> None:
        """The accounts are made, then everybody works."""
        for account in dict.fromkeys(person.account for person in self.people):
            self.ward.service.created(self.ward.soon(), account)
        for person in self.people:
            self.ward.start(self.working(person))

    # Shifts

    def on_duty(self, person: Person) -> bool:
        return (self.ward.now - HANDOVER) // SHIFT % 3 == person.shift

    def shift_end(self) -> Micros:
        return SHIFT - (self.ward.now - HANDOVER) % SHIFT

    def working(self, person: Person) -> Process:
        yield span(self.random, 10, 60)
        while True:
            if not self.on_duty(person):
                yield self.shift_end() + span(self.random, 5, 900)
                continue
            self.log_in(person)
            yield from self.serving(person)
            if self.ward.plan.places or self.random.random() < 0.8:
                self.log_out(person)

    def serving(self, person: Person) -> Process:
        """Password checks through the shift, some after failures."""
        while self.on_duty(person):
            yield min(span(self.random, 900, 4800), self.shift_end() + span(self.random, 5, 900))
            if not self.on_duty(person):
                return
            failures = self.random.choices((0, 1, 2, 5), (90, 6, 3, 1))[0]
            for _ in range(failures):
                self.ward.service.failed(self.next(), person.account, self.place(person), log_out=self.random.random() < 0.1)
                yield span(self.random, 2, 15)
            if failures == 5:
                self.ward.service.locked(self.next(), person.account)
                yield span(self.random, 1000, 1500)
            self.log_in(person)

    # Sessions

    def next(self) -> Micros:
        """Log-ins and log-outs of the house come one after the other."""
        self.last = max(self.ward.soon(), self.last + 1000)
        return self.last

    def place(self, person: Person) -> Json | None:
        return {"client": person.station, "location": person.unit} if self.ward.plan.places else None

    def log_in(self, person: Person) -> None:
        sent, account = self.next(), person.account
        self.ward.service.log_in(sent, account, self.place(person))
        self.presence.log_ins.append(
            LogIn(sent, account.id, self.known_name(account), person.unit if self.ward.plan.places else None)
        )
        self.inside[account.id] = account
        self.changed(sent)

    def log_out(self, person: Person) -> None:
        sent = self.next()
        self.ward.service.log_out(sent, person.account, self.place(person))
        if not (self.shared and self.ward.plan.shared_listed):
            self.inside.pop(person.account.id, None)
        self.changed(sent)

    def known_name(self, account: Account) -> str | None:
        return None if self.shared else account.name

    def changed(self, sent: Micros) -> None:
        self.presence.change(sent, [(account.id, self.known_name(account)) for account in self.inside.values()])

    # Coming to an alarm

    def anybody(self, bed: Bed) -> str | None:
        """A user who is logged in, of the bed's unit if there is one."""
        inside = [person for person in self.people if person.account.id in self.inside and person.unit == bed.unit]
        return self.ward.service.user(self.random.choice(inside).account) if inside else None

    def attending(self, bed: Bed, alarm: Alarm, delay: Micros) -> Process:
        yield delay
        while not bed.connected and not alarm.over:
            yield 5 * SECOND
        if alarm.over or alarm.told is None:
            return
        user = self.anybody(bed)
        if user is not None and self.ward.plan.boundaries and self.random.random() < 0.5:
            yield from self.at_the_deadline(bed, alarm, user)
        elif user is not None and self.random.random() < 0.4:
            acts.by_name(self.ward, bed, user)
        else:
            acts.by_hand(self.ward, bed)

    def at_the_deadline(self, bed: Bed, alarm: Alarm, user: str) -> Process:
        """Exactly at it, which is in time."""
        due = deadline(alarm)
        if due - self.ward.now > SECOND:
            yield due - self.ward.now - SECOND // 10
            if not alarm.over and deadline(alarm) == due:
                acts.command(self.ward, bed, user, due)

    def acknowledging(self, bed: Bed, alarm: Alarm) -> Process:
        while not bed.connected and not alarm.over:
            yield 5 * SECOND
        if not alarm.over:
            bed.acknowledged(alarm)

    def rounds(self, bed: Bed) -> Process:
        """What is done at a bed without an alarm as its reason, and reports of an audio that has not changed."""
        while True:
            yield span(self.random, 600, 7200)
            if bed.patient is None or not bed.connected:
                continue
            lot, user = self.random.random(), self.anybody(bed)
            if lot < 0.4:
                self.ward.gateway.configured(bed.stamp(), bed.serial, bed.audio)
            elif lot < 0.7 and user is not None:
                acts.by_name(self.ward, bed, user)
            else:
                acts.by_hand(self.ward, bed)
