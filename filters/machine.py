"""What the kernels compute between readings and time: comparisons with deadband and delays.

A *comparison* is a tag against one number. Alarms are made of them, and so is what the interlock witness
sees. One moves through four phases:

    NORMAL --met--> RISING --on-delay over--> ACTIVE --released--> FALLING --off-delay over--> NORMAL
             RISING --not met--> NORMAL                   FALLING --met again--> ACTIVE

* `value`, the despiked number, moves it; while ACTIVE or FALLING the release takes the limit's place.
* A delay ends at an exact instant, between scans if need be, on what the newest sample showed. One that ends
  when the next scan is due (from a quarter of a period before, for scans are never quite on time) waits for
  that scan, a period at most: with a delay of one period, one sample alone must not raise an alarm.
* A Bad input neither confirms nor withdraws anything: RISING is held (its delay goes on, but ends only with a
  usable sample), FALLING too (its delay stands still meanwhile), ACTIVE stays. So what cannot be read may
  hasten an alarm and never its end. Only the test IS_BAD judges the quality itself.
* An alarm that was active before a restart ends no earlier than when its filters, which begin anew, have seen
  as much as they remember (`anew_ns`, from the first usable sample on).
* A virtual tag (`filters.series`) is computed anew whenever a scan group that it rests on was scanned or has
  become stale, and then looked at; while no scan comes, once in every period. It shows what it shows since
  its oldest sample, and no longer than that.
* Beside that, the *raw* samples date an excursion: `onset_ns` is the first sample that met the limit, before
  median and on-delay, `before_ns` the last one before that did not; the truth lies between the two. After
  a spike that the median took out, the onset is forgotten when the spike has left the window. What no raw
  sample shows, because it is smoothing alone that meets the limit, begins with the look that shows it.

As `filters.arithmetic`, this is plain Python that `filters.kernels` compiles.
"""

from __future__ import annotations

import math
from typing import Final

from config.vocabulary import FLAGS_MASK, Reason, bad
from filters.layout import NEVER, Float64s, Int64s, Row, Table, Uint32s
from filters.series.operations import derive_group

NORMAL: Final = 0
RISING: Final = 1
ACTIVE: Final = 2
FALLING: Final = 3

AT_LEAST: Final = 1
AT_MOST: Final = 2
ABOVE: Final = 3
BELOW: Final = 4
EQUAL: Final = 5
IS_BAD: Final = 6

CLEARED: Final = 0
RAISED: Final = 1
WENT_BAD: Final = 2
CAME_BACK: Final = 3

BAD_FLOOR: Final = bad(Reason.NONE)
STALE: Final = bad(Reason.STALE)


def meets(test: int, number: float, limit: float) -> bool:
    """Tell whether a number meets a limit; NaN meets none."""
    if test == AT_LEAST:
        return number >= limit
    if test == AT_MOST:
        return number <= limit
    if test == ABOVE:
        return number > limit
    if test == BELOW:
        return number < limit
    return number == limit


def note(moves: Int64s, count: int, row: int, move: int, at_ns: int, state: Row) -> int:
    """Write one move down (`filters.judge.Move`) and return how many there are."""
    moves[count, 0] = row
    moves[count, 1] = move
    moves[count, 2] = at_ns
    moves[count, 3] = state["rose_onset_ns"]
    moves[count, 4] = state["rose_before_ns"]
    return count + 1


def wakes_ns(group: Row, state: Row) -> int:
    """Return the instant from which a running delay that has ended takes effect; NEVER where none runs."""
    ends_ns: int = state["due_ns"]
    if ends_ns == NEVER or ends_ns < group["expected_ns"]:
        return ends_ns
    return ends_ns + int(group["period_ns"])


def expire(group: Row, state: Row, row: int, until_ns: int, moves: Int64s, count: int) -> int:
    """Let a delay that need not wait beyond `until_ns` take effect at the instant at which it ended."""
    if wakes_ns(group, state) > until_ns:
        return count
    ends_ns = state["due_ns"]
    state["due_ns"] = NEVER
    if state["phase"] == RISING:
        state["phase"] = ACTIVE
        state["rose_ns"] = state["run_ns"]
        state["rose_onset_ns"] = state["onset_ns"]
        state["rose_before_ns"] = state["before_ns"]
        state["started_ns"] = ends_ns
        return note(moves, count, row, RAISED, ends_ns, state)
    state["phase"] = NORMAL
    state["fell_ns"] = state["started_ns"]
    state["fell_before_ns"] = min(state["met_ns"], state["started_ns"])
    state["onset_ns"] = NEVER
    return note(moves, count, row, CLEARED, ends_ns, state)


