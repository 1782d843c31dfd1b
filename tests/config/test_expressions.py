"""Expressions: what they mean, and where exactly one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.expression.bind import bind
from config.expression.operations import Apply, Bound, Constant, Input, Kind
from config.expression.parse import parse, spelled
from config.expression.tree import ExpressionFault, Name
from config.faults import ConfigError
from config.load import load


@pytest.mark.parametrize("name", ["dp", "caster.dq", "caster-1.dq", "1st", "and", "_", "a.-"])
def test_whatever_a_tag_is_called_an_expression_can_name_it(name: str) -> None:
    assert parse(spelled(name)) == Name(name=name, at=0)
    assert (spelled(name) == name) == (name in ("dp", "caster.dq", "_"))


NAMES: dict[str, Kind | None] = {
    "q_in": Kind.NUMBER,
    "q_out": Kind.NUMBER,
    "dp": Kind.NUMBER,
    "fan_run": Kind.TRUTH,
    "mould-p": Kind.NUMBER,
    "and": Kind.TRUTH,
}


def shown(bound: Bound) -> str:
    """An expression as a call of its operations."""
    if isinstance(bound, Constant):
        return f"{bound.number:g}"
    if isinstance(bound, Input):
        return bound.name
    more = [f"{bound.number:g}"] * bool(bound.number) + [f"{bound.span_ns / 1e9:g}s"] * bool(bound.span_ns)
    return f"{bound.op.name}({', '.join([*map(shown, bound.inputs), *more])})"


def meaning(content: str) -> str:
    bound, faults = bind(parse(content), NAMES)
    assert faults == []
    assert bound is not None
    return shown(bound)


def fault(content: str) -> tuple[int, str]:
    try:
        _, (first, *_) = bind(parse(content), NAMES)
    except ExpressionFault as error:
        first = error
    return first.at, str(first.words)


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("q_in - q_out > 8% * q_in", "ABOVE(SUBTRACT(q_in, q_out), MULTIPLY(0.08, q_in))"),
        ("dp < 100 and fan_run", "AND(BELOW(dp, 100), fan_run)"),
        ("not fan_run or dp >= 1 and fan_run", "OR(NOT(fan_run), AND(AT_LEAST(dp, 1), fan_run))"),
        ("fan_run == 1", "EQUAL(fan_run, 1)"),
        ("0 != fan_run", "UNEQUAL(0, fan_run)"),
        ("q_in - q_out - dp", "SUBTRACT(SUBTRACT(q_in, q_out), dp)"),
        ("-dp / -2 + 1.5e1", "ADD(DIVIDE(NEGATE(dp), -2), 15)"),
        ("dp < 20% * 40 + 1 / 2", "BELOW(dp, 8.5)"),
        ("'mould-p' > .5", "ABOVE(mould-p, 0.5)"),
        ('"and" and true', "AND(and, 1)"),
        ("ewma(dp, 2s)", "EWMA(dp, 2s)"),
        ("rate(dp, 60s, per=1min) >= 5", "AT_LEAST(RATE(dp, 60, 60s), 5)"),
        ("max(dp, 10s)", "MOST_OVER(dp, 10s)"),
        (
            "max(q_in, q_out, dp) - min(q_in, 1)",
            "SUBTRACT(LARGER(LARGER(q_in, q_out), dp), SMALLER(q_in, 1))",
        ),
        ("stuck(dp, 0.5, 10min, while=fan_run)", "STUCK(dp, fan_run, 0.5, 600s)"),
        ("stuck(dp, 0.5, for=10min)", "STUCK(dp, 1, 0.5, 600s)"),
        ("votes(2, dp > 1, fan_run)", "SUSPECTED_VOTES(TALLY(TALLY(ABOVE(dp, 1)), fan_run), 2)"),
        ("count(fan_run, 60s) >= 3", "AT_LEAST(INCREASE(EDGES(fan_run), 60s), 3)"),
        ("age(dp) > 5s or bad(fan_run)", "OR(ABOVE(AGE(dp), 5), IS_BAD(fan_run))"),
        ("increase(q_in, 1h, wraps=65536)", "INCREASE(q_in, 65536, 3600s)"),
    ],
)
def test_an_expression_means_what_it_says(content: str, meant: str) -> None:
    assert meaning(content) == meant


@pytest.mark.parametrize(
    ("content", "at", "words"),
    [
        ("dp < ", 5, "the expression ends here; a value is missing"),
        ("dp << 5", 4, '"<" does not fit here'),
        ("(dp > 1", 7, '")" is missing at the end'),
        ("dp = 5", 3, '"=" is not known here; write "=="'),
        ("dp > 1 && fan_run", 7, '"&&" is not known here; write "and"'),
        ("1 < dp < 5", 7, 'one comparison follows another; join the two with "and"'),
        ("dp ＞ 5", 3, '"＞" is full-width; write ">"'),
        ("'dp > 5", 0, "the quote that opens here is never closed; close it"),
        ("dp > 5x", 5, '"5x" is neither a number nor a duration'),
        ("dpp > 5", 0, 'tag or series "dpp" is unknown; did you mean "dp"?'),
        ("mould-p > 5", 0, "\"mould\" is unknown; if 'mould-p' is meant, put it in quotes"),
        ("dp and fan_run", 0, "this is a number; compare it with another, for example > 0"),
        ("fan_run + 1", 0, "this is true or false, not a number"),
        ("fan_run > 0", 8, "what is true or false has no order; write == or !="),
        ("dp > 5s", 3, "a number is compared with a duration"),
        ("ewma(dp, 5)", 9, "this is a number, not a duration"),
        ("ewma(dp)", 0, "write ewma(x, window)"),
        ("ewma(dp, 2s, 3s)", 13, "write ewma(x, window)"),
        ("stuck(dp, -1, 5s)", 10, '"eps" is at least 0'),
        ("stuck(dp, 1, 5s, whil=fan_run)", 17, 'argument "whil" is unknown; did you mean "while"?'),
        ("stuck(dp, 1, 5s, while=dp)", 23, "this is a number; compare it with another"),
        ("ewma(dp, age(dp))", 9, '"window" must be a plain figure; nothing can vary here'),
        ("emwa(dp, 2s)", 0, 'function "emwa" is unknown; did you mean "ewma"?'),
        ("(" * 50 + "dp" + ")" * 50, 40, "this is nested too deeply"),
        ("dp" + " + dp" * 200, 500, "an expression has at most 200 words"),
        ("on_for(fan_run, 1e3s)", 16, '"1e3s" is not a duration'),
        ("1e999 < dp", 0, "1e999 is too large a number"),
        ("votes(3, dp > 1, fan_run)", 6, '"m" is a whole number from 1 to 2'),
        ("votes(1.5, dp > 1, fan_run)", 6, '"m" is a whole number from 1 to 2'),
        ("proven_votes(m=4, dp > 1, fan_run, fan_run)", 13, '"m" is given twice'),
        ("proven_votes(4, dp > 1, fan_run, fan_run)", 13, '"m" is a whole number from 1 to 3'),
    ],
)
def test_a_fault_is_told_where_it_stands(content: str, at: int, words: str) -> None:
    found_at, found = fault(content)
    assert (found_at, found.startswith(words)) == (at, True), found


LETTERS = st.sampled_from(
    ["dp", "fan_run", "ewma(", "votes(", "and", "not", "<", "=", "-", "/", "0", "2s", "5%"]
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40), st.lists(st.one_of(LETTERS, st.text("1.e9s%()',+ ", max_size=4))).map(" ".join)
    )
)
def test_whatever_is_written_has_a_meaning_or_a_fault_with_a_place_inside(content: str) -> None:
    try:
        bound, faults = bind(parse(content), NAMES)
    except ExpressionFault as fault:
        bound, faults = None, [fault]
    assert (bound is None) == bool(faults)
    assert all(0 <= fault.at <= len(content) for fault in faults)
    assert all(fault.words.show("zh") != fault.words.show("en") for fault in faults)


PLANT = """\
fengsui: 1
gateway: {enterprise: e, name: g}
scan_classes: {fast: {period: 100ms}}
links: {l: {type: modbus-tcp, host: h}}
devices: {plc: {link: l}}
points: [points.csv]
rules:
"""


def faults_of(folder: Path, rules: str) -> list[str]:
    (folder / "plant.yaml").write_text(PLANT + rules, encoding="utf-8")
    (folder / "points.csv").write_text(
        "tag,device,scan_class,address,type,h\na,plc,fast,hr:0,,5\nrun,plc,fast,co:0,,\n", encoding="utf-8"
    )
    try:
        load(folder / "plant.yaml")
    except ConfigError as error:
        return [line.rpartition("/")[2] for line in error.show().splitlines()[:-1]]
    return []


def test_the_place_inside_the_yaml_is_exact_whatever_the_quotes(tmp_path: Path) -> None:
    rules = """\
  series:
    plain: {value: a + b}
    quoted: {value: "a + bb"}
    block:
      value: |
        a +
        bbb
