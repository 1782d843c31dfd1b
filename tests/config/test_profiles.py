"""A plant that uses an industry profile says everything that one written out by hand would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.faults import ConfigError
from config.load import load
from config.plant import Plant
from config.profiles.library import names, profile
from config.profiles.models import Mark
from config.vocabulary import Limit

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = """
fengsui: 1
gateway: {enterprise: works, name: gw}
scan_classes:
  quick: {period: 250ms}
  fast: {period: 500ms}
  normal: {period: 1s}
  slow: {period: 5s}
  lazy: {period: 60s}
links: {plc: {type: modbus-tcp, host: 127.0.0.1}}
devices: {plc: {link: plc}}
points: [points.csv]
"""
TABLE = """tag,device,scan_class,address,type,unit,ll
tank_level,plc,normal,hr:0,uint16,mm,
circ_flow,plc,normal,hr:1,uint16,m3/h,7
process_off,plc,normal,di:0,bool,,
"""
CLASSES = {"250ms": "quick", "500ms": "fast", "1s": "normal", "5s": "slow", "60s": "lazy", "": "lazy"}


def plant_of(folder: Path, profiles: str, table: str = TABLE) -> Plant:
    (folder / "plant.yaml").write_text(HEAD + profiles, encoding="utf-8")
    (folder / "points.csv").write_text(table, encoding="utf-8")
    return load(folder)


def faults_of(folder: Path, profiles: str, table: str = TABLE) -> list[str]:
    with pytest.raises(ConfigError) as found:
        plant_of(folder, profiles, table)
    return [fault.show().removeprefix(f"{folder}/") for fault in found.value.faults]


def tag_of(plant: Plant, name: str) -> Any:
    return plant.tags[plant.number_of[name]]


def test_limits_are_ratios_of_the_normal_value_wherever_the_table_says_nothing(tmp_path: Path) -> None:
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_wet, normal: {tank_level: 500, circ_flow: 20}}}\n")
    assert tag_of(plant, "tank_level").limits == {Limit.LL: 300.0, Limit.L: 400.0}
    assert tag_of(plant, "circ_flow").limits == {Limit.LL: 7.0, Limit.L: 16.0}
    level = tag_of(plant, "tank_level")
    assert (level.median, level.on_delay, level.safety, level.alarm_deadband) == (3, 5 * 10**9, True, 10.0)


def test_interlocks_come_with_the_profile(tmp_path: Path) -> None:
    plant = plant_of(
        tmp_path,
        "profiles: {c1: {use: dust_wet, normal: {tank_level: 500, circ_flow: 20}, set: {stop_time: 12s}}}\n",
    )
    found = {interlock.name: interlock for interlock in plant.interlocks}
    assert sorted(found) == ["c1.circ_flow_LL", "c1.tank_level_LL"]
    level = found["c1.tank_level_LL"]
    assert (level.cause.tag, level.cause.limit) == ("tank_level", Limit.LL)
    assert [(effect.tag, effect.equals, effect.within) for effect in level.effects] == [
        ("process_off", 1.0, 12 * 10**9)
    ]


def test_what_cannot_be_armed_is_said_and_is_no_fault(tmp_path: Path) -> None:
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_wet}}\n")
    said = [remark.show().removeprefix(f"{tmp_path}/") for remark in plant.remarks]
    assert (
        "plant.yaml:13:12: c1: the alarm tank_level.LL is not armed: it rests on the normal value of "
        "tank_level, which is not given" in said
    )
    assert "plant.yaml:13:12: rule tank_level_LL of c1 is not armed in full: its cause has no limit" in said
    assert any("h2_HH" in line and "no tag plays the role h2_lel" in line for line in said)
    assert [interlock.name for interlock in plant.interlocks] == ["c1.circ_flow_LL"]


def test_roles_are_found_by_name_by_prefix_or_as_they_are_said(tmp_path: Path) -> None:
    table = TABLE.replace("tank_level", "A-tank_level").replace("circ_flow", "FT 101".replace(" ", "_"))
    plant = plant_of(
        tmp_path,
        "profiles: {c1: {use: dust_wet, prefix: A-, tags: {circ_flow: FT_101, process_off: process_off},"
        " normal: {tank_level: 500, circ_flow: 20}}}\n",
        table,
    )
    assert [interlock.cause.tag for interlock in plant.interlocks] == ["A-tank_level", "FT_101"]


def test_a_rule_that_the_plant_does_not_have_is_left_away_with_its_reason(tmp_path: Path) -> None:
    plant = plant_of(
        tmp_path,
        "profiles: {c1: {use: dust_wet, normal: {tank_level: 500}, without: {circ_flow_LL: dry pump}}}\n",
    )
    assert [interlock.name for interlock in plant.interlocks] == ["c1.tank_level_LL"]


DUST = """tag,device,scan_class,address,type,unit,suppressed_when
fan_run,plc,normal,di:0,bool,,
hopper_temp_1,plc,normal,hr:0,uint16,℃,
isolation_valve_closed,plc,normal,di:1,bool,,
dp,plc,normal,hr:1,uint16,Pa,
wind_speed,plc,slow,hr:2,uint16,m/s,fan_run = 0
fan_current,plc,normal,hr:3,uint16,A,
il_bypass,plc,normal,di:2,bool,,
"""


def test_alarms_of_a_process_that_rests_are_suppressed_unless_the_table_says_otherwise(
    tmp_path: Path,
) -> None:
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_dry, normal: {dp: 1200}}}\n", DUST)
    state = tag_of(plant, "dp").suppressed_when
    assert (state.tag, state.equals) == ("c1.fan_settled", 0.0)
    assert tag_of(plant, "wind_speed").suppressed_when.tag == "fan_run"
    assert tag_of(plant, "hopper_temp_1").suppressed_when is None


def test_where_the_state_of_the_process_is_not_known_that_is_said(tmp_path: Path) -> None:
    table = DUST.replace("fan_run,plc", "fan_runs,plc").replace("fan_run = 0", "")
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_dry, normal: {dp: 1200}}}\n", table)
    said = [remark.show() for remark in plant.remarks]
    assert any("the alarms of dp are told while the process rests, too" in line for line in said)
    assert tag_of(plant, "dp").suppressed_when is None


@pytest.mark.parametrize(
    ("table", "effect"),
    [
        (DUST, {"when": "not fan_run or isolation_valve_closed"}),
        (DUST.replace("isolation_valve_closed", "spare"), {"tag": "fan_run", "equals": 0.0}),
    ],
)
def test_any_of_several_effects_will_do_as_far_as_they_are_seen(
    table: str, effect: dict[str, object], tmp_path: Path
) -> None:
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_dry}}\n", table)
    found = {one.name: one for one in plant.description.rules.interlocks}["c1.hopper_temp_1_HH"]
    (seen,) = (one.model_dump(exclude_defaults=True, exclude={"within"}) for one in found.effects)
    assert seen == effect
    assert found.bypassed_when is not None
    assert found.bypassed_when.tag == "il_bypass"


def test_a_number_that_hangs_on_a_normal_value_leaves_its_rule_unarmed_until_that_is_given(
    tmp_path: Path,
) -> None:
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_dry}}\n", DUST)
    assert "c1.fan_current_low" not in plant.description.rules.alarms
    why = "low_current rests on the normal value of fan_current, which is not given"
    assert any("fan_current_low" in remark.show() and why in remark.show() for remark in plant.remarks)
    rated = "profiles: {c1: {use: dust_dry, normal: {fan_current: 40}}}\n"
    rule = plant_of(tmp_path, rated, DUST).description.rules.alarms["c1.fan_current_low"]
    assert rule.when == "fan_run and fan_current < 8.0"


@pytest.mark.parametrize(
    ("profiles", "fault"),
    [
        (
            "{c1: {use: dust_wett}}",
            'plant.yaml:13:22: profile "dust_wett" is unknown; did you mean "dust_wet"?',
        ),
        ("{c1: {use: dust_wet, tags: {tank: tank_level}}}", 'plant.yaml:13:39: role "tank" is unknown'),
        ("{c1: {use: dust_wet, tags: {tank_level: LT1}}}", 'plant.yaml:13:51: tag "LT1" is unknown'),
        ("{c1: {use: dust_wet, set: {stoptime: 3s}}}", 'plant.yaml:13:38: parameter "stoptime" is unknown'),
        ("{c1: {use: dust_wet, without: {spark: no}}}", 'plant.yaml:13:42: rule "spark" is unknown'),
        (
            "{c1: {use: dust_wet, set: {stop_time: 3s}}}",
            'plant.yaml:13:49: interlock "c1.circ_flow_LL": process_off within 3s is too short',
        ),
        ("{c1: {used: dust_wet}}", 'plant.yaml:13:17: unknown key "used"; did you mean "use"?'),
    ],
)
def test_a_mistake_is_told_where_it_stands(profiles: str, fault: str, tmp_path: Path) -> None:
    assert any(line.startswith(fault) for line in faults_of(tmp_path, f"profiles: {profiles}\n")), fault


def full_table(name: str) -> str:
    """Every role played by a tag of its name, scanned as slowly as the profile allows."""
    lines = ["tag,device,scan_class,address,type,unit"]
    for number, (role, facts) in enumerate(profile(name).roles.items()):
        kind = f"hr:{number},uint16" if facts.unit else f"di:{number},bool"
        lines.append(f"{role},plc,{CLASSES[facts.scan]},{kind},{facts.unit}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", names())
def test_a_plant_that_has_everything_at_the_slowest_allowed_scan_is_sound(name: str, tmp_path: Path) -> None:
    normal = dict.fromkeys(profile(name).roles, 50.0)
    plant = plant_of(tmp_path, f"profiles: {{one: {{use: {name}, normal: {normal}}}}}\n", full_table(name))
    assert [remark.show() for remark in plant.remarks] == []
    assert len(plant.interlocks) == len(profile(name).interlocks)
    assert len(plant.description.rules.alarms) == len(profile(name).alarms)


@pytest.mark.parametrize("name", names())
def test_every_number_says_what_it_rests_on(name: str) -> None:
    """A sourced number names its source: its own basis, or that of the whole profile."""
    found = profile(name)
    numbers = [limit for role in found.roles.values() for limit in role.limits.values()]
    based = [*numbers, *found.parameters.values(), *found.alarms.values(), *found.interlocks.values()]
    assert all(part.basis or found.basis for part in based if part.mark is Mark.SOURCED)
    assert all([number.value, number.ratio, number.distance].count(None) == 2 for number in numbers)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_an_example_is_sound_and_arms_every_rule(name: str) -> None:
    assert [remark.show() for remark in load(EXAMPLES / name).remarks] == []


def test_every_profile_has_an_example() -> None:
    plants = [load(path) for path in EXAMPLES.iterdir()]
    assert {use.use for plant in plants for use in plant.description.profiles.values()} == set(names())


def test_a_period_that_cannot_be_read_is_told_once_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(
        HEAD.replace("1s", "1sec") + "profiles: {c1: {use: dust_wet}}\n", encoding="utf-8"
    )
    (tmp_path / "points.csv").write_text(TABLE, encoding="utf-8")
    with pytest.raises(ConfigError) as found:
        load(tmp_path)
    assert [fault.show() for fault in found.value.faults if "1sec" in fault.show()]


def test_everything_that_is_wrong_in_the_use_of_a_profile_is_told_at_once_and_where_it_stands(
    tmp_path: Path,
) -> None:
    wrong = """profiles:
  d1:
    use: dust_dry
    normal: {dp: 1kPa}
    set:
      close_time: 5
      low_curent: 5
      people: 3s
      trip_time: 10sec
