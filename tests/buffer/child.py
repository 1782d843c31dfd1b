"""A process that writes a log until it is killed, and says on stdout what the log called stored, and when.

python -m tests.buffer.child DIRECTORY RUN RECORDS INTERVAL_S
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.buffer.rig import READINGS, acknowledge, noise, open_log, put


def body_of(run: int, seq: int) -> bytes:
    """Every record's content follows from its key, so that anyone can check it."""
    return b"%d/%d:" % (run, seq) + noise(run * 1_000_003 + seq, 50 + seq % 5 * 300)


def promised(said: Iterable[str], by_ns: float = math.inf) -> int:
    """Return the last number that was called stored, by an instant (monotonic); 0 where none was."""
    reports = (line.split() for line in said if line[:1].isdigit())
    return max((int(seq) for seq, at_ns in reports if int(at_ns) <= by_ns), default=0)


def main() -> None:
    directory, run, records = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    log = open_log(directory, run=run, cap="50MB", segment="100kB", commit_interval="2ms")
    reader = log.reader("main", READINGS, start="now")
    said, acknowledged = 0, 0
    for seq in range(1, records + 1):
        put(log, body_of(run, seq), count=seq % 11)
        if log.stored_seq(READINGS) > said:
            said = log.stored_seq(READINGS)
            print(said, time.monotonic_ns(), flush=True)
        sent = [record for record in reader.next(5, 1 << 20) if record.seq % 3 == 0]
        acknowledge(log, sent)
        if acknowledged != len(sent):
            acknowledged = len(sent)
            log._upkeep._saved_s = 0.0  # save cursors far more often than every two seconds
        if log.failure is not None:
            print("failure", flush=True)
            sys.exit(3)
        time.sleep(float(sys.argv[4]))
    log.close()


if __name__ == "__main__":
    main()