def date(state: Row, met: bool, at_ns: int, known_ns: int) -> None:
    """Keep the dates of an excursion from one raw sample, which shows what was so at `known_ns`."""
    if not met:
        state["quiet"] += 1
        state["quiet_ns"] = known_ns
        return
    state["met_ns"] = known_ns
    if state["onset_ns"] == NEVER:
        state["onset_ns"] = at_ns
        state["before_ns"] = state["quiet_ns"]
        state["run_ns"] = at_ns
    elif state["quiet"] > 0:
        state["run_ns"] = at_ns
    state["quiet"] = 0


def date_unseen(state: Row, at_ns: int, before_ns: int) -> None:
    """Let what no raw sample has shown begin now; at `before_ns` it was not so yet."""
    state["onset_ns"] = at_ns
    state["before_ns"] = before_ns
    state["run_ns"] = at_ns


def step(rule: Row, state: Row, met: bool, at_ns: int) -> None:
    """Move to the next phase, or begin the delay towards it; `expire` does the rest."""
    if state["phase"] == NORMAL and met:
        state["phase"] = RISING
        state["started_ns"] = at_ns
        state["due_ns"] = at_ns + rule["on_delay_ns"]
    elif state["phase"] == RISING and not met:
        state["phase"] = NORMAL
        state["due_ns"] = NEVER
    elif state["phase"] == RISING and state["due_ns"] == NEVER:
        state["due_ns"] = max(state["started_ns"] + rule["on_delay_ns"], at_ns)
    elif state["phase"] == ACTIVE and not met:
        state["phase"] = FALLING
        state["started_ns"] = max(state["started_ns"], at_ns)
        state["due_ns"] = state["started_ns"] + rule["off_delay_ns"]
    elif state["phase"] == FALLING and met:
        state["phase"] = ACTIVE
        state["due_ns"] = NEVER
    elif state["phase"] == FALLING and state["due_ns"] == NEVER:
        state["due_ns"] = at_ns + state["left_ns"]
    if state["phase"] == NORMAL and state["quiet"] >= rule["window"]:
        state["onset_ns"] = NEVER


def hold(state: Row, at_ns: int) -> None:
    """Stop what a Bad input must not decide."""
    if state["phase"] == FALLING and state["due_ns"] != NEVER:
        state["left_ns"] = max(state["due_ns"] - at_ns, 0)
    state["due_ns"] = NEVER


def begin_anew(state: Row, at_ns: int) -> None:
    """Let an alarm of before a restart end no earlier than when its filters remember as much again."""
    state["started_ns"] = max(state["started_ns"], at_ns + state["anew_ns"])
    state["anew_ns"] = 0


def look(rule: Row, state: Row, scaled: float, value: float, bad: bool, at_ns: int, known_ns: int) -> None:
    """Take one sample, or what rests on samples since `known_ns`, into one comparison."""
    if rule["test"] == IS_BAD:
        date(state, bad, at_ns, at_ns)
        step(rule, state, bad, at_ns)
    elif bad:
        hold(state, at_ns)
    else:
        if state["anew_ns"] != 0:
            begin_anew(state, at_ns)
        limit = rule["limit"] if state["phase"] < ACTIVE else rule["release"]
        before_ns = state["quiet_ns"]
        date(state, meets(rule["test"], scaled, rule["limit"]), at_ns, known_ns)
        step(rule, state, meets(rule["test"], value, limit), at_ns)
        if state["phase"] == RISING and state["onset_ns"] == NEVER:
            date_unseen(state, at_ns, before_ns)


def look_all(
    group: Row,
    rules: Table,
    states: Table,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    at_ns: int,
    moves: Int64s,
    count: int,
) -> int:
    """Take one sample into every comparison of a group. Delays that did not wait for it have taken effect."""
    for row in range(group["first_comparison"], group["end_comparison"]):
        rule = rules[row]
        state = states[row]
        tag = rule["tag"]
        is_bad = int(quality[tag]) >= BAD_FLOOR
        look(rule, state, float(scaled[tag]), float(value[tag]), is_bad, at_ns, int(boot_ns[tag]))
        if rule["watched"] and is_bad != state["blind"]:
            count = note(moves, count, row, WENT_BAD if is_bad else CAME_BACK, at_ns, state)
        state["blind"] = is_bad
    return count


