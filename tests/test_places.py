"""Places: sensor -> monitor -> bed -> units, as they were then."""

from __future__ import annotations

from hubapp import facts as f
from hubapp.findings import Finding
from tests.timeline import Timeline, bed, device, encounter, placed, raised, seen, session, unit


def found(line: Timeline) -> Finding:
    return line.findings("episodes")[0]


def house() -> Timeline:
    return Timeline().at("-9:00", unit("ICU", "B1"), unit("ER", "B2", "B1"), session())


def test_what_nothing_places_in_a_unit_is_unplaced() -> None:
    assert found(Timeline().at("0:00", raised())).quality == ["unplaced"]
    assert found(house().at("-8:00", placed("B9")).at("0:00", raised())).quality == ["unplaced"]


def test_a_bed_may_be_in_several_units() -> None:
    one = found(house().at("-8:00", placed("B1")).at("0:00", raised()))
    assert (one.bed, one.units, one.quality) == ("B1", ["ER", "ICU"], [])


def test_a_bed_is_shown_by_its_name() -> None:
    assert found(house().at("-8:00", placed("B1"), bed("B1", "Bed 1")).at("0:00", raised())).bed == "Bed 1"


def test_the_place_is_that_of_then() -> None:
    line = house().at("-8:00", placed("B2")).at("0:00", raised()).at("1:00", placed("B1")).at("2:00", unit("ER"))
    assert (found(line).bed, found(line).units) == ("B2", ["ER"])


def test_the_names_of_units_are_those_of_then() -> None:
    line = house().at("-8:00", placed("B2")).at("0:00", raised())
    assert found(line.at("1:00", unit("Emergency", "B2", id="id-ER"))).units == ["ER"]


def test_what_is_learnt_later_counts_where_nothing_was_known() -> None:
    line = Timeline().at("0:00", raised()).at("1:00", placed("B1"))
    assert (found(line).bed, found(line).units) == ("B1", [])
    line.at("2:00", unit("ICU", "B1"), unit("ER", "B2"))
    assert (found(line).units, found(line).quality) == (["ICU"], [])


def test_an_assignment_that_does_not_say_where_keeps_the_last_bed_unsure() -> None:
    line = house().at("-8:00", placed("B2")).at("-1:00", placed(None, "none")).at("-0:59.990", placed(None, "unsure"))
    one = found(line.at("0:00", raised()))
    assert (one.bed, one.units, one.quality) == ("B2", ["ER"], ["place-unsure"])


def test_until_a_record_says_where() -> None:
    line = house().at("-8:00", placed("B2")).at("-1:00", placed(None, "unsure"))
    one = found(line.at("-0:30", encounter("PATIENT_ENCOUNTER_STARTED", serial="M1", bed="B1")).at("0:00", raised()))
    assert (one.bed, one.quality) == ("B1", [])


def test_an_unassigned_monitor_is_nowhere() -> None:
    one = found(house().at("-8:00", placed("B2")).at("-1:00", placed(None, "none")).at("0:00", raised()))
    assert (one.bed, one.units, one.quality) == (None, [], ["unplaced"])


def test_in_a_hub_of_one_unit_every_monitor_is_in_it() -> None:
    line = Timeline().at("-9:00", unit("ICU"), session()).at("0:00", raised())
    assert found(line).units == ["ICU"]
    assert found(line.at("1:00", unit("ER"))).units == []
    assert found(line.at("2:00", unit("ER", deleted=True))).units == ["ICU"]


def test_a_deleted_bed_is_in_no_unit() -> None:
    line = house().at("-8:00", placed("B2")).at("-7:00", bed("B2", deleted=True)).at("0:00", raised())
    assert found(line).units == []


def test_a_sensor_is_on_the_monitor_at_which_it_was_seen_last() -> None:
    line = Timeline().at("-9:00", seen("S1", monitor="M2")).at("-8:00", seen("S1", monitor="M1"))
    assert found(line.at("0:00", raised(monitor=None))).monitor == "M1"


def test_the_platform_links_a_sensor_to_its_monitor_by_id_in_either_order() -> None:
    sensor, monitor = device("S1", device_id="d1", gateway_id="g1"), device("M1", device_id="g1")
    assert found(Timeline().at("-2:00", sensor).at("-1:00", monitor).at("0:00", raised(monitor=None))).monitor == "m1"
    assert found(Timeline().at("-2:00", monitor).at("-1:00", sensor).at("0:00", raised(monitor=None))).monitor == "m1"


def test_without_a_link_it_is_its_patients_monitor() -> None:
    line = Timeline().at("-9:00", session(monitor="M2")).at("0:00", raised(monitor=None))
    assert found(line).monitor == "M2"


def test_an_alarm_of_the_monitor_itself_needs_no_link() -> None:
    line = Timeline().at("0:00", raised(device="M1", device_code="Patient Monitor", monitor=None))
    assert found(line).monitor == "m1"


def test_the_monitor_is_shown_as_a_record_wrote_it() -> None:
    line = Timeline().at("-9:00", seen("S1", monitor="Mon-1")).at("0:00", raised(monitor=None))
    assert found(line).monitor == "Mon-1"
    assert isinstance(line.facts[0], f.MonitorSeen)
