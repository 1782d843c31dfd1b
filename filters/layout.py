"""How the tables and states that the kernels work on lie in memory.

One row per tag, group or comparison; times are CLOCK_BOOTTIME, and all times and delays nanoseconds. What is
not marked as state is built once from the plant and never written afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]
Bools = NDArray[np.bool_]
Records = NDArray[np.void]

Row = MutableMapping[str, Any]


class Table(Protocol):
    """Rows by number: a numpy array of records for compiled code, a list of dicts for the twins."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> Row: ...
    def __iter__(self) -> Iterator[Row]: ...


NEVER: Final = 2**63 - 1
"""A time that does not come: nothing is due."""

LONG_AGO: Final = -(2**63)
"""A time before everything: it is not known since when."""


def moved(instant_ns: int, by_ns: int) -> int:
    """Return an instant on a clock that reads `by_ns` more; NEVER and LONG_AGO stay what they are."""
    return instant_ns if instant_ns in (NEVER, LONG_AGO) else instant_ns + by_ns


LONGEST_WINDOW: Final = 7

GROUP: Final = np.dtype(
    [
        ("first_tag", np.int64),
        ("end_tag", np.int64),
        ("first_comparison", np.int64),
        ("end_comparison", np.int64),
        ("first_step", np.int64),  # of virtual groups: what computes their tags
        ("end_step", np.int64),
        ("first_renewal", np.int64),  # of scan groups: the virtual groups that rest on them
        ("end_renewal", np.int64),
        ("period_ns", np.int64),
        ("stale_after_ns", np.int64),
        ("sample_ns", np.int64),  # state: start of the newest scan
        ("expected_ns", np.int64),  # state: from when the next scan may begin; NEVER: none is expected
        ("stale_at_ns", np.int64),  # state: when that scan ceases to be current
        ("due_ns", np.int64),  # state: when its comparisons must be looked at next
        ("touched", np.int64),  # state; 1: a scan has been conditioned and not judged
    ],
    align=True,
)

CONDITIONING: Final = np.dtype(
    [
        ("scale", np.float64),
        ("offset", np.float64),
        ("raw_low", np.float64),  # -inf: no bound
        ("raw_high", np.float64),
        ("plausible_low", np.float64),  # -inf: no bound
        ("plausible_high", np.float64),
        ("max_rate", np.float64),  # per nanosecond; inf: none
        ("window", np.int64),  # samples under the median; 1: none
        ("first_sentinel", np.int64),
        ("end_sentinel", np.int64),
        ("held", np.int64),  # state: samples in the window
        ("last", np.float64),  # state: the newest usable sample, before the median; NaN: there is none
        ("last_ns", np.int64),  # state: when that was taken
    ],
    align=True,
)

SENTINEL: Final = np.dtype([("raw", np.float64), ("quality", np.int64)], align=True)

COMPARISON: Final = np.dtype(
    [
        ("tag", np.int64),
        ("test", np.int64),  # `filters.machine`: AT_LEAST, AT_MOST, ...
        ("limit", np.float64),
        ("release", np.float64),  # takes the limit's place while the comparison is active: the deadband
        ("on_delay_ns", np.int64),
        ("off_delay_ns", np.int64),
        ("window", np.int64),  # the tag's median window
        ("watched", np.int64),  # 1: the witness must hear when the input turns Bad or comes back
    ],
    align=True,
)

COMPARISON_STATE: Final = np.dtype(
    [
        ("phase", np.int64),  # `filters.machine`: NORMAL, RISING, ACTIVE, FALLING
        ("blind", np.int64),  # 1: the input is Bad
        ("started_ns", np.int64),  # when the running delay began, or the phase
        ("due_ns", np.int64),  # when the running delay ends; NEVER
        ("quiet", np.int64),  # raw samples in a row that did not meet the limit
        ("quiet_ns", np.int64),  # the newest sample that did not; LONG_AGO
        ("met_ns", np.int64),  # the newest sample that did; LONG_AGO
        ("onset_ns", np.int64),  # first raw sample of this excursion that met the limit; NEVER
        ("run_ns", np.int64),  # first raw sample of the newest unbroken row that met it
        ("before_ns", np.int64),  # last raw sample before the onset; LONG_AGO
        ("rose_ns", np.int64),  # `run_ns`, `onset_ns` and `before_ns` of the newest activation, kept
        ("rose_onset_ns", np.int64),
        ("rose_before_ns", np.int64),
        ("fell_ns", np.int64),  # when the newest activation that ended began to end; NEVER: none has
        ("fell_before_ns", np.int64),  # last raw sample before that met the limit
        ("left_ns", np.int64),  # what was left of an off-delay when the input turned Bad; a length of time
        ("anew_ns", np.int64),  # how long the filters of an alarm from before a restart remember; then 0
    ],
    align=True,
)

STEP: Final = np.dtype(
    [
        ("op", np.int64),  # `config.expression.operations.Op`
        ("left", np.int64),  # the step that gives the first input; of LOAD the tag
        ("right", np.int64),  # the step that gives the second input, -1: there is none; of STORE the tag
        ("number", np.float64),
        ("span_ns", np.int64),
        ("first_sample", np.int64),  # its part of the ring of samples
        ("end_sample", np.int64),
        ("value", np.float64),  # state: what it gives; NaN exactly where the quality is Bad
        ("shown", np.float64),  # state: what it would give without any smoothing
        ("quality", np.int64),  # state
        ("oldest_ns", np.int64),  # state: the oldest and the newest sample that it rests on
        ("newest_ns", np.int64),
        ("kept", np.float64),  # state: what the operation remembers
        ("since_ns", np.int64),  # state: since when
        ("seen_ns", np.int64),  # state: of what it has taken last the newest sample; LONG_AGO
        ("seen_oldest_ns", np.int64),  # state: and the oldest
        ("seen", np.float64),  # state: and what it was
        ("blind_ns", np.int64),  # state: since when its input is Bad; NEVER
        ("held", np.int64),  # state: samples in its ring
        ("head", np.int64),  # state: where the next one goes, from `first_sample`
    ],
    align=True,
)
"""One step of a computation: a register machine in which every step writes a register of its own."""

REPORTING: Final = np.dtype(
    [
        ("band", np.float64),  # deadband in engineering units; negative: every reading is reported
        ("heartbeat_ns", np.int64),
        ("min_interval_ns", np.int64),
        ("door", np.int64),  # 1: swinging door
        ("max_delay_ns", np.int64),
        ("value", np.float64),  # state: what was reported last
        ("quality", np.int64),  # state
        ("boot_ns", np.int64),  # state; LONG_AGO: nothing yet
        ("held", np.int64),  # state; 1: the newest reading is held back
        ("held_value", np.float64),  # state: that reading
        ("held_ns", np.int64),  # state
        ("low", np.float64),  # state: the slopes, per nanosecond, between which the door stands open
        ("high", np.float64),
        ("left_ns", np.int64),  # state: since when the band has been left; NEVER
    ],
    align=True,
)
