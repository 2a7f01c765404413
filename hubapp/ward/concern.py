"""Which alarms a fact of the house concerns, and whether it says how they are shown."""

from __future__ import annotations

from hubapp.facts import AccountFact, AnyFact, BedPlaced, EncounterChanged, MonitorPlaced, SessionClosed, SourceGap, fold
from hubapp.rules.house import House
from hubapp.ward.alarms import Alarms
from hubapp.ward.index import Key


def concerned(fact: AnyFact, house: House, is_next: bool, alarms: Alarms) -> tuple[set[Key], bool]:
    """The alarms that *fact* may say something about, and whether it renames them; is_next: *house* is that just before it."""
    if isinstance(fact, BedPlaced | SourceGap):
        return set(alarms), True
    if isinstance(fact, AccountFact):
        if not is_next or links(fact, house):
            return set(alarms), True
        closes = isinstance(fact, SessionClosed)
        return {key for key, r in alarms.items() if r.until >= fact.sent or (closes and r.doubtful)}, False
    places = isinstance(fact, MonitorPlaced | EncounterChanged) and not (is_next and stands(fact, house))
    return alarms.index.named(fact, house), places


def links(fact: AccountFact, house: House) -> bool:
    """Whether it is the first to name an account, or to say that an id and a name are one."""
    written = [fold(name) for name in (fact.account_id, fact.account_name) if name]
    known = not fact.account_id or not fact.account_name or house.accounts.names.get(fold(fact.account_id)) == fact.account_name
    return not known or not house.accounts.seen.issuperset(written)


def stands(fact: MonitorPlaced | EncounterChanged, house: House) -> bool:
    """Whether a monitor is told to be where it is known to be."""
    told = house.places.beds.get(fold(fact.serial or ""))
    unsure = isinstance(fact, MonitorPlaced) and fact.place != "bed"
    return told is not None and not unsure and (fact.bed is None or told[-1][1] == fact.bed)