"""
    assert faults_of(tmp_path, rules) == [
        'plant.yaml:9:24: tag or series "b" is unknown; known are a, block, plain, quoted, run',
        'plant.yaml:10:26: tag or series "bb" is unknown; known are a, block, plain, quoted, run',
        'plant.yaml:14:9: tag or series "bbb" is unknown; known are a, block, plain, quoted, run',
    ]


def test_what_does_not_fit_among_expressions_is_told_all_at_once(tmp_path: Path) -> None:
    rules = """\
  series:
    a: {value: run}
    round: {value: about + 1}
    about: {value: round - 1}
    constant: {value: 1 + 1}
    partly: {value: "a + abs(2)"}
    long: {value: "avg(a, 2h)"}
    lasting: {value: age(a)}
    hasty: {value: "rate(a, 150ms)"}
    steady: {value: "rate(a, 200ms)"}
  alarms:
    a.H: {when: a > 1}
    high: {when: a > 2}
    high.bad: {when: a > 3}
    number: {when: a + 1}
"""
    assert faults_of(tmp_path, rules) == [
        'plant.yaml:9:5: "a" is the name of something else already; choose another',
        'plant.yaml:10:20: "round" rests on itself: round -> about -> round',
        "plant.yaml:12:23: a part of this names no tag, so it never changes; write the figure",
        "plant.yaml:13:22: a part of this names no tag, so it never changes; write the figure",
        "plant.yaml:14:20: a window of 2h at a scan every 100ms holds 72003 samples; at most 36000 are kept: "
        "shorten it, or take tags of a slower scan class",
        "plant.yaml:15:22: a series is a number or true or false; compare this duration",
        "plant.yaml:16:21: a rate over 150ms would often have no scan to begin with; write 200ms or more",
        'plant.yaml:19:5: "a.H" is the name of something else already; choose another',
        'plant.yaml:21:5: "high.bad" is the name of something else already; choose another',
        "plant.yaml:22:20: this is a number; compare it with another, for example > 0",
    ]


def test_a_condition_of_an_interlock_is_a_tag_or_an_expression_and_not_both(tmp_path: Path) -> None:
    rules = """\
  series: {twice: {value: a * 2}}
  interlocks:
    - name: one
      armed_when: {when: run or b}
      cause: {tag: twice, limit: HH}
      effects: [{tag: a, when: a > 5, within: 3s}, {above: 3, within: 3s}]