"""
    found = faults_of(tmp_path, wrong, DUST)
    assert [fault.partition(": ")[0] for fault in found] == [
        "plant.yaml:16:18",
        "plant.yaml:18:19",
        "plant.yaml:19:7",
        "plant.yaml:20:15",
        "plant.yaml:21:18",
    ]
    assert found[1] == 'plant.yaml:18:19: close_time: duration "5" has no unit; write for example 5s'
    assert found[3] == 'plant.yaml:20:15: people: "3s" is not a number; write for example 12.5'


def test_a_time_too_short_is_told_at_its_cell_with_the_interlock_and_all_that_it_must_cover(
    tmp_path: Path,
) -> None:
    (fault,) = faults_of(
        tmp_path,
        "profiles:\n  c1:\n    use: dust_wet\n    without: {circ_flow_LL: no flow}\n"
        "    normal: {tank_level: 500}\n    set:\n      stop_time: 3s\n",
    )
    assert fault.startswith(
        'plant.yaml:19:18: interlock "c1.tank_level_LL": process_off within 3s is too short'
    )
    assert "plus twice the cycle of its bus" in fault


def test_a_limit_of_a_profile_that_does_not_fit_does_not_blame_the_point_table(tmp_path: Path) -> None:
    table = TABLE.replace("unit,ll", "unit,ll,range_low,range_high").replace("mm,", "mm,,0,300")
    found = faults_of(tmp_path, "profiles: {c1: {use: dust_wet, normal: {tank_level: 500}}}\n", table)
    assert "plant.yaml:13:53: profile c1, tag tank_level (80 % of normal 500): L 400 is outside" in found[0]


def test_a_tag_in_another_unit_than_its_role_is_refused_where_the_profile_has_numbers_in_that(
    tmp_path: Path,
) -> None:
    use = "profiles: {d1: {use: dust_dry, tags: {hopper_temp_1: t1}}}\n"
    table = "tag,device,scan_class,address,type,unit\nt1,plc,normal,hr:0,uint16,{unit}\n"
    (fault,) = faults_of(tmp_path, use, table.format(unit="F"))
    assert fault.startswith("points.csv:2:27: tag t1 is in F, role hopper_temp_1 of dust_dry in ℃")
    for same in ("℃", "°C", "degC", "C", ""):
        plant_of(tmp_path, use, table.format(unit=same))


def test_what_counts_in_ratios_only_may_be_in_any_unit_and_is_remarked(tmp_path: Path) -> None:
    table = TABLE.replace("uint16,mm", "uint16,cm")
    plant = plant_of(tmp_path, "profiles: {c1: {use: dust_wet, normal: {tank_level: 50}}}\n", table)
    assert any(
        "tag tank_level is in cm, role tank_level of dust_wet in mm" in one.show() for one in plant.remarks
    )
