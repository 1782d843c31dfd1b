"""Courses, faults and scenarios: what is spelled is what happens, and what cannot happen is said in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulate.course import Moving, Shape, parse_course
from agent.simulate.fault import KINDS, Fault, Kind, parse_fault
from agent.simulate.rudeness import POLITE, Conduct, Manner
from agent.simulate.scenario import Scenario, ScenarioError, Written
from agent.simulate.story import Story
from config.faults import WrongValue
from config.load import load
from config.plant import Plant
from config.tags import ValueType
from config.text import Language
from tests.drivers.contract_suite import plant_of, tag_of

TCP = {"type": "modbus-tcp", "host": "127.0.0.1", "timeout": "1s"}
RTU = {"type": "modbus-rtu", "port": "/dev/ttyS9", "timeout": "1s", "settle": "200ms"}
OPCUA = {"type": "opcua", "url": "opc.tcp://127.0.0.1:4840"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell"


def plant_on(link: dict[str, object]) -> Plant:
    return plant_of(link, [tag_of("p", "hr:0", ValueType.FLOAT32), tag_of("n", "hr:2")])


class Played:
    """A story whose time is set by hand."""

    def __init__(self, plant: Plant, *, values: Sequence[str] = (), faults: Sequence[str] = ()) -> None:
        written = Written()
        written.add_options(values, faults)
        self.now_s = 0.0
        self.plant = plant
        self.story = Story(plant, written.bound_to(plant), lambda: self.now_s)

    def raw(self, name: str) -> float:
        return self.story.raw(self.plant.tags[self.plant.number_of[name]])

    def conduct(self, *asked: str) -> Conduct:
        return self.story.conduct("plc", [tag for tag in self.plant.tags if tag.tag in asked])


def scenario_from(path: Path) -> Scenario:
    written = Written()
    written.add_file(path)
    return written.bound_to(plant_on(TCP))


def refusal(
    plant: Plant, *, values: Sequence[str] = (), faults: Sequence[str] = (), language: Language = "en"
) -> str:
    with pytest.raises(ScenarioError) as failure:
        Played(plant, values=values, faults=faults)
    return failure.value.show(language)


@given(
    shape=st.sampled_from(Shape),
    low=st.floats(-1e6, 1e6),
    span=st.floats(0, 1e6),
    seconds=st.floats(0, 1e7),
    period_s=st.floats(0.1, 1e5),
)
def test_no_course_leaves_its_bounds(
    shape: Shape, low: float, span: float, seconds: float, period_s: float
) -> None:
    course = Moving(shape=shape, low=low, high=low + span, period_s=period_s, seed="x")
    assert low - 1e-6 <= course(seconds) <= low + span + 1e-6


@pytest.mark.parametrize(
    ("spelling", "values"),
    [
        ("7", [7, 7, 7]),
        ("true", [True, True, True]),
        ("ramp:0..10,period=10s", [0, 2.5, 9]),
        ("square:0..1,period=10s", [0, 0, 1]),
        ("step:1..5,period=3s", [1, 1, 5]),
    ],
)
def test_a_course_is_what_is_spelled(spelling: str, values: list[float]) -> None:
    course = parse_course(spelling, "seed")
    assert [course(seconds) for seconds in (0, 2.5, 9)] == values


def test_a_walk_is_smooth_and_depends_on_its_seed_alone() -> None:
    one, same, other = (parse_course("walk:0..1,period=10s", seed) for seed in ("a", "a", "b"))
    path = [one(at / 10) for at in range(1000)]
    assert path == [same(at / 10) for at in range(1000)]
    assert path != [other(at / 10) for at in range(1000)]
    assert max(abs(after - before) for before, after in pairwise(path)) < 0.02
    assert max(path) - min(path) > 0.5


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_can_be_spelled_and_is_described_in_both_languages(kind: Kind) -> None:
    fault = parse_fault(f"{kind}:device=plc,ms=300,rate=0.1,start=10s,duration=1min,code=4")
    assert fault == Fault(kind=kind, device="plc", pause_s=0.3, rate=0.1, start_s=10, duration_s=60, code=4)
    assert KINDS[kind].show("zh") != KINDS[kind].show("en")


@pytest.mark.parametrize(
    ("spelling", "said"),
    [
        ("lat:device=plc", 'fault "lat" is unknown; did you mean "late"?'),
        ("late:device", '"device" is unknown here; write device, link, tag, start'),
        ("late:speed=3", '"speed=3" is unknown here'),
        ("late:rate=2", 'rate "2" is not a number from 0 to 1'),
        ("late:ms=soon", 'ms "soon" is not a number'),
        ("late:start=5", 'duration "5" has no unit; write for example 5s'),
        ("late:device=plc,link=wire", "name a tag, a device or a link"),
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_in_words(spelling: str, said: str) -> None:
    with pytest.raises(WrongValue) as failure:
        parse_fault(spelling)
    assert said in failure.value.words.show()
    assert failure.value.words.show("zh") != failure.value.words.show()


@pytest.mark.parametrize(
    ("link", "fault", "said"),
    [
        (TCP, "crc", "crc cannot happen there: only serial buses have checksums"),
        (TCP, "nan:tag=n", "nan cannot happen there: only floats can be no number"),
        (OPCUA, "doubled", "doubled cannot happen there: only Modbus answers can be so"),
        (OPCUA, "silence:tag=p", "an OPC UA server answers for all its devices together; name the link"),
        (TCP, "late:device=plx", 'device "plx" is unknown; known are plc'),
        (TCP, "late:link=other", 'link "other" is unknown; known are wire'),
        (TCP, "late:tag=q", 'tag "q" is unknown'),
    ],
)
def test_a_fault_that_cannot_happen_in_the_plant_is_refused(
    link: dict[str, object], fault: str, said: str
) -> None:
    assert said in refusal(plant_on(link), faults=[fault])


def test_everything_that_is_wrong_is_said_at_once_in_either_language() -> None:
    wrong = {"values": ["p=sine:1", "q=3", "n=sinus:0..1"], "faults": ["crc", "lat"]}
    english, chinese = (refusal(plant_on(TCP), **wrong, language=each) for each in ("en", "zh"))
    assert len(english.splitlines()) == len(chinese.splitlines()) == 5
    assert all(here != there for here, there in zip(english.splitlines(), chinese.splitlines(), strict=True))


def test_a_scenario_file_says_the_same_as_the_options(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("seed: 7\nvalues:\n  p: sine:0.2..0.3,period=30s\n  n: 5\nfaults:\n  - late:rate=0.1\n")
    from_file, from_options = Written(), Written(seed=7)
    from_file.add_file(path)
    from_options.add_options(["p=sine:0.2..0.3,period=30s", "n=5"], ["late:rate=0.1"])
    plant = plant_on(TCP)
    assert from_file.bound_to(plant) == from_options.bound_to(plant)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("valeus: {}\n", ':1:1: key "valeus" is unknown'),
        ("values: {q: 5}\n", ':1:13: tag "q" is unknown'),
        ("faults:\n  - lat\n", ':2:5: fault "lat" is unknown'),
        ("faults: late\n", ":1:9: a seed is a whole number, and faults are a list of lines"),
        ("values: {p: [}\n", ":1:"),
    ],
)
def test_what_is_wrong_in_a_scenario_file_is_told_with_its_place(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(content)
    with pytest.raises(ScenarioError) as failure:
        scenario_from(path)
    assert f"{path}{said}" in str(failure.value)


def test_everything_that_is_wrong_in_a_file_and_beside_it_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("seed: x\nvaleus: {}\nvalues: {q: 5, p: ~}\nfaults: [lat, late]\n")
    written = Written()
    written.add_file(path)
    written.add_options(["z=1"], ["crc"])
    with pytest.raises(ScenarioError) as failure:
        written.bound_to(plant_on(TCP))
    places = [where for where, _ in failure.value.faults]
    assert len(places) == len(set(places))
    assert sorted(places) == sorted(
        [*(f"{path}:{at}" for at in ("1:7", "2:1", "3:13", "3:16", "4:10")), "--value z=1", "--fault crc"]
    )


def test_values_that_are_no_lines_are_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("values: [p, 5]\n")
    with pytest.raises(ScenarioError, match=r":1:9: values are lines of a tag and its course"):
        scenario_from(path)


def test_a_fault_begins_and_ends_when_it_is_told() -> None:
    played = Played(plant_on(TCP), faults=["silence:start=10s,duration=5s"])
    silent = []
    for played.now_s in (9.9, 10, 14.9, 15):
        silent.append(played.conduct("p").manner is Manner.SILENT)
    assert silent == [False, True, True, False]


def test_a_fault_strikes_at_its_rate() -> None:
    played = Played(plant_on(TCP), faults=["late:rate=0.1"])
    late = sum(played.conduct("p").manner is Manner.LATE for _ in range(5000))
    assert 400 < late < 600


def test_a_device_refuses_at_its_rate_however_many_tags_are_asked_for() -> None:
    played = Played(plant_on(TCP), faults=["exception:device=plc,rate=0.1"])
    refused = sum(played.story.refusal(played.plant.tags * 50) is not None for _ in range(5000))
    assert 400 < refused < 600


def test_a_fault_of_one_tag_strikes_only_questions_for_it() -> None:
    played = Played(plant_on(TCP), faults=["silence:tag=p"])
    assert played.conduct("n") == POLITE
    assert played.conduct("n", "p").manner is Manner.SILENT


def test_a_late_answer_is_later_than_anybody_waits() -> None:
    assert Played(plant_on(TCP), faults=["late"]).conduct().pause_s > 1
    pause_s = Played(plant_on(RTU), faults=["late"]).conduct().pause_s
    assert 1 < pause_s + 0.02 < 1.2  # a unit thinks 20 ms before
    assert Played(plant_on(RTU), faults=["late:ms=70"]).conduct().pause_s == 0.07


def test_values_are_not_a_number_or_stand_still_while_the_fault_lasts() -> None:
    played = Played(
        plant_on(TCP),
        values=["p=ramp:0..100,period=100s", "n=ramp:0..100,period=100s"],
        faults=["nan:tag=p,start=2s,duration=1s", "stuck:tag=n,start=2s,duration=2s"],
    )
    found = []
    for played.now_s in (1, 2, 3, 4):
        found.append((played.raw("p"), played.raw("n")))
    assert [pair[1] for pair in found] == [1, 2, 2, 4]
    assert [math.isnan(pair[0]) for pair in found] == [False, True, False, False]


def test_a_device_that_restarts_is_away_and_begins_anew() -> None:
    played = Played(
        plant_on(TCP), values=["n=ramp:0..100,period=100s"], faults=["restart:start=10s,duration=5s"]
    )
    found = []
    for played.now_s in (9, 12, 16):
        found.append((played.story.is_away("plc"), played.raw("n")))
    assert found == [(False, 9), (True, 12), (False, 1)]


def test_a_value_is_given_in_engineering_units() -> None:
    scaled = tag_of("t", "hr:0", ValueType.INT16, scale=0.1, offset=-20)
    assert Played(plant_of(TCP, [scaled]), values=["t=25"]).raw("t") == 450


def test_an_ordinary_day_of_the_example_stays_within_all_limits() -> None:
    plant = load(EXAMPLE)
    scenario = Written(seed=3).bound_to(plant)
    for tag in plant.tags:
        course = scenario.courses[tag.tag]
        values = [course(float(at)) for at in range(200)]
        low = max((limit for name, limit in tag.limits.items() if name in ("LL", "L")), default=-math.inf)
        high = min((limit for name, limit in tag.limits.items() if name in ("H", "HH")), default=math.inf)
        assert low < min(values) <= max(values) < high, tag.tag
        if tag.range_low is not None and tag.range_high is not None:
            assert tag.range_low <= min(values) <= max(values) <= tag.range_high
    rest = {"casting_active": 1, "quick_cut_closed": 0, "emerg_drain_open": 0, "mould_water_bypass": 0}
    assert {name: scenario.courses[name](5.0) for name in rest} == rest


def test_a_scenario_with_the_same_seed_is_the_same_scenario() -> None:
    plant = load(EXAMPLE)
    assert Written(seed=3).bound_to(plant) == Written(seed=3).bound_to(plant)
    assert Written(seed=3).bound_to(plant) != Written(seed=4).bound_to(plant)
    assert isinstance(Written().bound_to(plant), Scenario)