"""
    assert faults_of(tmp_path, rules) == [
        'plant.yaml:11:33: tag or series "b" is unknown; known are a, run, twice',
        'plant.yaml:12:34: "twice" is a series, which has no limits; write above or below',
        'plant.yaml:13:18: "when" says all of the condition; take "tag" away',
        'plant.yaml:13:52: this names neither a "tag" nor an expression ("when")',
    ]


def test_what_an_expression_names_in_vain_is_told_once(tmp_path: Path) -> None:
    rules = """\
  series:
    wrong: {value: a +}
    rests: {value: wrong + 1}
"""
    found = faults_of(tmp_path, rules)
    assert [line[:15] for line in found] == ["plant.yaml:9:23"]


def test_series_are_numbered_by_what_they_rest_on_and_behind_it(tmp_path: Path) -> None:
    rules = """\
  series:
    second: {value: first + 1}
    first: {value: "ewma(a, 2s)", unit: bar}
  interlocks:
    - name: one
      armed_when: {when: run and a > 1}
      cause: {tag: second, above: 8}
      effects: [{tag: run, equals: false, within: 3s}]
"""
    assert faults_of(tmp_path, rules) == []
    plant = load(tmp_path / "plant.yaml")
    assert [tag.tag for tag in plant.signals] == ["a", "run", "first", "one/armed_when", "second"]
    assert plant.interlocks[0].armed_when is not None
    assert plant.interlocks[0].armed_when.tag == "one/armed_when"
    second = plant.virtual("second")
    assert second is not None
    assert (second.delay_ns, second.inputs, second.tag.type.value) == (6 * 10**9, ("a",), "float64")
    assert isinstance(second.bound, Apply)