def expire_all(group: Row, states: Table, now_ns: int, moves: Int64s, count: int) -> int:
    """Let every delay of a group that has ended take effect, and find when the next one ends."""
    due_ns = NEVER
    for row in range(group["first_comparison"], group["end_comparison"]):
        count = expire(group, states[row], row, now_ns, moves, count)
        due_ns = min(due_ns, wakes_ns(group, states[row]))
    group["due_ns"] = due_ns
    return count


def age(group: Row, scaled: Float64s, value: Float64s, quality: Uint32s, since_boot_ns: Int64s) -> None:
    """Make what is not Bad already Bad for being stale; flags are kept. No scan is expected any more."""
    stale_at_ns = group["stale_at_ns"]
    group["stale_at_ns"] = NEVER
    group["expected_ns"] = NEVER
    for tag in range(group["first_tag"], group["end_tag"]):
        if quality[tag] < BAD_FLOOR:
            quality[tag] = STALE | (quality[tag] & FLAGS_MASK)
            since_boot_ns[tag] = stale_at_ns
            scaled[tag] = math.nan
            value[tag] = math.nan


def take_in(
    groups: Table,
    number: int,
    rules: Table,
    states: Table,
    renewals: Int64s,
    steps: Table,
    ring: Float64s,
    ring_ns: Int64s,
    raw: Float64s,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    since_boot_ns: Int64s,
    scan_ns: int,
    moves: Int64s,
    count: int,
) -> int:
    """Take a scan group into its comparisons, then the virtual tags that rest on it, computed anew."""
    count = look_all(groups[number], rules, states, scaled, value, quality, boot_ns, scan_ns, moves, count)
    for place in range(groups[number]["first_renewal"], groups[number]["end_renewal"]):
        group = groups[renewals[place]]
        at_ns = max(scan_ns, group["sample_ns"])
        count = expire_all(group, states, at_ns, moves, count)
        derive_group(group, steps, ring, ring_ns, raw, scaled, value, quality, boot_ns, since_boot_ns, at_ns)
        group["sample_ns"] = at_ns
        group["expected_ns"] = at_ns + group["period_ns"] - group["period_ns"] // 4
        group["due_ns"] = at_ns
        count = look_all(group, rules, states, scaled, value, quality, boot_ns, at_ns, moves, count)
    return count


def judge_groups(
    groups: Table,
    rules: Table,
    states: Table,
    renewals: Int64s,
    steps: Table,
    ring: Float64s,
    ring_ns: Int64s,
    raw: Float64s,
    scaled: Float64s,
    value: Float64s,
    quality: Uint32s,
    boot_ns: Int64s,
    since_boot_ns: Int64s,
    moves: Int64s,
    now_ns: int,
) -> tuple[int, int]:
    """Bring every comparison up to `now_ns` and return the number of moves and the next instant that is due.

    Looks only at groups that were scanned, have become stale, or have a delay that ended. What was due when a
    scan began must have been judged before that scan was conditioned. Virtual groups lie behind the others.
    `moves` is int64[k, 5], with room for `MOVES_PER_COMPARISON` of each rule.
    """
    count = 0
    next_ns = NEVER
    for number in range(len(groups)):
        group = groups[number]
        if group["touched"]:
            group["touched"] = 0
            group["due_ns"] = now_ns
            count = take_in(
                groups, number, rules, states, renewals, steps, ring, ring_ns,
                raw, scaled, value, quality, boot_ns, since_boot_ns, group["sample_ns"], moves, count,
            )  # fmt: skip
        if group["stale_at_ns"] <= now_ns:
            at_ns = group["stale_at_ns"]
            count = expire_all(group, states, at_ns, moves, count)
            age(group, scaled, value, quality, since_boot_ns)
            if group["first_renewal"] < group["end_renewal"]:
                group["stale_at_ns"] = now_ns + group["period_ns"]
            group["due_ns"] = now_ns
            count = take_in(
                groups, number, rules, states, renewals, steps, ring, ring_ns,
                raw, scaled, value, quality, boot_ns, since_boot_ns, at_ns, moves, count,
            )  # fmt: skip
        if group["due_ns"] <= now_ns:
            count = expire_all(group, states, now_ns, moves, count)
        next_ns = min(next_ns, group["due_ns"], group["stale_at_ns"])
    return count, next_ns
